import torch
from torch import nn

from lensmaker.instruments.attention import AttentionEntropy
from lensmaker.instruments.gradients import Gradients
from lensmaker.instruments.saturation import Saturation
from lensmaker.instruments.signals import Signals
from lensmaker.instruments.together import measure_together
from lensmaker.systems.networks import Network


class Counted(nn.Module):
    def __init__(self, calls=None):
        super().__init__()
        self.count = (calls if calls is not None else []).append
        self.fc = nn.Linear(5, 5)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        self.count(1)
        return self.act(self.fc(x))


ALL = [Signals(), Saturation(), AttentionEntropy(), Gradients()]


def test_all_instruments_share_one_pass_and_read_what_they_read_alone():
    calls = []
    network = Network(Counted(calls), (torch.randn(6, 5), torch.randn(6, 5)), nn.functional.mse_loss)
    together = measure_together(network, ALL)
    assert len(calls) == 1
    assert set(together) == {i.name for i in ALL}
    for instrument in ALL:
        assert together[instrument.name] == instrument.measure(network)


def test_the_places_are_those_of_the_visible_elements():
    net = nn.Sequential(nn.Conv1d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 4))
    network = Network(net, (torch.randn(5, 2, 6), torch.randint(4, (5,))), nn.functional.cross_entropy)
    visible = [e.where for e in network.probes(2).visible()]
    found = measure_together(network, [Signals(), Gradients()])
    signals = list(dict.fromkeys(m.where for m in found["signals"]))
    assert [str(signals[0])] == ["input"]
    assert signals[1:] == visible
    assert [m.where for m in found["gradients"] if m.quantity.name == "gradient"] == visible


def test_without_a_loss_there_are_no_gradients_but_signals():
    found = measure_together(Network(Counted(), torch.randn(6, 5)), ALL)
    assert len(found["gradients"]) == 0
    assert len(found["signals"]) > 0


def test_every_quantity_is_declared_and_signed():
    network = Network(Counted(), (torch.randn(6, 5), torch.randn(6, 5)), nn.functional.mse_loss)
    for instrument in ALL:
        for m in instrument.measure(network):
            assert m.quantity.name in instrument.quantities
            assert m.instrument == instrument.name
            assert m.samples == 6

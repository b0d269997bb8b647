import math

import pytest
import torch
from torch import nn

from lensmaker.instruments.saturation import SATURATED, Saturation
from lensmaker.instruments.signals import Signals
from lensmaker.instruments.together import measure_together
from lensmaker.systems.networks import Network


def measured(net, x, **options):
    return {str(m.where): m for m in Saturation(**options).measure(Network(net, x))}


def flat(slope, largest):
    return (slope.abs() < SATURATED * largest).double()


def gelu_slope(x):
    return 0.5 * (1 + torch.erf(x / math.sqrt(2))) + x * torch.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


SLOPES = {
    "tanh": (nn.Tanh(), lambda x: 1 - x.tanh() ** 2, 1.0),
    "sigmoid": (nn.Sigmoid(), lambda x: x.sigmoid() * (1 - x.sigmoid()), 0.25),
    "relu": (nn.ReLU(), lambda x: (x > 0).double(), 1.0),
    "gelu": (nn.GELU(), gelu_slope, float(gelu_slope(torch.tensor(math.sqrt(2))))),
    "elu": (nn.ELU(), lambda x: torch.where(x > 0, 1.0, x.exp()), 1.0),
    "hardtanh": (nn.Hardtanh(), lambda x: (x.abs() < 1).double(), 1.0),
    "softsign": (nn.Softsign(), lambda x: (1 + x.abs()) ** -2, 1.0),
    "softplus": (nn.Softplus(), lambda x: x.sigmoid(), 1.0),
    "hardshrink": (nn.Hardshrink(20.0), lambda x: (x.abs() > 20).double(), 1.0),
}


@pytest.mark.parametrize("name", SLOPES)
def test_every_input_is_judged_by_the_analytic_slope(name):
    """At random inputs, no slope lies within a rounding of the threshold; sums are exact."""
    net, slope, largest = SLOPES[name]
    x = 4 * torch.randn(9, 400, dtype=torch.float64)
    x[0, 0] = 21.0  # so that the steep part of the widest shrinkage is among the inputs
    by_sample = flat(slope(x), largest).mean(dim=1)
    m = measured(net, x)[name]
    assert m.value == pytest.approx(float(by_sample.mean()), rel=1e-12)
    assert m.error == pytest.approx(float(by_sample.std()) / 3, rel=1e-10)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.ELU, nn.Hardtanh, nn.SiLU, nn.LeakyReLU])
def test_in_place_activations_are_judged_by_their_input(activation):
    x = 5 * torch.randn(6, 50)
    layer = nn.Linear(50, 50)
    apart = measured(nn.Sequential(layer, activation()), x)
    (place,) = apart
    assert measured(nn.Sequential(layer, activation(inplace=True)), x)[place] == apart[place]
    assert activation is nn.LeakyReLU or apart[place].value > 0


def test_in_place_methods_are_judged_by_their_input():
    class Method(nn.Module):
        def forward(self, x):
            return (2 * x).tanh_()

    x = torch.randn(6, 50)
    expected = flat(1 - (2 * x).tanh() ** 2, 1.0)
    assert 0.01 < float(expected.mean()) < 0.5
    assert measured(Method(), x)["tanh"].value == pytest.approx(float(expected.mean()), rel=1e-12)


def test_the_threshold_is_five_percent():
    slopes = torch.tensor([[0.01, 0.0499, 0.0501, 0.9]], dtype=torch.float64)
    assert measured(nn.Tanh(), torch.atanh((1 - slopes).sqrt()))["tanh"].value == 0.5


def test_a_layer_that_is_saturated_as_a_whole_is_seen():
    """The largest slope is the activation's, not that of its inputs."""
    assert measured(nn.Tanh(), torch.full((3, 7), 9.0))["tanh"].value == 1.0
    assert measured(nn.ReLU(), torch.full((3, 7), -0.1))["relu"].value == 1.0


def test_channel_slopes_of_prelu():
    net = nn.PReLU(3)
    with torch.no_grad():
        net.weight.copy_(torch.tensor([0.0, 0.04, 0.5]))
    x = torch.randn(5, 3, 4, 4)
    expected = ((x < 0) & (net.weight[:, None, None] < 0.05)).double().mean()
    assert measured(net, x)["prelu"].value == pytest.approx(float(expected), rel=1e-12)


def test_a_sub_sample_agrees_within_its_error():
    """One draw at a fixed seed; 4 standard errors let one in 16,000 correct draws fail."""
    x = 3 * torch.randn(16, 1024)
    everything = measured(nn.Tanh(), x)["tanh"]
    drawn = measured(nn.Tanh(), x, limit=4096)["tanh"]
    assert drawn.value != everything.value
    assert abs(drawn.value - everything.value) < 4 * drawn.error
    assert drawn.error < 0.02


def test_sub_samples_belong_to_their_samples():
    """Sequence first: saturated samples among others give a large error only if samples are told apart."""
    x = torch.zeros(64, 6, 32)
    x[:, 3:] = 9.0
    net = Network(nn.Tanh(), x, batch_axis=1)
    (m,) = Saturation(limit=6000).measure(net)
    assert m.value == pytest.approx(0.5, abs=0.05)
    assert m.error == pytest.approx(0.5 * math.sqrt(1 / 5), rel=0.05)


def test_low_precision():
    x = (3 * torch.randn(8, 200)).bfloat16()
    expected = flat(1 - x.double().tanh() ** 2, 1.0).mean()
    assert measured(nn.Tanh(), x)["tanh"].value == pytest.approx(float(expected), rel=1e-6)


def test_inside_inference_mode():
    class Inferring(nn.Module):
        def forward(self, x):
            with torch.inference_mode():
                return torch.nn.functional.prelu(torch.tanh(x), torch.tensor([0.01]))

    x = 3 * torch.randn(6, 50)
    found = measured(Inferring(), x)
    assert found["tanh"].value == pytest.approx(float(flat(1 - x.tanh() ** 2, 1.0).mean()), rel=1e-6)
    assert found["prelu"].value == pytest.approx(float((x < 0).double().mean()), rel=1e-6)


def test_functions_without_a_largest_slope_are_left_out():
    class Unbounded(nn.Module):
        def forward(self, x):
            return torch.exp(x) + torch.sign(x) + x.square()

    assert measured(Unbounded(), torch.randn(4, 5)) == {}


def test_random_activations_do_not_disturb_the_networks_draws():
    net = nn.Sequential(nn.RReLU(), nn.Dropout())
    network = Network(net, torch.randn(4, 50))
    alone = measure_together(network, [Signals()])["signals"]
    assert measure_together(network, [Saturation(), Signals()])["signals"] == alone

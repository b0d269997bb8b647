import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss
from torch.utils.checkpoint import checkpoint

from exact.sample_statistics import leave_one_out_error
from lensmaker.core import Convergence
from lensmaker.instruments.gradients import Gradients
from lensmaker.instruments.saturation import Saturation
from lensmaker.instruments.together import measure_together
from lensmaker.systems.networks import Network


def measured(network):
    return {(m.quantity.name, str(m.where)): m for m in Gradients().measure(network)}


def mean_square(x):
    return float(np.mean(x**2))


def relative_update(pair):
    return math.sqrt(np.mean(pair[:, 0] ** 2) / np.mean(pair[:, 1] ** 2))


class Deep(nn.Module):
    """One layer three times, in-place activations, a residual sum; `inplace=False` is the reference."""

    def __init__(self, inplace):
        super().__init__()
        self.fc = nn.Linear(6, 6)
        self.out = nn.Linear(6, 3)
        self.inplace = inplace
        self.values = {}

    def forward(self, x):
        for call in range(3):
            h = self.fc(x)
            self.values[f"fc@{call}:linear" if call else "fc:linear"] = h
            h = torch.relu_(h) if self.inplace else torch.relu(h)
            self.values[f"relu#{call}" if call else "relu"] = h
            x = x + h
            self.values[f"add#{call}" if call else "add"] = x
        return self.out(x)


def test_gradients_of_activations_are_those_of_explicit_differentiation():
    torch.manual_seed(0)
    net = Deep(inplace=True).double()
    x, y = torch.randn(7, 6, dtype=torch.float64), torch.randint(3, (7,))
    found = measured(Network(net, (x, y), cross_entropy))
    reference = Deep(inplace=False).double()
    reference.load_state_dict(net.state_dict())
    loss = cross_entropy(reference(x), y)
    gradients = torch.autograd.grad(loss, list(reference.values.values()))
    for where, g in zip(reference.values, gradients, strict=True):
        m = found["gradient", where]
        assert m.value == pytest.approx(mean_square(g.numpy()), rel=1e-10, abs=0), where
        assert m.error == pytest.approx(leave_one_out_error(g.numpy(), mean_square), rel=1e-8, abs=0), where
    assert ("gradient", "out:linear") in found


def test_gradients_of_parameters_are_those_of_backward():
    net = Deep(inplace=True).double()
    x, y = torch.randn(7, 6, dtype=torch.float64), torch.randint(3, (7,))
    found = measured(Network(net, (x, y), cross_entropy))
    cross_entropy(net(x), y).backward()
    for name, p in net.named_parameters():
        path, _, own = name.rpartition(".")
        m = found["weight_gradient", f"{path}:{own}"]
        g, w = p.grad.numpy(), p.detach().numpy()
        assert m.value == pytest.approx(mean_square(g), rel=1e-10, abs=0)
        assert m.error == pytest.approx(leave_one_out_error(g, mean_square), rel=1e-8, abs=0)
        m = found["update_ratio", f"{path}:{own}"]
        assert m.value == pytest.approx(np.linalg.norm(g) / np.linalg.norm(w), rel=1e-10, abs=0)
        pair = np.stack([g, w], axis=1)
        assert m.error == pytest.approx(leave_one_out_error(pair, relative_update), rel=1e-8, abs=0)


def test_the_loss_is_not_rescaled():
    x, y = torch.randn(5, 4), torch.randn(5, 4)
    mean = measured(Network(nn.Linear(4, 4), (x, y), mse_loss))
    torch.manual_seed(0)
    net = nn.Linear(4, 4)
    mean = measured(Network(net, (x, y), mse_loss))
    total = measured(Network(net, (x, y), nn.MSELoss(reduction="sum")))
    for key, factor in {("gradient", "linear"): 400.0, ("weight_gradient", "weight"): 400.0}.items():
        assert total[key].value / mean[key].value == pytest.approx(factor, rel=1e-5, abs=0)


def test_in_place_operations_on_an_image():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.Conv2d(2, 1, 3)).double()
    x = torch.randn(4, 1, 7, 7, dtype=torch.float64)
    found = measured(Network(net, x, lambda y: y.square().sum()))
    h = net[0](x)
    a = torch.relu(h)
    out = net[2](a)
    for where, g in zip(
        ("0:conv2d", "1:relu", "2:conv2d"), torch.autograd.grad(out.square().sum(), [h, a, out]), strict=True
    ):
        assert found["gradient", where].value == pytest.approx(mean_square(g.numpy()), rel=1e-10, abs=0)


def test_gradients_too_small_for_the_square_of_a_float():
    found = measured(Network(nn.Linear(3, 3), torch.ones(2, 3), lambda y: 1e-30 * y.sum()))
    assert found["gradient", "linear"].value == pytest.approx(1e-60, rel=1e-5, abs=0)


def test_low_precision_sequence_first_and_heads():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=False)
    x = torch.randn(5, 5, 8)
    single = measured(Network(layer, x, lambda y: y.pow(3).sum(), batch_axis=1))
    first = copy.deepcopy(layer)
    first.self_attn.batch_first = True
    other = measured(Network(first, x.transpose(0, 1), lambda y: y.pow(3).sum()))
    for key, m in single.items():
        assert other[key].value == pytest.approx(m.value, rel=1e-4, abs=0), key
        assert other[key].error == pytest.approx(m.error, rel=1e-3, abs=0), key
    low = measured(Network(layer.bfloat16(), x.bfloat16(), lambda y: y.pow(3).sum(), batch_axis=1))
    assert low["gradient", "linear1:linear"].value == pytest.approx(
        single["gradient", "linear1:linear"].value, rel=0.1
    )


def test_a_parameter_of_zeros_has_no_relative_update():
    net = nn.Linear(3, 2)
    nn.init.zeros_(net.bias)
    found = measured(Network(net, torch.ones(4, 3), lambda y: y.sum()))
    assert found["weight_gradient", "bias"].value == 16.0
    assert ("update_ratio", "bias") not in found


def test_a_scalar_parameter_has_no_error():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(2.0))

        def forward(self, x):
            return self.scale * x

    m = measured(Network(Scaled(), torch.ones(4, 3), lambda y: y.sum()))["weight_gradient", "scale"]
    assert m.value == 144.0
    assert m.convergence is Convergence.TOO_FEW_SAMPLES


def test_what_the_loss_does_not_reach_has_no_gradient():
    class Cut(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x):
            return self.b(self.a(x).detach())

    found = measured(Network(Cut(), torch.ones(4, 3), lambda y: y.sum()))
    assert ("gradient", "b:linear") in found
    assert ("gradient", "a:linear") not in found
    assert ("weight_gradient", "a:weight") not in found


def test_an_overwritten_view_has_a_gradient():
    """Of whose graph torch keeps an old node until it is asked for."""

    class Rows(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x):
            h = self.fc(x)
            canvas = torch.zeros_like(h)
            canvas[:2] = h[:2]
            view = canvas.view(2, 8).transpose(0, 1)
            view[:3] = torch.full_like(view[:3], -1.0).where(torch.tensor(False), view[:3])
            return view

    net, x = Rows(), torch.randn(4, 4)
    found = measured(Network(net, x, lambda y: y.square().sum()))
    h = net.fc(x).detach()
    h[2:] = 0
    expected = torch.cat([4 * h[:2].square().flatten(), torch.zeros(8)]).mean()
    assert found["gradient", "fc:linear"].value == pytest.approx(float(expected), rel=1e-6)


def test_what_a_function_has_no_gradient_for_is_left_out():
    class Silent(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x + 1

        @staticmethod
        def backward(ctx, gradient):
            return None

    net = nn.Linear(3, 3)
    apart = nn.Linear(3, 3)

    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = net, apart

        def forward(self, x):
            return Silent.apply(self.a(x)) + self.b(x)

    found = measured(Network(Two(), torch.ones(4, 3), lambda y: y.sum()))
    assert ("gradient", "b:linear") in found
    assert ("gradient", "a:linear") not in found


def test_instruments_that_differentiate_do_not_disturb_a_checkpoint():
    block = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6))

    class Checkpointed(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = block

        def forward(self, x):
            return checkpoint(self.block, x, use_reentrant=False)

    x, loss = torch.randn(5, 6), lambda y: y.square().sum()
    together = [Saturation(), Gradients()]
    plain, checked = (measure_together(Network(net, x, loss), together) for net in (block, Checkpointed()))
    values = [[m.value for m in t["gradients"] if m.quantity.name == "gradient"] for t in (plain, checked)]
    assert values[0] == values[1] != []
    assert [m.value for m in plain["saturation"]] == [m.value for m in checked["saturation"]] != []


def test_gradients_of_the_user_stay():
    net = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    net(torch.randn(4, 3)).sum().backward()
    before = [p.grad.clone() for p in net.parameters()]
    state = copy.deepcopy(net.state_dict())
    Gradients().measure(Network(net, torch.randn(4, 3), lambda y: y.square().sum()))
    assert all(torch.equal(p.grad, g) for p, g in zip(net.parameters(), before, strict=True))
    assert all(torch.equal(state[k], v) for k, v in net.state_dict().items())

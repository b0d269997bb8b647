"""Networks solved as equations, beside the networks themselves; generators beside exponentials."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from torch import Tensor, nn

from lensmaker.core import InputError, Verdict, compare
from lensmaker.design.emit import Scheme, emit
from lensmaker.instruments.signals import Signals
from lensmaker.systems.fields.equations import FieldEquation, Grid, Medium
from lensmaker.systems.networks import Network, record
from lensmaker.theories.field_equation.theory import read
from lensmaker.theories.field_solution.generator import generator, step
from lensmaker.theories.field_solution.solved import solved
from lensmaker.theories.field_solution.theory import FieldSolution


def conv(kernel: Tensor, mode: str = "circular", groups: int = 1) -> nn.Module:
    """A convolution with these weights, without a bias, that keeps the size."""
    make = {3: nn.Conv1d, 4: nn.Conv2d}[kernel.ndim]
    pad = tuple(k // 2 for k in kernel.shape[2:])
    options = {"padding": pad, "padding_mode": mode, "bias": False, "groups": groups, "dtype": torch.float64}
    made: nn.Module = make(kernel.shape[1] * groups, kernel.shape[0], tuple(kernel.shape[2:]), **options)
    made.weight.data = kernel.double()
    return made


def bump(sides: tuple[int, ...], width: float, channels: int = 1) -> Tensor:
    axes = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) - n / 2 for n in sides), indexing="ij")
    one = torch.exp(-sum(a**2 for a in axes) / (2 * width**2))
    return torch.stack([(n + 1) * one.roll(2 * n, -1) for n in range(channels)])[None]


def positive(seed: int) -> Tensor:
    kernel = torch.rand(1, 1, 3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return kernel / kernel.sum()


class Residual(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


def stack(make: Callable[[int], nn.Module], layers: int) -> nn.Sequential:
    return nn.Sequential(*(make(n) for n in range(layers)))


PERIODIC = {
    "ReLU": stack(lambda n: nn.Sequential(conv(positive(n)), nn.ReLU()), 10),
    "linear": stack(lambda n: conv(positive(n)), 10),
    "residual": stack(lambda n: Residual(conv(0.3 * positive(n) - 0.1 * positive(n + 50))), 10),
}


@pytest.mark.parametrize("name", PERIODIC)
def test_signals_are_those_of_the_solution(name: str) -> None:
    """Each layer's mean exactly, its second moment within what the theory expects; the field itself too."""
    x = torch.cat([bump((48, 40), w) for w in (4.0, 5.0)])
    network = Network(PERIODIC[name], x)
    pairs, alone, _ = compare(FieldSolution().predict(network), Signals().measure(network))
    assert not alone
    assert len(pairs) == 20
    assert {c.verdict for c in pairs} == {Verdict.AGREES}
    for c in pairs:
        tolerance = 1e-9 if c.quantity.name == "mean" else 2e-3
        assert c.ratio == pytest.approx(1, abs=tolerance)
    found = solved(record(PERIODIC[name], x, keep=True))
    off = (found.solution.last - PERIODIC[name](x).detach()).norm() / found.solution.last.norm()
    assert 0 < float(off) < 0.02


def test_the_error_falls_with_the_third_power_of_the_wavenumber() -> None:
    net, errors = PERIODIC["linear"], []
    for width in (3.0, 6.0, 12.0):
        x = bump((128, 128), width)
        found = solved(record(net, x, keep=True))
        errors.append(float((found.solution.last - net(x).detach()).norm() / found.solution.last.norm()))
    assert math.log2(errors[1] / errors[2]) == pytest.approx(3, abs=0.15)


def test_rough_fields_are_outside() -> None:
    noise = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 0.5
    found = FieldSolution().predict(Network(PERIODIC["linear"], noise))
    assert not found[-1].regime
    assert "too rough" in found[-1].regime.outside
    relu = FieldSolution().predict(Network(PERIODIC["ReLU"], bump((32, 32), 4.0) - 0.5))
    assert "turns negative" in relu[-1].regime.outside


@pytest.mark.parametrize("mode", ["reflect", "zeros"])
def test_walls(mode: str) -> None:
    """Blurs without drift, whose waves are those of the walls."""
    kernel = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])[None, None] / 16
    net = stack(lambda n: conv(kernel, mode), 6)
    x = bump((40, 36), 6.0).roll(-9, -1)
    found = solved(record(net, x, keep=True))
    off = (found.solution.last - net(x).detach()).norm() / found.solution.last.norm()
    assert 0 < float(off) < 2e-3


def test_tanh_of_small_fields_to_first_order() -> None:
    """The equation of a layer f⁻¹(φ′) = Gφ steps once where the network does: 1 − φ² and artanh must both be there."""
    kernel = torch.tensor([0.02, 1.0, 0.03])[None, None]
    net = stack(lambda n: nn.Sequential(conv(kernel), nn.Tanh()), 8)
    x = 0.3 * bump((64,), 6.0)
    found = solved(record(net, x, keep=True))
    after = net(x).detach()
    off = (found.solution.last - after).norm() / (after - x).norm()
    assert float(off) < 0.05  # of the whole change


@pytest.mark.parametrize("axes", [1, 2])
def test_generators_of_several_channels_do_not_commute(axes: int) -> None:
    """e^{P(k)} by scipy less K(k) by a sum over taps falls as |k|³, along a slanted direction."""
    draw = torch.Generator().manual_seed(7)
    kernel = 0.15 * torch.randn(3, 3, *(3,) * axes, generator=draw, dtype=torch.float64)
    kernel[(range(3), range(3), *([1] * axes))] += 1.0
    layer = conv(kernel)
    medium = generator(read(record(layer, torch.ones(1, 3, *(9,) * axes, dtype=torch.float64)))[0])
    g, a, v = medium.metric.numpy(), medium.drift.numpy(), medium.potential.numpy()
    direction = np.array([0.8, -0.6])[:axes]
    errors = []
    for size in (0.04, 0.02):
        k = size * direction
        power = v + 1j * np.einsum("ioc,i->oc", a, k) - np.einsum("ijoc,i,j->oc", g, k, k) / 2
        symbol = np.zeros((3, 3), complex)
        for z in np.ndindex(*(3,) * axes):
            symbol += kernel.numpy()[(slice(None), slice(None), *z)] * np.exp(1j * k @ (np.array(z) - 1))
        errors.append(np.abs(expm(power) - symbol).max())
    assert math.log2(errors[0] / errors[1]) == pytest.approx(3, abs=0.1)


def test_groups_are_blocks() -> None:
    blur, ahead = torch.tensor([0.25, 0.5, 0.25]), torch.tensor([0.0, 0.5, 0.5])
    layer = conv(torch.stack([blur, ahead])[:, None], groups=2)
    medium = generator(read(record(layer, torch.ones(1, 2, 9, dtype=torch.float64)))[0])
    np.testing.assert_allclose(medium.drift[0], np.diag([0.0, 0.5]), atol=1e-12)
    np.testing.assert_allclose(medium.metric[0, 0], np.diag([0.5, 0.25]), atol=1e-12)


def test_an_emitted_network_is_read_as_what_it_was_made_of() -> None:
    """The moments of each Euler layer are h times its medium, with the identity of the skip in m₀."""
    grid = Grid((12, 10), (1.0, 1.0))
    medium = Medium.plain(2, metric=[[0.6, 0.2], [0.2, 0.4]], drift=(0.3, -0.2), potential=-0.1)
    network = emit(FieldEquation(grid, (medium,)), 1.0, 4, scheme=Scheme.EULER)
    train = record(network, bump((12, 10), 2.0), keep=False)
    for field in read(train):
        found = step(field)
        np.testing.assert_allclose(found.metric, medium.metric / 4, atol=1e-14)
        np.testing.assert_allclose(found.drift, medium.drift / 4, atol=1e-14)
        np.testing.assert_allclose(found.potential, 1 + medium.potential / 4, atol=1e-14)


X = torch.ones(1, 1, 9, dtype=torch.float64)
PLAIN = torch.tensor([0.25, 0.5, 0.25])[None, None]
BAD: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "negative": (lambda: conv(-PLAIN), "m₀ with a real logarithm, but got .* eigenvalue -1"),
    "none": (lambda: conv(torch.tensor([[[-1.0, 0.0, 1.0]]])), "m₀ with a real logarithm"),
    "bias": (lambda: nn.Conv1d(1, 1, 3, padding=1).double(), "without biases, but got conv1d"),
    "gelu": (
        lambda: nn.Sequential(conv(PLAIN), nn.GELU()),
        "ReLU, with tanh, or with no activation, but got gelu",
    ),
    "valid": (lambda: nn.Conv1d(1, 1, 3, bias=False).double(), "keeps the shape of its field"),
    "linear": (lambda: nn.Linear(9, 9).double(), "a network with convolutions"),
    "activated skip": (
        lambda: Residual(nn.Sequential(conv(PLAIN), nn.ReLU())),
        "keeps the shape of its field",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_networks_that_are_no_such_equation_say_why(name: str) -> None:
    make, words = BAD[name]
    with pytest.raises(InputError, match=words):
        FieldSolution().predict(Network(make(), X))


def test_anti_diffusion_is_refused() -> None:
    sharpen = torch.tensor([-0.25, 1.5, -0.25])[None, None]
    with pytest.raises(InputError, match="waves whose growth is bounded"):
        FieldSolution().predict(Network(conv(sharpen), X))

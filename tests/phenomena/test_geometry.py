"""The geometry of networks, from their kernels to the drawing, beside bumps that are really moved."""

from __future__ import annotations

import math
import re

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import lensmaker
from lensmaker.core import InputError, principal_axes
from lensmaker.inspection import geometry_of
from lensmaker.phenomena.geometry import geometry
from lensmaker.report.geometry_figure import STEP, geometry_svg
from lensmaker.report.geometry_words import angle
from lensmaker.systems.networks import Network

KERNEL = torch.tensor([[1.0, 0.5, 4.0], [0.5, 6.0, 1.0], [2.0, 0.5, 0.5]])
"""Heavy at the upper right: a cross-correlation moves bumps to the lower left, and widens them along that diagonal."""


def of_kernel(kernel: Tensor, stride: int = 1) -> nn.Conv2d:
    conv = nn.Conv2d(1, 1, kernel.shape[-1], stride, padding=kernel.shape[-1] // 2, bias=False)
    conv.weight.data = (kernel / kernel.sum())[None, None]
    return conv


def moments(field: Tensor) -> tuple[Tensor, Tensor]:
    """Centroid and covariance of a field, (row, column)."""
    rows, columns = (torch.arange(n, dtype=field.dtype) for n in field.shape)
    places = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1).flatten(0, 1)
    weight = field.flatten() / field.sum()
    mean = weight @ places
    return mean, (places - mean).T @ (weight[:, None] * (places - mean))


def bump(n: int = 41) -> Tensor:
    x = torch.arange(n, dtype=torch.float64) - n // 2
    return torch.exp(-(x[:, None] ** 2 + x[None] ** 2) / 18)


def test_the_arrow_and_the_ellipse_are_those_of_a_bump() -> None:
    (layer,) = geometry(Network(of_kernel(KERNEL), torch.randn(2, 1, 16, 16)), errors=False)
    before, wide = moments(bump())
    moved = F.conv2d(bump()[None, None], (KERNEL / KERNEL.sum()).double()[None, None], padding=1)[0, 0]
    after, wider = moments(moved)
    (down, right), grown = (after - before).tolist(), wider - wide
    assert down > 0.05 > -0.05 > right
    svg = geometry_svg([layer])
    a, b, c, d = map(float, re.findall(r'class="drift" d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)', svg)[0])
    assert (c - a, d - b) == pytest.approx((STEP * right, STEP * down), abs=0.02)
    metric = grown + torch.outer(after - before, after - before)
    assert torch.allclose(torch.tensor(layer.metric, dtype=torch.float64), metric, atol=1e-6, rtol=0)
    # It widens along the antidiagonal: up while going right.
    assert float(metric[0, 1]) < -0.1
    turn = float(re.findall(r'<ellipse [^>]*transform="rotate\((-?[\d.]+) ', svg)[0])
    assert (turn + 90) % 180 - 90 == pytest.approx(-45, abs=15)
    assert float(angle(layer)[:-1]) == pytest.approx((turn + 90) % 180 - 90, abs=1)


@pytest.mark.parametrize("axis", [0, 1])
def test_point_spreads_have_their_axes_in_order(axis: int) -> None:
    """A kernel long on one axis, with its weight at the end: both spreads must be long and moved on that axis."""
    kernel = torch.zeros(5, 5)
    line = torch.tensor([0.2, 0.2, 0.2, 0.2, 1.0])
    if axis:
        kernel[2] = line
    else:
        kernel[:, 2] = line
    (layer,) = geometry(Network(of_kernel(kernel), torch.randn(2, 1, 20, 20)), errors=False)
    for spread in (layer.predicted_spread, layer.measured_spread):
        assert spread is not None
        share = line.square() / line.square().sum()
        places = torch.arange(-2.0, 3.0)
        mean = float(share @ places)
        assert spread.drift[axis] == pytest.approx(mean, abs=1e-6)
        assert spread.drift[1 - axis] == pytest.approx(0, abs=1e-6)
        assert spread.covariance[axis][axis] == pytest.approx(float(share @ places**2) - mean**2, abs=1e-5)
        assert spread.covariance[1 - axis][1 - axis] == pytest.approx(0, abs=1e-6)


def test_a_leaning_point_spread_leans_in_both() -> None:
    kernel = torch.eye(3).flip(1) + 0.01  # from lower left to upper right
    (layer,) = geometry(Network(of_kernel(kernel), torch.randn(2, 1, 16, 16)), errors=False)
    for spread in (layer.predicted_spread, layer.measured_spread):
        assert spread is not None
        _, (_, (down, right)) = principal_axes(spread.covariance)
        assert down * right == pytest.approx(-0.5, abs=0.01)


def test_shares_and_errors_of_a_wave() -> None:
    """A blur of three equal weights: (1 + 2 cos k)/3 against 1 − k²/3."""
    blur = nn.Conv1d(1, 1, 3, padding=1, bias=False)
    nn.init.constant_(blur.weight, 1 / 3)
    for wave, trusted in ((32, 1.0), (4, 0.0)):
        k = 2 * math.pi / wave
        x = torch.cos(k * (torch.arange(64) + 0.5)).expand(2, 1, 64)
        (layer,) = geometry(Network(blur, x))
        exact = abs((1 + 2 * math.cos(k)) / 3 - (1 - k * k / 3)) / abs((1 + 2 * math.cos(k)) / 3)
        assert layer.share == pytest.approx(trusted, abs=1e-6)
        assert layer.measured == pytest.approx(exact, rel=1e-3)
        assert layer.expected == pytest.approx(exact, rel=0.05)


def small(norm: bool = True) -> nn.Sequential:
    torch.manual_seed(0)
    parts: list[nn.Module] = [nn.Conv2d(3, 8, 3, padding=1)]
    for _ in range(5):
        parts += [
            *([nn.BatchNorm2d(8)] if norm else []),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.Dropout(0.1),
        ]
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(8 * 16 * 16, 3))


def test_few_layers_are_looked_at_and_the_last_is_among_them() -> None:
    found = geometry(Network(small(), torch.randn(4, 3, 16, 16)), errors=False, layers=2)
    assert [row.measured_spread is not None for row in found] == [False, False, True, False, False, True]
    assert all(row.predicted_spread is not None for row in found)
    everything = geometry(Network(small(), torch.randn(4, 3, 16, 16)), errors=False)
    assert all(row.measured_spread is not None for row in everything)


def test_local_layers_move_nothing_and_zeros_have_no_metric() -> None:
    edge = of_kernel(torch.tensor([[-1.0, 0, 1], [-1, 0, 1], [-1, 0, 2]]))
    edge.weight.data = edge.weight.data - edge.weight.data.mean()
    dead = nn.Conv2d(1, 1, 3, padding=1)
    nn.init.zeros_(dead.weight)
    net = nn.Sequential(nn.Conv2d(1, 1, 1), edge, dead)
    local, without, silent = geometry(Network(net, torch.randn(2, 1, 12, 12)), errors=False)
    assert (local.kind, local.moves) == ("local", False)
    assert (without.metric, without.has_metric) == ((), False)
    assert "weights sum to zero" in " ".join(without.notes)
    assert (silent.kind, silent.share) == ("silent", 0.0)


# -- in an inspection -------------------------------------------------------------------------------


@pytest.mark.parametrize("training", [True, False])
def test_an_inspection_has_it_and_leaves_the_patient_as_it_was(training: bool) -> None:
    net = small().train(training)
    x = torch.randn(4, 3, 16, 16)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    state = torch.get_rng_state()
    report = lensmaker.inspect(net, x)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())
    assert net.training is training
    assert len(report.record.geometry) == 6
    assert sum(row.measured_spread is not None for row in report.record.geometry) == 4
    assert {"luo2016", "ruthotto2020"} <= {r.key for r in report.record.references}
    assert "6 convolutions" in repr(report)


def test_other_networks_have_none() -> None:
    report = lensmaker.inspect(nn.Linear(8, 3), torch.randn(4, 8))
    assert len(report.record.geometry) == 0
    assert "geometry" not in repr(report)
    with pytest.raises(InputError, match="convolution"):
        geometry(Network(nn.Linear(8, 3), torch.randn(4, 8)))
    with pytest.raises(InputError, match="at least one sample"):
        geometry(Network(small(), torch.randn(4, 3, 16, 16)), samples=0)


class Complex(nn.Module):
    """A convolution of complex numbers, which no theory here reads."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 2, 3, padding=1, dtype=torch.complex64)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x.to(torch.complex64)).abs()


class Tokens(nn.Module):
    """A convolution behind an embedding: the network reads no field of floats."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.conv = nn.Embedding(9, 4), nn.Conv1d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.embed(x).mT)


class Made(nn.Module):
    """A convolution whose kernel is computed."""

    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv1d(x, self.lin(x).mean((0, 1))[None, None])


class Normed(nn.Module):
    """Batch norm of single values behind a strided stack: one sample alone cannot run in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 8, stride=8), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x))


def test_complex_kernels_are_refused() -> None:
    with pytest.raises(InputError, match="convolutions by weights of its own"):
        geometry(Network(Complex(), torch.randn(3, 1, 9)))
    found, (note,) = geometry_of(Network(Complex(), torch.randn(3, 1, 9)))
    assert len(found) == 0
    assert "convolutions were not read as differential operators" in note


@pytest.mark.parametrize(
    ("net", "x"),
    [
        (Tokens(), torch.randint(9, (3, 8))),
        (Made(), torch.randn(3, 1, 4)),
        (Normed(), torch.randn(3, 3, 8, 8)),
        (Normed().eval(), torch.randn(1, 3, 8, 8)),
        (nn.Conv3d(1, 2, 3), torch.randn(2, 1, 5, 5, 5)),
        (nn.ConvTranspose2d(1, 2, 4, stride=2), torch.randn(2, 1, 5, 5)),
    ],
    ids=lambda v: type(v).__name__ if isinstance(v, nn.Module) else "",
)
def test_unusual_convolutions_never_stop_an_inspection(net: nn.Module, x: Tensor) -> None:
    network = Network(net, x)
    found, notes = geometry_of(network)
    assert len(found) + len(notes) >= 1
    geometry_svg(found)
    assert repr(lensmaker.inspect(net, x))

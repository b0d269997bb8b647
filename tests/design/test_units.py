"""Units that are zero, repeated, dead or saturated."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import lensmaker
from design.faults import LOSS, cured, only, roots
from design.networks import evidence_on, he, images, lecun, perceptron, vectors
from lensmaker.core import Training
from lensmaker.design.aberration import Aberration
from lensmaker.design.dead_units import DeadUnits
from lensmaker.design.idle_units import IdleUnits
from lensmaker.design.saturated_units import SaturatedUnits
from lensmaker.numerics.seeding import stream


def test_repeated_and_zeroed_units_are_drawn_anew() -> None:
    net, batch = perceptron(4, init=he), vectors()
    net[4].weight.data[[5, 9]] = net[4].weight.data[2].clone()
    net[4].weight.data[11:13] = 0
    report = lensmaker.inspect(net, batch, LOSS)
    found = only(report, "idle_units", "4:linear")
    assert "2 with weights of zero and 2 that repeat another unit" in found.cause
    before = net[4].weight.detach().clone()
    report.correct()
    changed = (net[4].weight != before).any(1).nonzero()[:, 0].tolist()
    assert changed == [5, 9, 11, 12]
    size = net[4].weight.detach()[changed].square().mean() / before[:5].square().mean()
    assert float(size) == pytest.approx(1, rel=0.5)
    assert lensmaker.inspect(net, batch, LOSS).findings == ()


def test_units_that_differ_are_left_alone_and_zeros_of_a_trained_network() -> None:
    """By a bias; by a difference that the projection of the search does not see; by training."""
    net, batch = perceptron(3, init=he), vectors()
    weight, bias = net[4].weight.data, net[4].bias.data
    weight[5] = weight[2]
    bias[5] = 1.0
    direction = torch.randn(65, generator=stream("idle units", 0))[:64]
    unseen = torch.randn(64)
    weight[9] = weight[3] + unseen - direction * (unseen @ direction / direction.square().sum())
    assert IdleUnits().look(evidence_on(net, batch)) == []
    weight[11] = 0
    assert len(IdleUnits().look(evidence_on(net, batch))) == 1
    assert IdleUnits().look(evidence_on(net, batch, Training.TRAINED)) == []


def test_a_weight_of_zeros_cuts_the_axis_but_not_a_residual_block() -> None:
    net, batch = perceptron(4, init=he), vectors()
    net[4].weight.data.zero_()
    report = lensmaker.inspect(net, batch, LOSS)
    assert only(report, "idle_units", "4:linear").value == 64
    cured(report, net, batch)

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(32, 32), nn.Linear(32, 32)
            nn.init.zeros_(self.b.weight)
            nn.init.zeros_(self.b.bias)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.b(torch.relu(self.a(x)))

    assert lensmaker.inspect(nn.Sequential(Block(), Block(), nn.Linear(32, 10)), batch, LOSS).findings == ()


def test_a_row_for_padding_of_a_tied_table_is_left_alone() -> None:
    class Language(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.table, self.layer = nn.Embedding(50, 32, padding_idx=0), nn.Linear(32, 32)

        def forward(self, ids: Tensor) -> Tensor:
            return self.layer(self.table(ids)) @ self.table.weight.T

    ids = torch.randint(50, (16, 8), generator=torch.Generator().manual_seed(0))
    assert lensmaker.inspect(Language(), ids).findings == ()


def test_equal_kernels_of_a_blur_are_left_alone() -> None:
    blur = nn.Conv2d(8, 8, 3, groups=8, bias=False, padding=1)
    nn.init.constant_(blur.weight, 1 / 9)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), blur, nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))
    assert lensmaker.inspect(net, images(), LOSS).findings == ()


def test_units_that_never_fire_get_their_bias_raised() -> None:
    net, batch = perceptron(5, init=he), vectors(samples=32)
    net[4].bias.data[4:] -= 9
    report = lensmaker.inspect(net, batch, LOSS)
    found = only(report, "dead_units", "5:relu")
    assert found.value == 60 / 64
    variance, mean = torch.var_mean(net[:5](batch[0])[:, 4:].detach(), 0, correction=0)
    depth = re.search(r"negative by ([\d.]+) of its", found.cause)
    assert depth is not None
    assert float(depth[1]) == pytest.approx(float((-mean / variance.sqrt()).median()), rel=0.01)
    alone = net[4].bias.detach()[:4].clone()
    report.correct()
    assert torch.equal(net[4].bias[:4], alone)
    alive = (net[:6](batch[0]) > 0).float().mean()
    assert 0.3 < float(alive) < 0.7
    assert lensmaker.inspect(net, batch, LOSS).findings == ()


def test_a_trained_network_whose_only_way_is_dead() -> None:
    net, batch = perceptron(5, init=he), vectors(samples=32)
    net[4].bias.data -= 20
    report = lensmaker.inspect(net, batch, LOSS, trained=True)
    assert only(report, "dead_units", "5:relu").bound == pytest.approx(1)
    net[4].bias.data[0] += 40  # one unit is a way
    assert roots(lensmaker.inspect(net, batch, LOSS, trained=True)) == []


def test_a_trained_network_that_biases_have_shut() -> None:
    net, batch = perceptron(5, act=nn.Tanh, init=lecun), vectors(samples=32)
    net[4].bias.data += 12
    only(lensmaker.inspect(net, batch, LOSS, trained=True), "saturated_units", "5:tanh")


class Beside(nn.Linear):
    """x + ReLU(W x + b)."""

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x).relu()


def shifted(net: nn.Sequential, bias: float, weight: float = 1.0) -> nn.Sequential:
    """The third layer."""
    net[4].bias.data += bias
    net[4].weight.data *= weight
    return net


def beside() -> nn.Sequential:
    return nn.Sequential(*(nn.Linear(32, 32) for _ in range(4)), Beside(32, 32), nn.Linear(32, 10))


UNITS: dict[str, tuple[Aberration, Callable[[], nn.Module], int, Training]] = {
    "few samples": (DeadUnits(), lambda: shifted(perceptron(3, init=he), -20), 12, Training.FRESH),
    "with a way around": (DeadUnits(), lambda: shifted(beside(), -20), 32, Training.TRAINED),
    "by their weights": (
        SaturatedUnits(), lambda: shifted(perceptron(3, act=nn.Tanh), 0, 1e3), 32, Training.TRAINED,
    ),
    "dead, not saturated": (SaturatedUnits(), lambda: shifted(perceptron(3, act=nn.ReLU6), -20), 32, Training.FRESH),
}  # fmt: skip


@pytest.mark.parametrize("name", UNITS)
def test_units_that_are_another_matter(name: str) -> None:
    aberration, make, samples, training = UNITS[name]
    assert aberration.look(evidence_on(make(), vectors(samples), training)) == []


def test_units_that_their_weights_saturate_follow_from_the_gain() -> None:
    net = shifted(perceptron(4, act=nn.Tanh, init=lecun), 0, 30)
    report = lensmaker.inspect(net, vectors(samples=32), LOSS)
    only(report, "layer_gain", "4:linear")
    assert [(f.aberration, f.consequence_of) for f in report.findings[1:]] == [
        ("saturated_units", "layer_gain at 4:linear")
    ]


def test_what_is_flat_by_its_purpose_is_left_alone() -> None:
    """A softplus far on its small side, and an exp that underflows."""

    class Small(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.softplus(x - 6) * 400 + (x - 1e4).exp()

    net = nn.Sequential(nn.Linear(32, 64), Small(), nn.Linear(64, 10))
    assert lensmaker.inspect(net, vectors(samples=32), LOSS).findings == ()


def test_units_at_the_flat_ends_are_brought_back() -> None:
    net, batch = perceptron(5, act=nn.Tanh, init=lecun), vectors(samples=32)
    net[4].bias.data += 5
    report = lensmaker.inspect(net, batch, LOSS)
    only(report, "saturated_units", "5:tanh")
    cured(report, net, batch)

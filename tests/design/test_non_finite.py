"""Weights and activations that are infinite or no numbers: named by the first element, and mended."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

import lensmaker
from design.faults import LOSS, cured, only, roots
from design.networks import he, perceptron, tokens, vectors
from lensmaker.core import Convergence, Measurement


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_weight_that_is_no_number(value: float) -> None:
    net, batch = perceptron(4, init=he), vectors()
    net[4].weight.data[7, 3] = value
    report = lensmaker.inspect(net, batch, LOSS)
    found = only(report, "non_finite", "4:linear")
    assert "1 of 4096 entries of 4.weight is infinite or not a number, the first at [7, 3]" in found.cause
    assert (found.value, found.bound) == (1, 0)
    cured(report, net, batch)


def test_two_broken_weights_are_two_findings_in_the_order_of_the_signal() -> None:
    net, batch = perceptron(4, init=he), vectors()
    net[6].bias.data[:3] = math.nan
    net[2].weight.data[0, 0] = math.inf
    found = roots(lensmaker.inspect(net, batch, LOSS))
    assert [(f.aberration, f.where.path, f.value) for f in found] == [
        ("non_finite", "2", 1),
        ("non_finite", "6", 3),
    ]


def test_a_weight_that_is_no_number_and_the_statistics_it_has_reached_are_one_finding() -> None:
    torch.manual_seed(0)
    blocks = [m for _ in range(3) for m in (nn.Linear(32, 32), nn.BatchNorm1d(32), nn.ReLU())]
    net, (x, y) = nn.Sequential(*blocks, nn.Linear(32, 10)), vectors()
    net[3].weight.data[7, 3] = math.nan
    net(x)
    assert net[1].running_var.isfinite().all()
    report = lensmaker.inspect(net, (x, y), LOSS)
    found = only(report, "non_finite", "3:linear")
    assert "the 4 running statistics after it" in found.correction
    cured(report, net, (x, y))


def test_a_training_that_diverged_is_one_finding_without_a_number() -> None:
    net, (x, y) = perceptron(4, init=he), vectors()
    optimiser = torch.optim.SGD(net.parameters(), lr=1e38)
    for _ in range(3):
        optimiser.zero_grad()
        LOSS(net(x), y).backward()
        optimiser.step()
    found = only(lensmaker.inspect(net, (x, y), LOSS), "non_finite", "0:linear")
    assert "a training that diverged" in found.cause
    assert "checkpoint" in found.correction
    assert found.factors == ()


def test_a_weight_that_is_no_number_follows_from_nothing() -> None:
    net, (x, y) = perceptron(4, init=he), vectors()
    net[4].weight.data[7, 3] = math.nan
    found = roots(lensmaker.inspect(net, (1000 * x, y), LOSS))
    assert [(f.aberration, f.where.path) for f in found] == [("non_finite", "4"), ("input_scale", "0")]


def test_an_activation_that_is_no_number_has_its_place_and_no_correction() -> None:
    class Logarithm(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x - 100).log()

    net = nn.Sequential(nn.Linear(32, 16), Logarithm(), nn.Linear(16, 10))
    found = only(lensmaker.inspect(net, vectors(), LOSS), "non_finite", "1:log")
    assert "though every weight is finite" in found.cause
    assert found.factors == ()


def test_infinities_that_do_not_come_out_are_no_fault() -> None:
    """A causal mask, written out: −∞ in the logits, nothing of it in their softmax."""

    class Masked(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            logits = x @ x.mT / 32 + torch.full((8, 8), -math.inf).triu(1)
            return logits.softmax(-1) @ x

    net = nn.Sequential(nn.Linear(32, 32), Masked(), nn.Flatten(), nn.Linear(8 * 32, 10))
    report = lensmaker.inspect(net, tokens(), LOSS)
    assert any(m.convergence is Convergence.NOT_FINITE for m in _measured(report))
    assert report.findings == ()


def _measured(report: lensmaker.Report) -> list[Measurement]:
    return [*report.record.measurements, *(c.measurement for c in report.record.comparisons)]

"""Stored statistics that contradict the data, and such as are only on their way."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

import lensmaker
from design.faults import LOSS, cured, only
from design.networks import convolutions, evidence_on, he, images
from lensmaker.data import svhn_net
from lensmaker.design.stale_statistics import StaleStatistics


def normalised() -> tuple[nn.Sequential, tuple[Tensor, Tensor]]:
    net, batch = convolutions(he, norm=True), images(samples=32)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    net(batch[0])
    return net.eval(), batch


@pytest.mark.parametrize(
    ("size", "shift"),
    [
        (100.0, 0.0),
        pytest.param(0.01, 0.0, marks=pytest.mark.slow),
        pytest.param(1.0, 5.0, marks=pytest.mark.slow),
    ],
)
def test_statistics_that_contradict_the_data(size: float, shift: float) -> None:
    net, batch = normalised()
    assert lensmaker.inspect(net, batch, LOSS).findings == ()
    where, norm = [(n, m) for n, m in net.named_modules() if isinstance(m, nn.BatchNorm2d)][1]
    norm.running_var *= size
    norm.running_mean += shift * norm.running_var.sqrt()
    report = lensmaker.inspect(net, batch, LOSS)
    found = only(report, "stale_statistics", f"{where}:batch_norm")
    # ½[1/s + d²/s − 1 + ln s] with d in units of the true deviation; the data's own is exact here
    expected = 0.5 * (1 / size + shift**2 - 1 + math.log(size)) if shift == 0 else 0.5 * shift**2
    assert found.value == pytest.approx(expected, rel=0.05)
    cured(report, net, batch)


@pytest.mark.slow
def test_data_of_another_kind_are_not_the_fault_of_the_statistics() -> None:
    """The SVHN network on handwriting: its statistics are off by 1.6 nat, and right about the images as they are."""
    svhn = svhn_net()
    x, labels = svhn.batch, svhn.labels
    assert lensmaker.inspect(svhn.model, x[:32]).findings == ()

    def accuracy() -> float:
        with torch.no_grad():
            return float((svhn.model(x[64:]).argmax(1) == labels[64:]).float().mean())

    first = next(m for m in svhn.model.modules() if isinstance(m, nn.BatchNorm2d))
    as_trained = accuracy()
    seen: list[Tensor] = []
    hook = first.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        svhn.model(x[:32])
    hook.remove()
    v, m = torch.var_mean(seen[0].double(), (0, 2, 3), correction=0)
    v_r, m_r = first.running_var.double(), first.running_mean.double()
    divergence = 0.5 * (v / v_r + (m - m_r).square() / v_r - 1 - (v / v_r).log())
    assert float(divergence.median()) == pytest.approx(1.6, abs=0.1)
    for module in svhn.model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
            module.reset_running_stats()
            module.train()
    with torch.no_grad():
        svhn.model(x[:64])
    svhn.model.eval()
    assert accuracy() < as_trained


def test_one_normalisation_that_was_reset() -> None:
    net, batch = normalised()
    norms = [(n, m) for n, m in net.named_modules() if isinstance(m, nn.BatchNorm2d)]
    where, norm = norms[2]
    for _, before in norms[:2]:  # so that what enters the third is far from (0, 1)
        before.weight.data *= 4
    net.train()(batch[0])
    net.eval()
    norm.reset_running_stats()
    report = lensmaker.inspect(net, batch, LOSS)
    only(report, "stale_statistics", f"{where}:batch_norm")
    cured(report, net, batch)


@pytest.mark.parametrize(("size", "shift"), [(5.0, 0.0), (2e-3, 0.0), (1.0, 20.0)])
def test_statistics_on_their_way_are_left_alone(size: float, shift: float) -> None:
    """After one step of momentum 0.1 they are nine tenths what they began with, which a few more steps mend."""
    net, (x, y) = convolutions(he, norm=True, channels=(8,)), images(samples=32)
    net[0].bias.data += shift
    net(x * size)
    assert StaleStatistics().look(evidence_on(net.eval(), (x * size, y))) == []


def test_statistics_that_are_not_used_are_left_alone() -> None:
    net, batch = normalised()
    net[4].running_var *= 100
    assert len(StaleStatistics().look(evidence_on(net, batch))) > 0
    assert StaleStatistics().look(evidence_on(net.train(), batch)) == []


@pytest.mark.parametrize("size", [1.0, 100.0])
def test_statistics_never_estimated_are_left_alone(size: float) -> None:
    net, (x, y) = convolutions(he, norm=True).eval(), images(samples=32)
    assert StaleStatistics().look(evidence_on(net, (x * size, y))) == []

"""Inputs that are not normalised, and what makes up for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import lensmaker
from design.faults import LOSS, cured, only
from design.networks import convolutions, evidence_on, he, images, perceptron, vectors
from lensmaker.design.input_scale import InputScale


def test_bytes_are_no_input() -> None:
    """The fold is exact: the corrected first layer sees (x − m)/s."""
    net, (x, y) = perceptron(4, init=he), vectors(samples=64)
    x = 255 * torch.rand(x.shape, generator=torch.Generator().manual_seed(1))
    report = lensmaker.inspect(net, (x, y), LOSS)
    found = only(report, "input_scale", "0:linear")
    assert found.value == pytest.approx(255**2 / 3, rel=0.02)
    expected = net[0]((x - x.mean()) / x.std(correction=0))
    cured_first = report.correct() and net[0](x)
    assert torch.allclose(cured_first, expected, atol=1e-4)
    report.undo()
    cured(report, net, (x, y))


def test_bytes_are_no_input_where_they_are_flattened_first() -> None:
    net, (x, y) = nn.Sequential(nn.Flatten(), perceptron(4, init=he)), vectors(samples=64)
    pixels = 255 * torch.rand(x.shape, generator=torch.Generator().manual_seed(1)).view(64, 1, 4, 8)
    report = lensmaker.inspect(net, (pixels, y), LOSS)
    found = only(report, "input_scale", "1.0:linear")
    assert dict(found.factors) == {"1.0.weight": pytest.approx(1 / float(pixels.std(correction=0)))}
    cured(report, net, (pixels, y))


def test_a_padded_convolution_is_scaled_alone() -> None:
    net, (x, y) = convolutions(he), images()
    found = only(lensmaker.inspect(net, (x * 1000, y), LOSS), "input_scale", "0:conv2d")
    assert dict(found.factors) == {
        "0.weight": pytest.approx(1 / (1000 * float(x.square().mean().sqrt())), rel=1e-3)
    }


def tied(first: nn.Linear) -> nn.Sequential:
    net = nn.Sequential(first, nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 10))
    net[2].weight = first.weight
    return net


INPUTS: dict[str, tuple[Callable[[], nn.Module], tuple[Tensor, Tensor], float, list[set[str]]]] = {
    "small": (lambda: perceptron(2), vectors(), 1e-3, [{"0.weight", "0.bias"}]),
    "no bias": (lambda: nn.Sequential(nn.Linear(32, 10, bias=False), nn.ReLU()), vectors(), 1e3, [{"0.weight"}]),
    "padded": (convolutions, images(), 1e3, [{"0.weight"}]),
    "a first weight of two layers": (lambda: tied(nn.Linear(32, 32)), vectors(), 1e3, [set()]),
    "bent first": (lambda: nn.Sequential(nn.Tanh(), perceptron(2)), vectors(), 1e3, []),
    "normalised next": (lambda: convolutions(norm=True), images(), 1e3, []),
}  # fmt: skip


@pytest.mark.parametrize("name", INPUTS)
def test_what_an_input_far_from_one_changes(name: str) -> None:
    make, (x, y), size, changed = INPUTS[name]
    assert [set(s.changes) for s in InputScale().look(evidence_on(make(), (x * size, y)))] == changed


@pytest.mark.parametrize("size", [0.2, 5.0])
def test_inputs_of_about_one_and_normalised_ones_are_left_alone(size: float) -> None:
    x, y = vectors()
    assert lensmaker.inspect(perceptron(4, init=he), (x * size, y), LOSS).findings == ()
    net = nn.Sequential(nn.LayerNorm(32), *perceptron(4, init=he))
    assert lensmaker.inspect(net, (x * 1e3, y), LOSS).findings == ()

"""Inspected, corrected and undone: networks without parameters, of one layer, frozen, tied, parametrised, deep."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

import lensmaker
from design.networks import he, perceptron, vectors
from lensmaker.core import InputError

LOSS = nn.functional.cross_entropy
X, Y = vectors()
WIDE = vectors(inputs=64)


def scaled(name: str, factor: float, net: nn.Module) -> nn.Module:
    net.get_parameter(name).data.mul_(factor)
    return net


def four() -> nn.Sequential:
    return perceptron(4, init=he)


def parametrised(parametrise: Callable[[nn.Module], nn.Module], others: float = 1.0) -> nn.Sequential:
    """The third layer parametrised, the others multiplied by a factor."""
    net = four()
    for i in (0, 2, 6):
        net[i].weight.data *= others
    parametrise(net[4])
    return net.eval()


def tied_to_the_readout() -> nn.Sequential:
    net = perceptron(4, init=he, inputs=64)
    net[8] = nn.Linear(64, 64)
    net[8].weight = net[4].weight
    return net


def broken_everywhere() -> nn.Sequential:
    net = perceptron(5, 32, init=he)
    for layer in net[::2]:
        layer.weight.data[3, 1] = torch.nan
    return net


LOUD = ["layer_gain at 4:linear"]
MADE = "4.parametrizations.weight.original"
EVERY = range(0, 11, 2)

NETWORKS: dict[str, tuple[Callable[[], nn.Module], Any, list[str], list[str]]] = {
    "no parameters": (lambda: nn.Sequential(nn.Flatten(), nn.Tanh()), (X, Y), [], []),
    "one layer": (lambda: nn.Linear(32, 10), (1e3 * X, Y), ["input_scale at linear"], ["weight", "bias"]),
    "frozen": (lambda: scaled("4.weight", 10, four()).requires_grad_(False), (X, Y), LOUD, ["4.weight"]),
    "tied": (lambda: scaled("4.weight", 10, tied_to_the_readout()), WIDE, LOUD, []),
    "weight norm": (
        lambda: scaled(f"{MADE}0", 10, parametrised(parametrizations.weight_norm)), (X, Y), LOUD, [f"{MADE}0"]
    ),
    "orthogonal": (lambda: parametrised(parametrizations.orthogonal, 3), (X, Y), LOUD, []),
    "half precision": (lambda: scaled("4.weight", 10, four()).half(), (X.half(), Y), LOUD, ["4.weight"]),
    "double precision": (lambda: scaled("4.weight", 10, four()).double(), (X.double(), Y), LOUD, ["4.weight"]),
    "broken at every layer": (
        broken_everywhere, (X, Y), [f"non_finite at {i}:linear" for i in EVERY], [f"{i}.weight" for i in EVERY]
    ),
}  # fmt: skip


def bits(model: nn.Module) -> dict[str, tuple[bytes, torch.dtype, bool]]:
    return {n: (p.detach().numpy().tobytes(), p.dtype, p.requires_grad) for n, p in model.named_parameters()}


@pytest.mark.parametrize("name", NETWORKS)
def test_inspected_corrected_and_undone(name: str) -> None:
    make, batch, roots, corrected = NETWORKS[name]
    model = make()
    before, values = bits(model), {n: p.detach().clone() for n, p in model.named_parameters()}
    report = lensmaker.inspect(model, batch, LOSS)
    found = [f for f in report.findings if not f.consequence_of]
    assert [f"{f.aberration} at {f.where}" for f in found] == roots
    for f in found:
        assert "\n" not in f.correction
        assert corrected or (f.factors == () and "where it is made" in f.correction)
    assert report.correct().to_json()
    assert all(f"{f.where}" in repr(report) for f in found)
    after = bits(model)
    assert {n for n in before if before[n] != after[n]} == set(corrected)
    for parameter, factor in (pair for f in found for pair in f.factors):
        torch.testing.assert_close(model.get_parameter(parameter).detach(), values[parameter] * factor)
    if corrected:
        report.undo()
    assert bits(model) == before


def test_a_pixel_that_is_no_number_is_named() -> None:
    x = X.clone()
    x[3, 7] = torch.inf
    with pytest.raises(InputError, match=r"1 NaN or infinite values, the first at index \(3, 7\)"):
        lensmaker.inspect(four(), (x, Y), LOSS)


def test_one_entry_of_an_activation_that_is_no_number_is_one_finding() -> None:
    """The unit 5 of the sample 3 alone divides by zero."""

    class Division(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            places = torch.arange(x.numel()).view_as(x)
            return x / (places != 3 * x.shape[1] + 5)

    net = four()
    net[3] = Division()
    found = [f for f in lensmaker.inspect(net, (X, Y), LOSS).findings if not f.consequence_of]
    assert [(f.aberration, str(f.where), f.factors) for f in found] == [("non_finite", "3:div", ())]


DEEP = """
import torch, lensmaker
from torch import nn
layers = [m for _ in range(500) for m in (nn.Linear(16, 16), nn.ReLU())]
net = nn.Sequential(*layers, nn.Linear(16, 10))
before = {n: p.detach().clone() for n, p in net.named_parameters()}
report = lensmaker.inspect(net, (torch.randn(8, 16), torch.arange(8)), nn.functional.cross_entropy)
(root,) = [f for f in report.findings if not f.consequence_of]
assert (root.aberration, len(root.factors)) == ("depth_gain", 500), root
report.correct().undo()
assert all(torch.equal(p, before[n]) for n, p in net.named_parameters())
"""


@pytest.mark.slow
def test_five_hundred_layers() -> None:
    """In an interpreter of its own, without the type checker of the tests."""
    subprocess.run([sys.executable, "-c", DEEP], check=True, cwd=Path(__file__).parent)

"""The gain of a stage: against products written out, at criticality, and where numbers end."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from design.networks import convolutions, evidence_on, he, images, lecun, perceptron, vectors
from lensmaker.core import Training
from lensmaker.theories.critical_line import critical_weight_scale


def sigma_w_squared(layer: nn.Module) -> float:
    weight = layer.weight.detach().double()
    return float(weight[0].numel() * weight.square().mean())


def test_measured_gain_is_the_explicit_ratio_of_tangents() -> None:
    """χ of each stage, measured on a trained network, is ⟨|Jδ|²⟩/⟨|δ|²⟩ of tangents pushed through it."""
    net, (x, y) = perceptron(4, init=he).requires_grad_(False), vectors(samples=8)
    found = evidence_on(net, (x, y), Training.TRAINED).lenses
    assert [str(lens.where) for lens in found] == ["0:linear", "2:linear", "4:linear", "6:linear"]
    basis = torch.eye(32).expand(8, 32, 32)
    for i, lens in enumerate(found):
        before, after = net[: 2 * i], net[: 2 * i + 2]
        _, incoming = torch.func.jvp(lambda v, m=before: m(v), (_spread(x),), (basis.reshape(-1, 32),))
        _, outgoing = torch.func.jvp(lambda v, m=after: m(v), (_spread(x),), (basis.reshape(-1, 32),))
        explicit = float(outgoing.double().square().mean() / incoming.double().square().mean())
        assert lens.chi == pytest.approx(explicit, rel=1e-4)
        assert lens.gain == lens.chi
        assert lens.to_critical == pytest.approx(explicit**-0.5, rel=1e-4)


def _spread(x: torch.Tensor) -> torch.Tensor:
    return x.repeat_interleave(32, 0)


@pytest.mark.parametrize("scale", [0.2, 1.0, 5.0])
def test_gain_at_criticality_is_quadratic_in_the_weights(scale: float) -> None:
    """For ReLU σ_w²/2, for tanh without biases σ_w²: also where tanh saturates, and χ is another."""
    for act, init, critical in ((nn.ReLU, he, 2.0), (nn.Tanh, lecun, 1.0)):
        net = perceptron(4, 128, act, init)
        net[4].weight.data *= scale
        lens = evidence_on(net, vectors()).lenses[2]
        assert lens.gain == pytest.approx(sigma_w_squared(net[4]) / critical, rel=0.03)
        assert lens.to_critical == pytest.approx(lens.gain**-0.5)
        if act is nn.Tanh and scale == 5.0:
            assert lens.chi < 0.5 * lens.gain


def test_biases_move_the_critical_point_of_tanh() -> None:
    net = perceptron(4, 128, nn.Tanh, lecun)
    for layer in net[::2]:
        nn.init.normal_(layer.bias, std=0.3)
    critical = critical_weight_scale("tanh", sigma_b=0.3).sigma_w
    assert critical > 1.35
    for lens in evidence_on(net, vectors()).lenses:
        assert lens.to_critical == pytest.approx(critical, rel=0.04)


def test_padding_and_pooling() -> None:
    """Zeros at the border take part of the gain, pooling does not count."""
    net, (x, y) = convolutions(he, channels=(32, 32, 32, 32)), images(size=6)
    net.insert(8, nn.AvgPool2d(2))
    tangents = torch.ones(1, 1, 6, 6, dtype=torch.float64)  # mean square at each place
    for lens, layer in zip(evidence_on(net, (x, y)).lenses, net[:8:2], strict=True):
        spread = nn.functional.conv2d(tangents, torch.ones(1, 1, 3, 3).double() / 9, padding=1)
        assert lens.gain == pytest.approx(
            sigma_w_squared(layer) / 2 * float(spread.sum() / tangents.sum()), rel=0.02
        )
        tangents = spread


def test_a_gelu_is_tuned_for_the_signal_that_comes() -> None:
    """GELU has no attracting critical point: σ_w is that of χ = 1 at q = σ_w²⟨x²⟩ + σ_b², layer by layer."""
    net = perceptron(5, 256, nn.GELU)
    entering = float(vectors()[0].double().square().mean())
    for i, lens in enumerate(evidence_on(net, vectors()).lenses):
        weight, bias = net[2 * i].weight.detach().double(), net[2 * i].bias.detach().double()
        sigma_w = lens.to_critical * math.sqrt(weight.shape[1] * float(weight.square().mean()))
        z = torch.randn(200_000, dtype=torch.float64, generator=torch.Generator().manual_seed(i))
        h = (math.sqrt(sigma_w**2 * entering + float(bias.square().mean())) * z).requires_grad_()
        (slope,) = torch.autograd.grad(nn.functional.gelu(h).sum(), h)
        assert sigma_w**2 * float(slope.square().mean()) == pytest.approx(1.0, rel=0.03)
        entering = float(nn.functional.gelu(h.detach()).square().mean())


@pytest.mark.parametrize(("depth", "factor"), [(42, 0.1), (32, 20.0)])
def test_gains_are_known_where_the_signal_is_not(depth: int, factor: float) -> None:
    """Underflow and overflow of single precision."""
    net, (x, y) = perceptron(depth, 32, init=he), vectors(samples=4)
    with torch.no_grad():
        for layer in net[:-1:2]:
            layer.weight *= factor
        output = net(x)
        kept = bool(output.isfinite().all()) and bool((output - net[-1].bias).abs().max() > 1e-30)
        assert not kept
    found = evidence_on(net, (x, y)).lenses
    assert len(found) == depth
    assert any(lens.chi is None for lens in found)
    for lens, layer in zip(found, net[::2], strict=False):
        assert lens.gain == pytest.approx(sigma_w_squared(layer) / 2, rel=0.12)


@pytest.mark.parametrize(
    ("net", "why"),
    [
        (nn.Sequential(nn.Linear(32, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 10)), "normalised"),
        (nn.Sequential(nn.Linear(32, 8), nn.ReLU(), nn.LayerNorm(8), nn.Linear(8, 10)), "normalised"),
        (nn.Sequential(nn.Linear(32, 10)), "the readout"),
    ],
)
def test_no_lens(net: nn.Module, why: str) -> None:
    assert evidence_on(net, vectors()).lenses == [], why


def test_an_embedding_is_no_lens() -> None:
    net = nn.Sequential(nn.Embedding(9, 16), nn.Flatten(), nn.Linear(48, 16), nn.ReLU(), nn.Linear(16, 10))
    batch = torch.randint(9, (6, 3)), torch.randint(10, (6,))
    assert [str(lens.where) for lens in evidence_on(net, batch).lenses] == ["2:linear"]

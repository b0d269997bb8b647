"""Residual networks and their limits: exponentials by hand, scipy's solutions, and what has no limit."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import nn

from lensmaker.core import Convergence, InputError, Verdict, compare
from lensmaker.instruments.continuous_depth import ContinuousDepth
from lensmaker.systems.networks.residual_chain import ResidualChain
from lensmaker.theories.residual_limit import ResidualLimit


def scalar(*weights: float) -> ResidualChain:
    """ẋ = w(t) x."""
    branches = []
    for w in weights:
        branch = nn.Linear(1, 1, bias=False).double()
        nn.init.constant_(branch.weight, w)
        branches.append(branch)
    return ResidualChain(branches, torch.tensor([[1.0], [-2.0]], dtype=torch.float64))


def smooth(layers: int, size: float) -> ResidualChain:
    """A tanh perceptron whose weights turn slowly with depth."""
    generator = torch.Generator().manual_seed(4)
    a, b = (torch.randn(5, 5, generator=generator, dtype=torch.float64) * size for _ in range(2))
    branches = []
    for n in range(layers):
        branch = nn.Sequential(nn.Linear(5, 5).double(), nn.Tanh())
        angle = 2 * n / layers
        branch[0].weight.data = a * math.cos(angle) + b * math.sin(angle)
        branch[0].bias.data = torch.full((5,), 0.1 * size * n / layers, dtype=torch.float64)
        branches.append(branch)
    return ResidualChain(branches, torch.randn(7, 5, generator=generator, dtype=torch.float64))


def values(chain: ResidualChain, doublings: int = 6) -> dict[str, float]:
    return {m.quantity.name: m.value for m in ContinuousDepth(doublings).measure(chain)}


def test_weights_between_layers_go_straight_and_stay_at_the_end() -> None:
    """∫w is trapezia between layers, and the last weight for one more unit of time."""
    w = (0.3, -0.2, 0.1)
    integral = (0.3 - 0.2) / 2 + (-0.2 + 0.1) / 2 + 0.1
    chain = scalar(*w)
    assert float(chain.run(1)[0]) == pytest.approx(1.3 * 0.8 * 1.1, rel=1e-13)
    found = values(chain, 8)
    wanted = abs(1.3 * 0.8 * 1.1 / math.exp(integral) - 1)
    assert found["depth_gap"] == pytest.approx(wanted, abs=2e-6)
    assert found["depth_order"] == pytest.approx(1, abs=0.01)


def test_the_limit_is_scipys() -> None:
    chain = smooth(6, 0.4)
    weights = np.stack([b[0].weight.detach().numpy() for b in chain.branches])
    biases = np.stack([b[0].bias.detach().numpy() for b in chain.branches])

    def rate(t: float, flat: np.ndarray) -> np.ndarray:
        low = min(int(t), 5)
        high, s = min(low + 1, 5), t - low
        w = (1 - s) * weights[low] + s * weights[high]
        b = (1 - s) * biases[low] + s * biases[high]
        return np.tanh(flat.reshape(7, 5) @ w.T + b).reshape(-1)

    x = chain.start.numpy().reshape(-1)
    for n in range(6):  # in pieces, as the weights have kinks
        x = solve_ivp(rate, (n, n + 1 - 1e-12), x, rtol=1e-11, atol=1e-12, method="DOP853").y[:, -1]
    gap = np.linalg.norm(chain.run(1).numpy().reshape(-1) - x) / np.linalg.norm(x)
    (_, measured) = ContinuousDepth(6).measure(chain)
    assert abs(measured.value - gap) < 2 * measured.error < 1e-3


@pytest.mark.parametrize("layers", [4, 8, 16])
def test_the_gap_is_predicted_without_refining(layers: int) -> None:
    """Weights as 1/L: the same flow in more layers."""
    chain = smooth(layers, 1.5 / layers)
    pairs, _, alone = compare(ResidualLimit().predict(chain), ContinuousDepth().measure(chain))
    assert not alone
    assert [c.verdict for c in pairs] == [Verdict.AGREES, Verdict.AGREES]
    (gap,) = (c for c in pairs if c.quantity.name == "depth_gap")
    assert gap.ratio == pytest.approx(1, abs=0.15 * 4 / layers + 0.02)


def test_what_does_not_converge_says_so() -> None:
    wild = smooth(4, 30.0)
    states = {m.convergence for m in ContinuousDepth(3).measure(wild)}
    assert states == {Convergence.ITERATION_LIMIT}
    assert not any(p.regime for p in ResidualLimit().predict(wild))
    with torch.no_grad():
        states = {m.convergence for m in ContinuousDepth(3).measure(scalar(1e200, 1e200))}
    assert states == {Convergence.NOT_FINITE}


def test_a_network_at_its_limit_already() -> None:
    found = list(ContinuousDepth(3).measure(scalar(0.0, 0.0)))
    assert found[1].value == 0.0
    assert found[1].convergence is Convergence.CONVERGED


def test_the_network_is_left_as_it_was() -> None:
    chain = smooth(3, 0.3)
    before = [{n: v.clone() for n, v in b.state_dict().items()} for b in chain.branches]
    ContinuousDepth(3).measure(chain)
    ResidualLimit().predict(chain)
    for b, old in zip(chain.branches, before, strict=True):
        assert all(torch.equal(v, old[n]) for n, v in b.state_dict().items())
        assert all(p.requires_grad and p.grad is None for p in b.parameters())


def test_what_is_no_chain_is_refused() -> None:
    x = torch.ones(2, 4)
    with pytest.raises(InputError, match="one branch or more, but got none"):
        ResidualChain((), x)
    with pytest.raises(InputError, match="branches of one architecture, but got branch 1 with"):
        ResidualChain((nn.Linear(4, 4), nn.Linear(4, 4, bias=False)), x)
    with pytest.raises(InputError, match=r"keep the shape \(2, 4\), but got \(2, 3\)"):
        ResidualChain((nn.Linear(4, 3),), x)
    with pytest.raises(InputError, match=r"but got Dropout in training mode: call \.eval\(\)"):
        ResidualChain((nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.1)),), x)
    with pytest.raises(InputError, match="3 to 12 doublings, but got 2"):
        ContinuousDepth(2)

"""A Gaussian matrix of which only what its inputs meet is drawn, against the matrix itself."""

from __future__ import annotations

import torch
import torch.autograd.forward_ad as forward

from lensmaker.theories.statistical_ray.ensemble import Ensemble
from lensmaker.theories.statistical_ray.mixing import drawn_along

NETWORKS, SITES, INPUTS, UNITS, SCALE = 20_000, 2, 12, 5, 0.3


def passed() -> tuple[torch.Tensor, ...]:
    """Input, tangent, gradient at the output, and what the map makes of them, in many networks."""
    g = torch.Generator().manual_seed(0)
    x, dx = torch.randn(2, 1, SITES, INPUTS, generator=g).expand(-1, NETWORKS, -1, -1)
    δ = torch.randn(1, SITES, UNITS, generator=g).expand(NETWORKS, -1, -1)
    x = x.clone().requires_grad_()
    with forward.dual_level():
        dual = forward.make_dual(x, dx.clone())
        y, dy = forward.unpack_dual(drawn_along(dual, SCALE, UNITS, Ensemble(NETWORKS, False, g)))
    (back,) = torch.autograd.grad(y, x, δ)
    return x.detach(), dx, δ, y.detach(), dy, back


def test_one_matrix_passes_signals_tangents_and_gradients() -> None:
    """(Wᵀδ)·x = δ·(W x) in each network, for every input and tangent that met W."""
    x, dx, δ, y, dy, back = passed()
    for before, after in ((x, y), (dx, dy)):
        difference = back @ before.mT - δ @ after.mT
        assert float(difference.abs().max()) < 1e-5 * float((δ @ after.mT).abs().max())


def test_each_has_the_law_of_a_gaussian_matrix() -> None:
    """Second moments of W x, W dx and Wᵀδ, and the fourth of them with one another, over 20,000 networks."""
    x, dx, δ, y, dy, back = passed()
    W = SCALE * torch.randn(NETWORKS, UNITS, INPUTS, generator=torch.Generator().manual_seed(1))
    forwards, backwards = torch.cat([y, dy], 1), back
    signals = torch.cat([x, dx], 1)
    found = [
        forwards.mT @ forwards,
        backwards.mT @ backwards,
        forwards.sum(2)[..., None] * back.square().sum(2)[:, None],
    ]
    forwards, backwards = signals @ W.mT, δ @ W
    sampled = [
        forwards.mT @ forwards,
        backwards.mT @ backwards,
        forwards.sum(2)[..., None] * backwards.square().sum(2)[:, None],
    ]
    for ours, theirs in zip(found, sampled, strict=True):
        error = (ours.var(0) + theirs.var(0)).sqrt() / NETWORKS**0.5
        assert float(((ours.mean(0) - theirs.mean(0)) / error).abs().max()) < 5

"""How one wide random layer maps the second moment and the correlation of its pre-activations.

With (u, v) centred Gaussian of variance q and correlation c, and x ~ N(0, q), a layer with weight
scale σ_w and bias scale σ_b maps

    V(q) = σ_w² E[φ(x)²] + σ_b²                     second moment
    C(c) = (σ_w² E[φ(u) φ(v)] + σ_b²) / q*          correlation, at the fixed point q* = V(q*)
    V'(q) = σ_w² E[x φ(x) φ'(x)] / q,   C'(c) = σ_w² E[φ'(u) φ'(v)],   χ₁ = C'(1).

The functions below are these expectations, without σ_w and σ_b. Sources: Poole et al. 2016
(arXiv:1606.05340), Schoenholz et al. 2016 (arXiv:1611.01232); C' is Price's theorem.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lensmaker.numerics.quadrature import Expectation, expectation, pair_expectation
from lensmaker.theories.activation_functions import Activation


def second_moment(phi: Activation, q: Tensor | float) -> Expectation:
    """E[φ(x)²] for x ~ N(0, q), q > 0.

    Examples
    --------
    >>> from lensmaker.theories.activation_functions import activation
    >>> round(float(second_moment(activation("relu"), 3.0).value), 12)
    1.5
    """
    return expectation(lambda x: phi(x) ** 2, _root(q), breaks=phi.kinks)


def gain(phi: Activation, q: Tensor | float) -> Expectation:
    """E[φ'(x)²] for x ~ N(0, q), q > 0; infinite where φ jumps."""
    found = expectation(lambda x: phi.slope(x) ** 2, _root(q), breaks=phi.kinks)
    if phi.jumps:
        return Expectation(torch.full_like(found.value, math.inf), found.error, found.converged)
    return found


def second_moment_slope(phi: Activation, q: Tensor | float) -> Expectation:
    """d/dq E[φ(x)²] = E[x φ φ']/q, for q > 0.

    A jump of φ² by Δ at k is a δ-function of weight Δ in 2φφ', and adds ½ k Δ p(k)/q.
    """
    variance = torch.as_tensor(q, dtype=torch.float64)
    found = expectation(lambda x: x * phi(x) * phi.slope(x), _root(q), breaks=phi.kinks)
    value = found.value
    for k, before, after in phi.jumps:
        density = torch.exp(-0.5 * k * k / variance) / torch.sqrt(2 * math.pi * variance)
        value = value + 0.5 * k * (after**2 - before**2) * density
    return Expectation(value / variance, found.error / variance, found.converged)


def pair_second_moment(phi: Activation, q: float, c: float) -> Expectation:
    """E[φ(u) φ(v)] for a pair of variance q > 0 and correlation c."""
    return pair_expectation(phi, phi, c, (math.sqrt(q), math.sqrt(q)), phi.kinks)


def pair_gain(phi: Activation, q: float, c: float) -> Expectation:
    """E[φ'(u) φ'(v)] for a pair of variance q > 0 and correlation c; φ must not jump."""
    return pair_expectation(phi.slope, phi.slope, c, (math.sqrt(q), math.sqrt(q)), phi.kinks)


def gain_at_zero(phi: Activation) -> float:
    """E[φ'²] in the limit q → 0: the mean square of the slopes on both sides of the origin."""
    if any(k == 0.0 for k, _, _ in phi.jumps):
        return math.inf
    sides = phi.slope(torch.tensor([-1e-15, 1e-15], dtype=torch.float64))
    mean = float((sides**2).mean())
    return mean if mean > 1e-24 else 0.0


def value_at_zero(phi: Activation) -> float:
    """E[φ²] in the limit q → 0: the mean square of the values on both sides of the origin."""
    for k, before, after in phi.jumps:
        if k == 0.0:
            return (before**2 + after**2) / 2
    return float(phi(torch.zeros(1, dtype=torch.float64))) ** 2


def _root(q: Tensor | float) -> Tensor:
    return torch.as_tensor(q, dtype=torch.float64).sqrt()

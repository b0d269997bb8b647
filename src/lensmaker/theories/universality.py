"""The universality class of an activation function: how its second moment behaves at criticality.

A point is critical if a change of the second moment, along and across the input, neither grows nor
decays: χ_∥ = V'(q*) = 1 and χ_⊥ = χ₁ = 1. The two differ by σ_w² E[φ φ''], which must vanish at q*.

Source: Roberts, Yaida, Hanin 2022, "The Principles of Deep Learning Theory", chapter 5
(arXiv:2106.10165), whose C_W and C_b are σ_w² and σ_b² here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from lensmaker.theories.activation_functions import Activation, ElementWise, activation
from lensmaker.theories.fixed_points import crossing
from lensmaker.theories.signal_maps import (
    gain,
    gain_at_zero,
    second_moment,
    second_moment_slope,
    value_at_zero,
)


class Universality(Enum):
    """The classes; the value says what a deep network does at the critical point."""

    SCALE_INVARIANT = "every q is a fixed point and is kept exactly"
    VANISHING = "q* = 0 is approached, but slower than exponentially in the depth"
    HALF_STABLE = "q* > 0 attracts from one side and repels on the other"
    NONE = "there is no critical point at all"


@dataclass(frozen=True)
class UniversalityClass:
    """The class of an activation, why, and its critical point.

    Attributes
    ----------
    activation, kind
        Which activation, which class.
    explanation
        One sentence, with the number that decides.
    sigma_w, sigma_b, q
        The critical point; nan if there is none. For the scale-invariant class any q will do: nan.
    """

    activation: str
    kind: Universality
    explanation: str
    sigma_w: float = math.nan
    sigma_b: float = math.nan
    q: float = math.nan

    def sentence(self) -> str:
        """What happens at the critical point, and why."""
        if self.kind is Universality.NONE:
            return f"There is no critical point: {self.explanation}."
        where = f"σ_w = {self.sigma_w:.5g}, σ_b = {self.sigma_b:.5g}"
        return f"At its critical point ({where}) {self.kind.value}: {self.explanation}."


def universality_class(function: str | ElementWise | Activation) -> UniversalityClass:
    """The universality class of φ, from its value and slopes at 0 and from the Gaussian maps.

    Raises
    ------
    InputError
        If the name is unknown, or the callable is not element-wise and differentiable.

    Examples
    --------
    >>> universality_class("tanh").kind.name, universality_class("softplus").kind.name
    ('VANISHING', 'NONE')
    >>> gelu = universality_class("gelu")  # q* = (3 + √17)/2
    >>> f"{gelu.kind.name} {gelu.q:.6f} {gelu.sigma_w**2:.5f} {gelu.sigma_b**2:.5f}"
    'HALF_STABLE 3.561553 1.98306 0.17292'
    """
    phi = activation(function)
    if phi.jumps:
        places = ", ".join(f"{k:g}" for k, _, _ in phi.jumps[:3])
        why = f"φ jumps at {places}, so E[φ'²] and χ₁ are infinite for every σ_w > 0"
        return UniversalityClass(phi.name, Universality.NONE, why)
    at_zero, slopes = value_at_zero(phi), gain_at_zero(phi)
    if _is_scale_invariant(phi):
        why = f"φ(λx) = λφ(x): every q is kept when σ_b = 0 and σ_w² = 1/⟨φ'(0±)²⟩ = {1 / slopes:.6g}"
        return UniversalityClass(phi.name, Universality.SCALE_INVARIANT, why, slopes**-0.5, 0.0)
    trend = _trend_at_zero(phi, slopes) if at_zero == 0 and slopes > 0 else math.nan
    if trend < 0:
        why = "φ(0) = 0 and E[φ²] grows slower than q, so at χ₁ = 1 and σ_b = 0 the second moment sinks to 0"
        return UniversalityClass(phi.name, Universality.VANISHING, why, slopes**-0.5, 0.0, 0.0)
    if at_zero > 0:
        origin = f"φ(0)² = {at_zero:.4g} > 0, so q* = 0 is no fixed point"
    elif slopes == 0:
        origin = "φ'(0) = 0, so at q* = 0 no finite σ_w keeps a signal"
    else:
        origin = "E[φ²] grows faster than q at 0, so q* = 0 repels"
    return _away_from_zero(phi, origin)


def curvature(phi: Activation, q: Tensor | float) -> Tensor:
    """E[φ φ''] for x ~ N(0, q), as d/dq E[φ²] − E[φ'²]; noise is set to zero.

    Its sign is the sign of χ_∥ − χ_⊥: where χ_⊥ = 1, the fixed point attracts if it is negative.
    """
    slope, across = second_moment_slope(phi, q), gain(phi, q)
    value = slope.value - across.value
    noise = 10 * (slope.error + across.error) + 1e-13 * across.value
    return torch.where(value.abs() <= noise, torch.zeros_like(value), value)


def _away_from_zero(phi: Activation, origin: str) -> UniversalityClass:
    grid = 10.0 ** torch.linspace(-5, 5, 81, dtype=torch.float64)
    bend = curvature(phi, grid)
    turns = [i for i in range(len(grid) - 1) if float(bend[i] * bend[i + 1]) < 0]
    for i in turns:
        q = crossing(lambda q: float(curvature(phi, q)), float(grid[i]), float(grid[i + 1]))
        weight = 1 / float(gain(phi, q).value)
        bias = q - weight * float(second_moment(phi, q).value)
        if bias >= 0:
            why = f"{origin}; E[φ φ''] = 0 at q* = {q:.6g}, where V touches the diagonal from one side"
            return UniversalityClass(
                phi.name, Universality.HALF_STABLE, why, math.sqrt(weight), math.sqrt(bias), q
            )
    if turns:
        why = f"{origin}; where E[φ φ''] = 0 the bias variance would be negative"
    else:
        sign = "positive" if float(bend.sum()) > 0 else "negative"
        why = f"{origin}; for q > 0, E[φ φ''] is {sign} throughout, so χ_∥ and χ_⊥ are never 1 together"
    return UniversalityClass(phi.name, Universality.NONE, why)


def _is_scale_invariant(phi: Activation) -> bool:
    x = torch.linspace(-7.1, 6.3, 41, dtype=torch.float64)
    return all(torch.allclose(phi(s * x), s * phi(x), rtol=1e-12, atol=0.0) for s in (1e-3, 0.3, 40.0))


def _trend_at_zero(phi: Activation, slopes: float) -> float:
    """E[φ²]/(q ⟨φ'(0±)²⟩) − 1 at the smallest q where it can be told from zero."""
    grid = 10.0 ** torch.linspace(-5, 2, 29, dtype=torch.float64)
    trend = second_moment(phi, grid).value / (grid * slopes) - 1
    clear = trend[trend.abs() > 1e-8]
    return float(clear[0]) if len(clear) else 0.0

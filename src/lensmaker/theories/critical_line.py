"""The critical line σ_w(σ_b) of an activation function: where χ₁ = 1 at the fixed point q*.

No fixed point need be searched for. With q* as the parameter, χ₁ = 1 and V(q*) = q* give the line
in closed form,

    σ_w² = 1/E[φ'(x)²],    σ_b² = q* − σ_w² E[φ(x)²],    x ~ N(0, q*),

of which the part with σ_b² ≥ 0 exists, and the part with E[φ φ''] ≤ 0 attracts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from lensmaker.core import InputError, Table
from lensmaker.theories.activation_functions import Activation, ElementWise, activation
from lensmaker.theories.fixed_points import crossing
from lensmaker.theories.signal_maps import gain, gain_at_zero, second_moment
from lensmaker.theories.universality import Universality, curvature, universality_class

_LARGEST = 1e6
"""Scale beyond which squares leave the range of the quadrature."""


class OnLine(Enum):
    """Whether a critical σ_w exists; the value says what is wrong, empty where nothing is."""

    CRITICAL = ""
    REPELS = "χ₁ = 1 at a fixed point that repels: the second moment leaves it"
    UNBOUNDED = "χ₁ = 1, but no finite fixed point: q grows by σ_b² with each layer"
    NO_BIAS = "χ₁ = 1 at this q, but q is not kept: that would take a negative bias variance"
    ABSENT = "no σ_w gives χ₁ = 1 at a fixed point with this σ_b"


@dataclass(frozen=True)
class CriticalPoint:
    """A point of the critical line: the σ_w for which χ₁ = 1.

    Attributes
    ----------
    sigma_b, sigma_w, q
        Bias scale, weight scale, and the q* there; nan where they do not exist, or where any q will do.
    error
        Numerical error of σ_w.
    status
        Whether the point is critical; its value says why not.
    """

    sigma_b: float
    sigma_w: float
    q: float
    error: float
    status: OnLine


def critical_weight_scale(
    function: str | ElementWise | Activation, *, q: float | None = None, sigma_b: float | None = None
) -> CriticalPoint:
    """The σ_w for which χ₁ = 1, at a given second moment q of the pre-activations or at a given σ_b.

    Raises
    ------
    InputError
        Unless exactly one of q > 0 and σ_b ≥ 0 is given.

    Examples
    --------
    >>> f"{critical_weight_scale('relu', sigma_b=0.0).sigma_w ** 2:.12f}"
    '2.000000000000'
    >>> point = critical_weight_scale("tanh", q=1.0)
    >>> f"σ_w = {point.sigma_w:.4f}, σ_b = {point.sigma_b:.4f}"
    'σ_w = 1.4674, σ_b = 0.3885'
    """
    phi = activation(function)
    if (q is None) == (sigma_b is None):
        raise InputError("either q or sigma_b", "both" if q is not None else "neither", "pass one of them")
    if sigma_b is not None:
        return critical_line(phi, (sigma_b,))[0]
    assert q is not None
    if not (math.isfinite(q) and q > 0):
        raise InputError("a second moment q > 0", repr(q), "pass the second moment of the pre-activations")
    if phi.jumps:
        return CriticalPoint(math.nan, math.nan, q, math.nan, OnLine.ABSENT)
    weight, bias, noise = _parametric(phi, torch.tensor([q], dtype=torch.float64))
    sigma_w = math.sqrt(float(weight))
    variance = 0.0 if abs(float(bias)) <= float(noise) else float(bias)
    error = sigma_w * float(noise) / q
    if variance < 0:
        return CriticalPoint(math.nan, sigma_w, q, error, OnLine.NO_BIAS)
    status = OnLine.REPELS if float(curvature(phi, q)) > 0 else OnLine.CRITICAL
    return CriticalPoint(math.sqrt(variance), sigma_w, q, error, status)


def critical_line(
    function: str | ElementWise | Activation, sigma_bs: Iterable[float]
) -> Table[CriticalPoint]:
    """The critical σ_w for each σ_b; of several, which no known activation has, that of smallest q*.

    Raises
    ------
    InputError
        If a σ_b is negative or not finite.

    Examples
    --------
    >>> [f"{p.sigma_w:.4f}" for p in critical_line("tanh", [0.0, 0.2])]
    ['1.0000', '1.3041']
    >>> critical_line("relu", [0.1])[0].status.name
    'UNBOUNDED'
    """
    phi = activation(function)
    biases = [float(b) for b in sigma_bs]
    for b in biases:
        if not (b >= 0 and b <= _LARGEST):
            raise InputError(
                f"a bias scale σ_b ≥ 0, up to {_LARGEST:g}",
                repr(b),
                "pass the standard deviation of the biases",
            )
    if phi.jumps:
        return Table(CriticalPoint(b, math.nan, math.nan, math.nan, OnLine.ABSENT) for b in biases)
    kind = universality_class(phi).kind
    if kind is Universality.SCALE_INVARIANT:
        weight = gain_at_zero(phi) ** -0.5
        return Table(
            CriticalPoint(b, weight, math.nan, 1e-15 * weight, OnLine.UNBOUNDED if b else OnLine.CRITICAL)
            for b in biases
        )
    most = min(8 + 4 * math.log2(max(1.0, *biases)), 40.0) if biases else 8.0  # q* ~ σ_b⁴ for GELU
    grid = 2.0 ** torch.linspace(-40, most, 2 * round(most) + 81, dtype=torch.float64)
    _, bias, noise = _parametric(phi, grid)
    return Table(_at_bias(phi, b, grid, bias, noise, kind) for b in biases)


def attracting_line(phi: Activation, most: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """σ_b up to `most`, and the critical σ_w, of the points of the line that attract: a curve to draw."""
    kind = universality_class(phi)
    start = [(kind.sigma_b, kind.sigma_w)] if kind.kind is not Universality.NONE else []
    if phi.jumps or kind.kind is Universality.SCALE_INVARIANT:
        return tuple(b for b, _ in start), tuple(w for _, w in start)
    grid = 2.0 ** torch.linspace(-16, 14, 241, dtype=torch.float64)
    weight, bias, noise = _parametric(phi, grid)
    shown = (bias > noise) & (bias <= most**2) & (curvature(phi, grid) <= 0)
    sigma_bs, sigma_ws = bias[shown].sqrt().tolist(), weight[shown].sqrt().tolist()
    points = sorted([*(p for p in start if p[0] <= most), *zip(sigma_bs, sigma_ws, strict=True)])
    return tuple(b for b, _ in points), tuple(w for _, w in points)


def _parametric(phi: Activation, q: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """σ_w², σ_b² and the error of σ_b² on the line, at fixed points q."""
    tangent, moment = gain(phi, q), second_moment(phi, q)
    weight = 1 / tangent.value
    bias = q - weight * moment.value
    noise = weight * (moment.error + weight * moment.value * tangent.error) + 1e-14 * q
    return weight, bias, noise


def _at_bias(
    phi: Activation, sigma_b: float, grid: Tensor, bias: Tensor, noise: Tensor, kind: Universality
) -> CriticalPoint:
    if sigma_b == 0 and kind is Universality.VANISHING:
        return CriticalPoint(0.0, gain_at_zero(phi) ** -0.5, 0.0, 1e-15, OnLine.CRITICAL)

    def excess(q: float) -> float:
        return float(_parametric(phi, torch.tensor([q], dtype=torch.float64))[1]) - sigma_b**2

    above = torch.where((bias - sigma_b**2).abs() <= noise, torch.zeros_like(bias), bias - sigma_b**2)
    on_grid = grid[above == 0].tolist() if sigma_b > 0 else []
    between = (above[:-1] * above[1:] < 0).nonzero().flatten().tolist()
    points = []
    for q in (*on_grid, *(crossing(excess, float(grid[i]), float(grid[i + 1])) for i in between)):
        point = critical_weight_scale(phi, q=q)
        points.append(CriticalPoint(sigma_b, point.sigma_w, q, point.error, point.status))
    if not points:
        return CriticalPoint(sigma_b, math.nan, math.nan, math.nan, OnLine.ABSENT)
    return min(points, key=lambda p: p.q)

"""Gaussian expectations in one and two dimensions, converged also for functions with kinks and jumps.

Adaptive bisection with the 15-point Gauss–Kronrod rule, on panels that start at the kinks the
caller knows, at landmarks around the origin, and at multiples of the standard deviation. An unknown
kink costs some forty bisections, not accuracy. Gauss–Hermite rules, by contrast, gain only a digit
for each tenfold number of nodes when the function has a kink.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

ElementWise = Callable[[Tensor], Tensor]

_KRONROD_NODES = (
    0.991455371120812639206854697526329,
    0.949107912342758524526189684047851,
    0.864864423359769072789712788640926,
    0.741531185599394439863864773280788,
    0.586087235467691130294144691258450,
    0.405845151377397166906606412076961,
    0.207784955007898467600689403773245,
)
_KRONROD_WEIGHTS = (
    0.022935322010529224963732008058970,
    0.063092092629978553290700663189204,
    0.104790010322250183839876322541518,
    0.140653259715525918745189590510238,
    0.169004726639267902826583426598550,
    0.190350578064785409913256402421014,
    0.204432940075298892414161999234649,
)
_KRONROD_CENTRE = 0.209482141084727828012999174891714
_GAUSS_WEIGHTS = (
    0.129484966168869693270611432679082,
    0.279705391489276667901467771423780,
    0.381830050505118944950369775488975,
)
_GAUSS_CENTRE = 0.417959183673469387755102040816327

_LANDMARKS = (0.0, *(sign * 8.0**j for j in range(-3, 4) for sign in (-1.0, 1.0)))
_SPREAD = (-14.0, -9.0, -5.5, -3.0, -1.25, 0.0, 1.25, 3.0, 5.5, 9.0, 14.0)
_ROUNDS = 60
_MOST_PANELS = 400_000
_EPS = 2.0**-52


@dataclass(frozen=True)
class Expectation:
    """E[f] with the estimate of its numerical error; `converged` says whether the error is what was asked.

    Attributes
    ----------
    value, error
        Float64 tensors of one shape; the error is an upper estimate, not a standard deviation.
    converged
        Boolean tensor: the error is within ten times the tolerance, relative to E|f| (E|f|·E|g| for a pair).
    """

    value: Tensor
    error: Tensor
    converged: Tensor


def expectation(
    function: ElementWise,
    std: Tensor | float = 1.0,
    mean: Tensor | float = 0.0,
    breaks: Sequence[float] = (),
    tolerance: float = 1e-12,
    scale: float = 0.0,
) -> Expectation:
    """E[f(x)] for x ~ N(mean, std²), for every mean and std at once.

    Parameters
    ----------
    function
        Element-wise, float64 to float64, called with tensors of any shape.
    std, mean
        Numbers or tensors that broadcast to the shape of the result; std > 0.
    breaks
        Points x where f has a kink or a jump; a kink not named costs time, not accuracy.
    tolerance
        Error asked for, relative to E|f| or to `scale`, whichever is larger.
    scale
        Set it where E[f] is a small part of something larger, or f is itself known with an error.

    Examples
    --------
    >>> e = expectation(torch.relu)
    >>> abs(float(e.value) - 1 / math.sqrt(2 * math.pi)) < 1e-14, bool(e.converged)
    (True, True)
    """
    centre, width = torch.broadcast_tensors(
        torch.as_tensor(mean, dtype=torch.float64), torch.as_tensor(std, dtype=torch.float64)
    )
    m, s = centre.reshape(-1), width.reshape(-1)

    def integrand(x: Tensor, row: Tensor) -> Tensor:
        z = (x - m[row]) / s[row]
        return function(x) * torch.exp(-0.5 * z * z) / (s[row] * math.sqrt(2 * math.pi))

    edges = m[:, None] + s[:, None] * torch.tensor(_SPREAD, dtype=torch.float64)
    marks = torch.tensor((*_LANDMARKS, *breaks), dtype=torch.float64).expand(len(m), -1)
    marks = torch.minimum(torch.maximum(marks, edges[:, :1]), edges[:, -1:])
    value, error, size = _integrate(integrand, torch.cat((edges, marks), 1).sort(1).values, tolerance, scale)
    ends = edges[:, (0, -1)]
    tail = integrand(ends, torch.arange(len(m))[:, None].expand(-1, 2)).abs().sum(1) * s
    error = error + tail
    converged = error <= 10 * tolerance * size.clamp_min(scale) + 1e-300
    shape = centre.shape
    return Expectation(value.reshape(shape), error.reshape(shape), converged.reshape(shape))


def pair_expectation(
    first: ElementWise,
    second: ElementWise,
    correlation: float,
    std: tuple[float, float] = (1.0, 1.0),
    breaks: Sequence[float] = (),
    tolerance: float = 1e-11,
) -> Expectation:
    """E[f(u) g(v)] for a centred Gaussian pair of given standard deviations and correlation c.

    Nested: v given u is N(c σ_v u/σ_u, (1 − c²) σ_v²), so that E[f(u) g(v)] = E[f(u) h(u)] with
    h(u) = E[g(v) | u]. In these coordinates the kinks of f and g lie on lines of constant u and v,
    where both integrals are split; h itself is smooth, with a layer of width ~ √(1 − c²) at a kink
    of g, which the outer bisection resolves.

    Raises
    ------
    ValueError
        If the correlation is outside [−1, 1].

    Examples
    --------
    The arc-cosine kernel at c = 0 is (E relu)² = 1/2π:

    >>> e = pair_expectation(torch.relu, torch.relu, 0.0)
    >>> abs(float(e.value) - 1 / (2 * math.pi)) < 1e-11
    True
    """
    if not -1.0 <= correlation <= 1.0:
        raise ValueError(f"a correlation lies in [-1, 1], got {correlation}")
    u_std, v_std = std
    slope = correlation * v_std / u_std
    rest = v_std * math.sqrt((1.0 - correlation) * (1.0 + correlation))
    if rest == 0.0:
        ends = tuple(breaks) + tuple(b / slope for b in breaks)
        return expectation(lambda u: first(u) * second(slope * u), u_std, 0.0, ends, tolerance)
    size_f = float(expectation(lambda u: first(u).abs(), u_std, 0.0, breaks, 1e-3).value)
    size_g = float(expectation(lambda v: second(v).abs(), v_std, 0.0, breaks, 1e-3).value)
    inner_error = 0.0

    def integrand(u: Tensor) -> Tensor:
        nonlocal inner_error
        inner = expectation(second, rest, slope * u, breaks, tolerance / 10, size_g)
        inner_error = max(inner_error, float(inner.error.max()))
        return first(u) * inner.value

    layers = [b / slope for b in breaks] if slope else []
    outer = expectation(integrand, u_std, 0.0, (*breaks, *layers), tolerance, size_f * size_g)
    error = outer.error + inner_error * size_f
    return Expectation(outer.value, error, error <= 10 * tolerance * size_f * size_g + 1e-300)


def discontinuities(
    function: ElementWise, radius: float = 128.0, resolution: float = 1e-12
) -> tuple[float, ...]:
    """The points in (−radius, radius) where f jumps, each to within `resolution`, in ascending order.

    A panel is bisected while seven Gauss nodes and fifteen Kronrod nodes disagree about the mean or the
    tilt of f on it: a smooth f is soon resolved, a jump never is. What counts as smooth is a jump below
    1e-6 of |f| there, or below 1e-11 of the largest |f| in (−8, 8), where it could be rounding.

    Examples
    --------
    >>> discontinuities(lambda x: torch.where(x > 0.25, x, x - 1))
    (0.25,)
    """
    side = radius * 0.618033988749895 ** torch.arange(60, dtype=torch.float64)
    edges = torch.cat((-side, side.flip(0) * 0.99))  # golden cuts: a kink at a round number is never an edge
    lower, upper = edges[:-1], edges[1:]
    noise = 1e-11 * float(function(torch.linspace(-8.0, 8.0, 999, dtype=torch.float64)).abs().max())
    difference = _kronrod() / 2
    difference[1::2] -= _gauss() / 2
    unit = _nodes(torch.tensor([-1.0], dtype=torch.float64), torch.tensor([1.0], dtype=torch.float64))[0]
    disagreement = torch.stack((difference, difference * unit), 1)  # the mean of an odd f is 0 for both
    found: list[float] = []
    while len(lower) and len(lower) <= _MOST_PANELS:
        overlap = 0.05 * (upper - lower)  # else a jump at a panel's very edge, beyond its last node, escapes
        values = function(_nodes(lower - overlap, upper + overlap))
        rough = (values @ disagreement).abs().amax(1) > (1e-6 * values.abs().amax(1)).clamp_min(noise)
        narrow = upper - lower < resolution
        found += ((lower + upper) / 2)[rough & narrow].tolist()
        lower, upper = _halves(lower[rough & ~narrow], upper[rough & ~narrow])
    points: list[float] = []
    for x in sorted(found):
        near = round(x, 10)
        x = near + 0.0 if abs(x - near) < 2 * resolution else x
        if not points or x - points[-1] > 4 * resolution:
            points.append(x)
    return tuple(points)


def _kronrod() -> Tensor:
    return torch.tensor((*_KRONROD_WEIGHTS, _KRONROD_CENTRE, *_KRONROD_WEIGHTS[::-1]), dtype=torch.float64)


def _gauss() -> Tensor:
    return torch.tensor((*_GAUSS_WEIGHTS, _GAUSS_CENTRE, *_GAUSS_WEIGHTS[::-1]), dtype=torch.float64)


def _nodes(lower: Tensor, upper: Tensor) -> Tensor:
    """The fifteen Kronrod nodes of each panel; those of odd index are the seven Gauss nodes."""
    nodes = torch.tensor((*(-x for x in _KRONROD_NODES), 0.0, *_KRONROD_NODES[::-1]), dtype=torch.float64)
    return ((lower + upper) / 2)[:, None] + ((upper - lower) / 2)[:, None] * nodes


def _halves(lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
    middle = (lower + upper) / 2
    return torch.cat((lower, middle)), torch.cat((middle, upper))


def _integrate(
    integrand: Callable[[Tensor, Tensor], Tensor], edges: Tensor, tolerance: float, floor: float
) -> tuple[Tensor, Tensor, Tensor]:
    """∫f, its error and ∫|f| for each row of edges; the error of a panel as in QUADPACK's QAG."""
    rows = len(edges)
    value, error, scale = (torch.zeros(rows, dtype=torch.float64) for _ in range(3))
    row = torch.arange(rows)[:, None].expand(-1, edges.shape[1] - 1)
    wide = edges[:, 1:] > edges[:, :-1]
    lower, upper, row = edges[:, :-1][wide], edges[:, 1:][wide], row[wide]
    for _ in range(_ROUNDS):
        half = (upper - lower) / 2
        f = integrand(_nodes(lower, upper), row[:, None].expand(-1, 15))
        kronrod = half * (f @ _kronrod())
        size = half * (f.abs() @ _kronrod())
        roughness = half * ((f - (kronrod / (2 * half))[:, None]).abs() @ _kronrod())
        difference = (kronrod - half * (f[:, 1::2] @ _gauss())).abs()
        ratio = (200 * difference / roughness.clamp_min(1e-300)).clamp_max(1.0)
        wrong = torch.maximum(roughness * ratio**1.5, _EPS * size)
        total = scale.index_add(0, row, size).clamp_min(floor)
        divisible = half > 4 * _EPS * torch.maximum(lower.abs(), upper.abs())
        split = (wrong > 0.02 * tolerance * total[row]) & divisible
        if 2 * int(split.sum()) > _MOST_PANELS:
            split = torch.zeros_like(split)
        done = ~split
        value = value.index_add(0, row[done], kronrod[done])
        error = error.index_add(0, row[done], wrong[done])
        scale = scale.index_add(0, row[done], size[done])
        if not split.any():
            return value, error, scale
        lower, upper = _halves(lower[split], upper[split])
        row = torch.cat((row[split], row[split]))
    return value, error + math.inf, scale

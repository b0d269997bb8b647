"""Finite-size scaling: exponents from several sizes, and how well curves fall on one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import chi2

from lensmaker.core import InputError
from lensmaker.numerics.resampling import Estimate


@dataclass(frozen=True)
class Power:
    """The fit A = a L^p.

    Attributes
    ----------
    exponent
        p ± error, from the errors of the values.
    amplitude
        a.
    chi_square, freedom
        Σ (deviation/error)² and its degrees of freedom.
    """

    exponent: Estimate
    amplitude: float
    chi_square: float
    freedom: int

    @property
    def p_value(self) -> float:
        """Chance of so large a χ²; small where corrections to scaling are seen. 1 where nothing is left to test."""
        return float(chi2.sf(self.chi_square, self.freedom)) if self.freedom else 1.0


def power(sizes: Sequence[float], values: Sequence[float], errors: Sequence[float]) -> Power:
    """The power of L that values at a critical point follow: least squares of ln A = ln a + p ln L.

    For the magnetisation p = −β/ν, for the susceptibility γ/ν, for the slope of the Binder cumulant by K 1/ν.

    Raises
    ------
    InputError
        If there are fewer than two sizes, or values or errors that are not positive.

    Examples
    --------
    >>> found = power([8, 16, 32], [2.0, 4.0, 8.0], [0.02, 0.04, 0.08])
    >>> round(found.exponent.value, 9), round(found.exponent.error, 4)  # 0.01/(√2 ln 2)
    (1.0, 0.0102)
    """
    x, y = np.log(np.asarray(sizes, dtype=float)), np.asarray(values, dtype=float)
    σ = np.asarray(errors, dtype=float)
    if len(set(sizes)) < 2 or not (x.shape == y.shape == σ.shape):
        raise InputError("values and errors at two or more sizes", f"{len(set(sizes))}", "add a size")
    if not ((y > 0) & (σ > 0)).all():
        raise InputError("values and errors above 0", f"{y.tolist()} ± {σ.tolist()}", "measure for longer")
    weight, target = (y / σ) ** 2, np.log(y)
    centre = float(weight @ x / weight.sum())
    spread = float(weight @ (x - centre) ** 2)
    p = float(weight @ ((x - centre) * target)) / spread
    level = float(weight @ target / weight.sum())
    rest = target - level - p * (x - centre)
    return Power(
        Estimate(p, 1 / math.sqrt(spread)),
        math.exp(level - p * centre),
        float(weight @ rest**2),
        len(x) - 2,
    )


@dataclass(frozen=True, eq=False)
class Curve:
    """A quantity over the temperature (or the coupling) at one size.

    Attributes
    ----------
    size
        L.
    at, values, errors
        Where, what, and its standard error; `at` rises; (n,) each.
    """

    size: float
    at: NDArray[np.float64]
    values: NDArray[np.float64]
    errors: NDArray[np.float64]


def quality(curves: Sequence[Curve], critical: float, inverse_nu: float, power: float = 0.0) -> float:
    r"""How well curves fall on one: about 1 if they do within their errors, more if not.

    With x = (t − t_c) L^{1/ν} and y = A L^{−p}, each point is compared with a straight line through those of the
    other sizes that are its neighbours on either side:

        S = mean of (y − Y)²/(σ_y² + σ_Y²).

    Parameters
    ----------
    curves
        Of three points each at least, at two sizes or more.
    critical, inverse_nu, power
        t_c, 1/ν and p: 0 for the Binder cumulant, −β/ν for |m|, γ/ν for χ.

    References
    ----------
    J. Houdayer, A. K. Hartmann, Phys. Rev. B 70, 014418 (2004), appendix.

    Examples
    --------
    >>> t = np.linspace(-1, 1, 21)
    >>> alike = [Curve(L, t, np.tanh(t * L), 0.01 + 0 * t) for L in (2.0, 3.0)]
    >>> quality(alike, 0.0, 1.0) < 1 < quality(alike, 0.0, 0.5)
    True
    """
    scaled = [
        ((c.at - critical) * c.size**inverse_nu, c.values * c.size**-power, c.errors * c.size**-power)
        for c in curves
    ]
    found: list[float] = []
    for k, (x, y, σ) in enumerate(scaled):
        others = [s for j, s in enumerate(scaled) if j != k]
        found += [
            (y[i] - line.value) ** 2 / (σ[i] ** 2 + line.error**2)
            for i in range(len(x))
            if (line := _line(float(x[i]), others)) is not None
        ]
    return float(np.mean(found)) if found else math.inf


def _line(x: float, others: Sequence[tuple[NDArray[np.float64], ...]]) -> Estimate | None:
    """The master curve at x: a weighted straight line through the two neighbours on each of the other curves."""
    near = []
    for at, y, σ in others:
        i = int(np.searchsorted(at, x, side="right"))
        if 0 < i < len(at):
            near += [(at[j] - x, y[j], σ[j]) for j in (i - 1, i)]
    if not near:
        return None
    u, y, σ = np.array(near).T
    w = σ**-2
    sums = [float(w @ u**k) for k in range(3)]
    determinant = sums[0] * sums[2] - sums[1] ** 2
    if not determinant > 0:
        return None
    value = (sums[2] * float(w @ y) - sums[1] * float(w @ (u * y))) / determinant
    return Estimate(value, math.sqrt(sums[2] / determinant))


@dataclass(frozen=True)
class Collapse:
    """Where curves fall on one best."""

    critical: Estimate
    inverse_nu: Estimate
    power: Estimate
    quality: float


def collapse(
    curves: Sequence[Curve], start: tuple[float, float, float], *, resamples: int = 50, seed: int = 0
) -> Collapse:
    """The t_c, 1/ν and p of least `quality`, with errors from data drawn anew within their errors.

    Where curves do not fall on one within their errors, those of the three are widened by √quality: corrections to
    scaling are of that size at least.

    Parameters
    ----------
    start
        t_c, 1/ν and p to begin at. A p of 0 stays so: that of a cumulant is known.
    resamples, seed
        How many sets of data are drawn for the errors.

    Raises
    ------
    InputError
        If there are fewer than two curves, or they do not overlap.
    """
    if len({c.size for c in curves}) < 2:
        raise InputError("curves of two sizes or more", f"{len(curves)}", "add a size")
    if not math.isfinite(quality(curves, *start)):
        raise InputError("curves that overlap where the start puts them", f"{start}", "choose another start")
    best = _best(curves, start)
    draw = np.random.default_rng(seed)
    again = [
        _best([Curve(c.size, c.at, draw.normal(c.values, c.errors), c.errors) for c in curves], best)
        for _ in range(resamples)
    ]
    misfit = quality(curves, *best)
    errors = np.std(again, axis=0, ddof=1) * math.sqrt(max(1.0, misfit))
    critical, inverse_nu, p = (Estimate(v, float(e)) for v, e in zip(best, errors, strict=True))
    return Collapse(critical, inverse_nu, p, misfit)


def _best(curves: Sequence[Curve], start: tuple[float, float, float]) -> tuple[float, float, float]:
    free = 3 if start[2] else 2
    width = max(float(np.ptp(c.at)) for c in curves)

    def far(x: NDArray[np.float64]) -> float:
        return quality(curves, *(*x, 0.0)[:3])

    steps = np.array([0.05 * width, 0.1, 0.1])[:free]
    first = np.array(start)[:free]
    simplex = np.vstack([first, first + np.diag(steps)])
    found = minimize(far, first, method="Nelder-Mead", options={"initial_simplex": simplex, "xatol": 1e-6})
    t, ν, *rest = map(float, found.x)
    return t, ν, rest[0] if rest else 0.0

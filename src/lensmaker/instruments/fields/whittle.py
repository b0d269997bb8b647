"""Maximum likelihood of a spectrum whose inverse is linear in its parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MISFIT_Z = 4.0
"""Standard deviations of the deviance above its mean at which a fit is refused: 1 in 30,000 where it is Gaussian."""


@dataclass(frozen=True, eq=False)
class Fit:
    """The maximum of a likelihood.

    Attributes
    ----------
    parameters, covariance
        (p,) and (p, p), the inverse of Fisher's information; nan if that has none.
    converged
        Whether the iteration came to its end.
    misfit
        The deviance less its mean, over its standard deviation, both as if the model held.
    """

    parameters: Floats
    covariance: Floats
    converged: bool
    misfit: float


def fit(power: Floats, terms: Floats, shape: Floats) -> Fit:
    r"""θ that minimises Σ_q K_q [ln P + I/P] with 1/P(q) = Σ_a θ_a g_a(q): convex in θ, with one minimum.

    I(q), the mean of |φ_q|²/N² over M fields, has a Gamma distribution of mean P and shape K: M where φ_q is complex,
    M/2 where it is real. The information is Σ_q K_q g gᵀ/f² with f = 1/P. The deviance is 2 Σ_q K (r − ln r − 1),
    r = I/P; a term has mean 2K(ln K − ψ(K)) and variance 4K²(ψ′(K) − 1/K), and each parameter takes one off the mean.

    Parameters
    ----------
    power
        I(q), (n,), one of each pair q and −q.
    terms
        g_a(q), (n, p), of rank p.
    shape
        K_q, (n,).

    References
    ----------
    P. Whittle, Biometrika 41, 434 (1954).

    Examples
    --------
    >>> found = fit(np.array([2.0, 4.0]), np.ones((2, 1)), np.array([50.0, 50.0]))
    >>> found.parameters.round(9).tolist(), found.covariance.round(9).tolist()  # 1/3, 1/3/√100
    ([0.333333333], [[0.001111111]])
    """
    from scipy.special import digamma, polygamma

    from lensmaker.numerics.newton import Expansion, minimise
    from lensmaker.numerics.positive_definite import NotPositiveDefinite, solve

    unit = float(
        shape @ power / shape.sum()
    )  # numbers of order 1: power is in units of it, 1/P in those of 1/unit
    scale = np.abs(terms).max(0)
    g, intensity, p = terms / np.where(scale > 0, scale, 1), power / unit, terms.shape[1]

    def likelihood(theta: Floats) -> Expansion:
        f = g @ theta
        if not (f > 0).all():
            return Expansion(np.inf, np.zeros(p), np.eye(p))
        value = float(shape @ (intensity * f - np.log(f)))
        return Expansion(value, g.T @ (shape * (intensity - 1 / f)), (g.T * (shape / f**2)) @ g)

    constant = np.zeros(p)
    constant[0] = 1.0
    found = minimise(likelihood, constant)
    try:
        inverse = solve(np.asarray(found.at.hessian), np.eye(p))
    except NotPositiveDefinite:
        nothing = np.full(p, np.nan)
        return Fit(nothing, np.full((p, p), np.nan), False, np.nan)
    r = intensity * (g @ found.point)
    with np.errstate(divide="ignore"):  # a wave that is not there at all fits nothing
        deviance = 2 * float(shape @ (r - np.log(r) - 1))
    mean = float((2 * shape * (np.log(shape) - digamma(shape))).sum()) - p
    variance = float((4 * shape**2 * (polygamma(1, shape) - 1 / shape)).sum())
    to_units = np.where(scale > 0, scale, 1) * unit
    covariance = inverse / np.outer(to_units, to_units)
    return Fit(found.point / to_units, covariance, found.converged, (deviance - mean) / variance**0.5)

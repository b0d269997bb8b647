"""The polynomial behind values: sparse regression on monomials, with honest errors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import InputError, Measurement, Reference, Table
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.polynomials.learned import Learned
from lensmaker.instruments.polynomials.monomials import (
    check_size,
    degree_of,
    highest_powers,
    monomials,
    values,
)
from lensmaker.instruments.polynomials.selection import Selected, select
from lensmaker.numerics.least_squares import Fit, least_squares
from lensmaker.numerics.orthogonal_least_squares import DEPENDENT
from lensmaker.numerics.resampling import Estimate, jackknife
from lensmaker.systems.polynomials.polynomial import Factors, Polynomial
from lensmaker.systems.polynomials.tabulated import Tabulated

Values = NDArray[np.float64]

_FEWEST = 20
"""Rows."""


@dataclass(frozen=True)
class LearnedPolynomial(Instrument):
    """The polynomial of degree ≤ d that tells y from x, and how low, local and symmetric it is.

    Rows are halved at random. On the first half the monomials are chosen by orthogonal least squares, as many as
    held-out rows can tell. On the second half the coefficients are fitted again, so that the choice does not bias
    them; their errors are those of leaving rows out, which hold where y is no polynomial.

    R² is that of rows of the second half, each told by a fit to the others. To degree k there are the terms chosen
    among those of degree ≤ k, and those of P. ΔR² is what terms of degree k add: of the variance, with coefficients
    known without error, so it lacks what few rows cost, some terms/rows.

    Monomials are those of x as it is: subtract means from variables that are far from 0. Powers that the values of
    a variable cannot tell apart are left out: a spin or a bit has no square.

    Parameters
    ----------
    degree
        d.
    most_terms
        At most; and never more than a term for four rows that choose.
    folds
        In which rows are held out to choose how many terms.
    shuffles
        Of sites, to see how local and symmetric a form without places looks.
    seed
        Of halves, folds and shuffles.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(400, 5))
    >>> y = 2 * x[:, 0] * x[:, 1] - x[:, 4] ** 2 + 0.1 * np.random.default_rng(1).normal(size=400)
    >>> found = LearnedPolynomial(degree=3).fit(Tabulated.of(x, y))
    >>> [found.name(m) for m in found.polynomial.factors], found.explained[1].value > 0.99
    (['x0*x1', 'x4**2', '1'], True)
    """

    degree: int = 2
    most_terms: int = 200
    folds: int = 4
    shuffles: int = 200
    seed: int = 0

    name = "learned_polynomial"
    summary = (
        "The sparse polynomial behind values such as logits, with errors, shares by degree and symmetry."
    )
    quantities = (
        "polynomial_coefficient",
        "explained_share",
        "degree_share",
        "coupling_distance",
        "translation_share",
        "reflection_share",
    )
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "chen1989",
            "S. Chen, S. A. Billings, W. Luo",
            "Orthogonal least squares methods and their application to non-linear system identification",
            1989,
            "Int. J. Control 50, 1873",
        ),
        Reference(
            "foster1994",
            "D. P. Foster, E. I. George",
            "The risk inflation criterion for multiple regression",
            1994,
            "Ann. Statist. 22, 1947",
        ),
        Reference(
            "mackinnon1985",
            "J. G. MacKinnon, H. White",
            "Some heteroskedasticity-consistent covariance matrix estimators with improved finite sample properties",
            1985,
            "J. Econometrics 29, 305",
        ),
    )

    def __post_init__(self) -> None:
        if self.degree < 1 or self.most_terms < 1:
            raise InputError(
                "a degree and a number of terms from 1",
                f"{self.degree} and {self.most_terms}",
                "pass degree=2",
            )
        if self.folds < 2 or self.shuffles < 2:
            raise InputError(
                "at least 2 folds and 2 shuffles", f"{self.folds} and {self.shuffles}", "leave them out"
            )

    def measure(self, system: Tabulated) -> Table[Measurement]:
        return self.fit(system).to_table()

    def fit(self, system: Tabulated) -> Learned:
        """The polynomial, and what it is like.

        Raises
        ------
        InputError
            If there are too few rows, the values are all alike, or the monomials do not fit into memory.
        """
        rows = system.rows
        if rows < _FEWEST:
            raise InputError(f"at least {_FEWEST} rows", f"{rows}", "half of them choose, half of them fit")
        if np.ptp(system.y) == 0:
            raise InputError("values that vary", f"{system.y[0]:g} at all rows", "there is nothing to tell")
        highest = highest_powers(system.x, self.degree)
        check_size(rows - rows // 2, highest, self.degree)
        rng = np.random.default_rng(self.seed)
        order = rng.permutation(rows)
        first, second = order[rows // 2 :], order[: rows // 2]
        candidates = monomials(highest, self.degree)
        columns, y = values(system.x[first], candidates), system.y[first]
        fold = rng.permutation(len(first)) % self.folds
        most = min(self.most_terms, len(first) // 4)
        upto = [sum(degree_of(m) <= k for m in candidates) for k in range(1, self.degree + 1)]
        choices = [select(columns[:, :p], y, min(most, p), fold) for p in upto]
        fits = []
        for p, choice in zip(upto, choices, strict=True):
            of_last = [j for j in choices[-1].columns if j < p]
            kept = sorted({*choice.columns, *of_last})
            fits.append(_fitted(system, second, [candidates[j] for j in kept]))
        explained, shares = _shares(system.y[second], fits)
        same = _same(columns, candidates, choices[-1])
        terms = [(), *(candidates[j] for j in choices[-1].columns)]
        polynomial, covariance = _polynomial(system.variables, terms, fits[-1], same)
        return Learned(
            self.name,
            polynomial,
            covariance,
            explained,
            shares,
            tuple(choice.at_limit for choice in choices),
            same,
            len(candidates),
            len(second),
            system.sides,
            system.periodic,
            self.shuffles,
            self.seed,
        )


def _fitted(system: Tabulated, rows: NDArray[np.int64], terms: list[Factors]) -> Fit:
    table = values(system.x[rows], terms)
    return least_squares(np.column_stack([np.ones(len(rows)), table]), system.y[rows])


def _shares(y: Values, fits: list[Fit]) -> tuple[tuple[Estimate, ...], tuple[Estimate, ...]]:
    """R² of each fit, and what its terms add to those before: a constant at first."""
    n = len(y)
    constant = (y - y.mean()) * n / (n - 1)
    held = [fit.left_out**2 for fit in fits]
    # (y − ŷ)²/(1 − h): on average that of the best coefficients
    best = [constant**2 * (n - 1) / n, *(fit.left_out * fit.residual for fit in fits)]
    explained = tuple(jackknife(np.column_stack([constant**2 - s, constant**2]), _ratio) for s in held)
    shares = tuple(jackknife(np.column_stack([a - b, best[0]]), _ratio) for a, b in pairwise(best))
    return explained, shares


def _ratio(means: Values) -> Values:
    return np.asarray(means[..., 0] / means[..., 1])


def _same(columns: Values, candidates: list[Factors], chosen: Selected) -> dict[Factors, tuple[Factors, ...]]:
    """Chosen monomials → those that were not chosen and are combinations of chosen ones in all rows."""
    if not chosen.columns:
        return {}
    at = list(chosen.columns)
    q, r = np.linalg.qr(np.column_stack([np.ones(len(columns)), columns[:, at]]))
    along = q.T @ columns
    whole = np.einsum("np,np->p", columns, columns)
    varies = whole - along[0] ** 2 > DEPENDENT * whole
    made_up = varies & (whole - (along**2).sum(0) <= DEPENDENT * whole)
    made_up[at] = False
    found: dict[Factors, list[Factors]] = {}
    for j in np.flatnonzero(made_up).tolist():
        parts = np.linalg.solve(r, along[:, j])[1:] * np.sqrt(whole[at])
        for t in np.flatnonzero(np.abs(parts) > 1e-4 * np.abs(parts).max()).tolist():
            found.setdefault(candidates[at[t]], []).append(candidates[j])
    return {monomial: tuple(others) for monomial, others in found.items()}


def _polynomial(
    variables: tuple[str, ...], terms: list[Factors], fit: Fit, same: dict[Factors, tuple[Factors, ...]]
) -> tuple[Polynomial, Values]:
    """With the covariance in the order of its terms; a term that the second half cannot tell is in `same`."""
    for t in np.flatnonzero(~fit.kept).tolist():
        for other in terms[1:t]:
            same[other] = (*same.get(other, ()), terms[t])
    polynomial = Polynomial.of_factors(variables, dict(zip(terms, fit.coefficients.tolist(), strict=True)))
    at = np.array([terms.index(m) for m in polynomial.factors], dtype=np.int64)
    return polynomial, fit.covariance[np.ix_(at, at)]

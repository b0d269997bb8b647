"""A polynomial that was fitted to values, and what it is like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import Convergence, Measurement, Table, Where, quantity
from lensmaker.instruments.polynomials.monomials import degree_of
from lensmaker.instruments.polynomials.quadratic_form import QuadraticForm
from lensmaker.numerics.resampling import Estimate
from lensmaker.systems.polynomials.polynomial import Factors, Polynomial

_SHOWN = 20


@dataclass(frozen=True, eq=False)
class Learned:
    """ŷ = P(x), its terms chosen by one half of the rows, its coefficients and errors from the other one.

    Attributes
    ----------
    instrument
        That fitted it.
    polynomial
        P.
    covariance
        Of its coefficients, (terms, terms).
    explained
        R² of the best polynomial of degree 1, 2, …: each row of the second half told by the others.
    shares
        What each degree adds.
    at_limit
        Whether that fit would take more terms than it may.
    same
        Monomial of P → those that the rows do not tell from it.
    candidates, rows
        Monomials to choose from; rows of the second half.
    sides, periodic
        Of the lattice, if there is one.
    shuffles, seed
        Of sites, for what a form without places is like.
    """

    instrument: str
    polynomial: Polynomial
    covariance: NDArray[np.float64]
    explained: tuple[Estimate, ...]
    shares: tuple[Estimate, ...]
    at_limit: tuple[bool, ...]
    same: Mapping[Factors, tuple[Factors, ...]]
    candidates: int
    rows: int
    sides: tuple[int, ...] | None
    periodic: bool
    shuffles: int
    seed: int

    @property
    def errors(self) -> NDArray[np.float64]:
        """Standard errors of the coefficients, in the order of the terms."""
        return np.sqrt(np.diagonal(self.covariance))

    def name(self, monomial: Factors) -> str:
        """As formulas write it; 1 for the constant."""
        names = [self.polynomial.variables[i] + (f"**{e}" if e > 1 else "") for i, e in monomial]
        return "*".join(names) or "1"

    def coefficient(self, name: str) -> Estimate:
        """Of a monomial as `name` spells it; 0 ± 0 of one that was not chosen."""
        for t, monomial in enumerate(self.polynomial.factors):
            if self.name(monomial) == name:
                return Estimate(float(self.polynomial.coefficients[t]), float(self.errors[t]))
        return Estimate(0.0, 0.0)

    @property
    def form(self) -> QuadraticForm | None:
        """Its products of two different variables; none without a lattice."""
        if self.sides is None:
            return None
        factors = self.polynomial.factors
        at = [t for t, m in enumerate(factors) if len(m) == 2 and degree_of(m) == 2]
        pairs = np.array([[i for i, _ in factors[t]] for t in at], dtype=np.int64).reshape(-1, 2)
        chosen = np.array(at, dtype=np.int64)
        return QuadraticForm(
            self.sides,
            self.periodic,
            pairs,
            self.polynomial.coefficients[chosen],
            self.covariance[np.ix_(chosen, chosen)],
        )

    def to_table(self) -> Table[Measurement]:
        """Coefficients at their monomials, shares at their degrees, and the form at the sites."""
        found = [
            self._told(
                "polynomial_coefficient", Where(self.name(m)), Estimate(float(c), float(e)), self._state(m)
            )
            for m, c, e in zip(
                self.polynomial.factors, self.polynomial.coefficients, self.errors, strict=True
            )
        ]
        for k, (whole, more, limit) in enumerate(
            zip(self.explained, self.shares, self.at_limit, strict=True), start=1
        ):
            at = Where(coordinates=(("degree", float(k)),))
            state = Convergence.TERM_LIMIT if limit else Convergence.CONVERGED
            found += [
                self._told("explained_share", at, whole, state),
                self._told("degree_share", at, more, state),
            ]
        if self.form is not None:
            found += self.form.measurements(self.instrument, self.rows, self.shuffles, self.seed)
        return Table(found)

    def _state(self, monomial: Factors) -> Convergence:
        return Convergence.INDISTINCT if monomial in self.same else Convergence.CONVERGED

    def _told(self, name: str, at: Where, read: Estimate, state: Convergence) -> Measurement:
        if not np.isfinite(read.value):
            state = Convergence.NOT_FINITE
        return Measurement(quantity(name), at, read.value, read.error, self.instrument, self.rows, state)

    def __str__(self) -> str:
        factors, c = self.polynomial.factors, self.polynomial.coefficients
        clear = np.abs(c) / np.maximum(self.errors, np.finfo(float).tiny)
        largest = np.argsort(-clear)[:_SHOWN].tolist()
        lines = [f"{self.name(factors[t])}: {c[t]:.4g} ± {self.errors[t]:.2g}" for t in largest]
        if len(c) > len(lines):
            lines.append(f"… and {len(c) - len(lines)} more")
        for monomial, others in self.same.items():
            lines.append(f"{self.name(monomial)} may stand for {', '.join(map(self.name, others[:4]))}")
        head = f"{self.instrument}: {len(c)} of {self.candidates + 1} terms, {self.rows} rows"
        told = [f"R² to degree {k}: {r.value:.4f} ± {r.error:.4f}" for k, r in enumerate(self.explained, 1)]
        return "\n".join([head, *told, *lines])

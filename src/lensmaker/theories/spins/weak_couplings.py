"""Mean field and TAP: spins that each feel many others weakly."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lensmaker.core import Prediction, Reference, Regime
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.theories.spins.pairs import Pairs, pairs_of
from lensmaker.theories.spins.theory import SpinTheory

Values = NDArray[np.float64]


@dataclass(frozen=True)
class _WeakCouplings(SpinTheory):
    """Base of the expansions of the free energy at given magnetisations by powers of the couplings."""

    iterations: int = 20_000
    tolerance: float = 1e-12
    damping: float = 0.5

    quantities = ("energy", "free_energy", "entropy", "magnetisation")
    limit: ClassVar[float]

    def refusal(self, system: Canonical[Any]) -> str:
        return "" if pairs_of(system.hamiltonian) is not None else "more than two spins interact"

    def solve(self, system: Canonical[Any]) -> Iterator[Prediction]:
        pairs = pairs_of(system.hamiltonian)
        assert pairs is not None
        m, converged = self.magnetisations(pairs, system.beta)
        reason = self._outside(pairs, m, system.beta) if converged else "the equations do not converge"
        found = self._values(pairs, m, system.beta)
        return (self.prediction(n, system.where, v, regime=Regime(reason)) for n, v in found)

    def magnetisations(self, pairs: Pairs, beta: float) -> tuple[Values, bool]:
        """⟨s_i⟩ of the solution nearest to all spins up, and whether it was reached."""
        m = np.full(pairs.sites, 0.9) if not pairs.field.any() else np.tanh(beta * pairs.field)
        matrix = _matrix(pairs)
        for _ in range(self.iterations):
            new = np.tanh(self.fields(matrix, pairs.field, m, beta))
            if float(np.abs(new - m).max()) < self.tolerance:
                return new, True
            m = (1 - self.damping) * new + self.damping * m
        return m, False

    def _values(self, pairs: Pairs, m: Values, beta: float) -> Iterator[tuple[str, float]]:
        matrix, n = _matrix(pairs), pairs.sites
        energy, correction = self.energies(matrix, pairs.field, m, beta)
        p = np.clip((1 + np.stack([m, -m])) / 2, 1e-300, None)
        entropy = -float((p * np.log(p)).sum())
        free = energy - entropy / beta + correction
        full = energy + 2 * correction  # E = ∂(βF)/∂β, and the correction is of second order in β
        yield "energy", full / n
        yield "free_energy", free / n
        yield "entropy", beta * (full - free) / n
        yield "magnetisation", abs(float(m.mean()))

    @abstractmethod
    def fields(self, matrix: Any, field: Values, m: Values, beta: float) -> Values:
        """βh of each spin in the magnetisations of the others."""

    @abstractmethod
    def energies(self, matrix: Any, field: Values, m: Values, beta: float) -> tuple[float, float]:
        """−½ Σ J m m − Σ h m, and what the free energy has beyond it and the entropy."""

    def _outside(self, pairs: Pairs, m: Values, beta: float) -> str:
        """Why the expansion does not hold, "" where it does."""
        next_order = float((beta**2 * (_squared(_matrix(pairs)) @ (1 - m**2) ** 2)).max(initial=0.0))
        if next_order <= self.limit:
            return ""
        return f"the couplings are too strong for it: β² Σ J² (1 − m²)² is {next_order:.2g}, beyond {self.limit:g}"


@dataclass(frozen=True)
class NaiveMeanField(_WeakCouplings):
    """Independent spins in each other's mean: m_i = tanh β(Σ_j J_ij m_j + h_i), F = E(m) − T S(m).

    F is an upper bound of the true free energy. Its relative error is of order 1/z for z neighbours; on the
    square lattice it has T_c = 4J instead of 2.269J.

    Examples
    --------
    >>> import math
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import cubic
    >>> found = NaiveMeanField().predict(Canonical(ising(cubic(4)), temperature=3.0))
    >>> m = found.select(quantity="magnetisation")[0].value
    >>> abs(m - math.tanh(6 * m / 3.0)) < 1e-10
    True
    """

    limit = 0.01
    name = "naive_mean_field"
    summary = "Spins in the mean field of their neighbours: exact for infinitely many."
    assumptions = ("each spin has so many neighbours that their sum does not fluctuate",)
    references = (
        Reference(
            "weiss1907", "P. Weiss", "L'hypothèse du champ moléculaire", 1907, "J. Phys. Théor. Appl. 6, 661"
        ),
    )

    def fields(self, matrix: Any, field: Values, m: Values, beta: float) -> Values:
        return np.asarray(beta * (matrix @ m + field))

    def energies(self, matrix: Any, field: Values, m: Values, beta: float) -> tuple[float, float]:
        return -float(m @ (matrix @ m) / 2 + field @ m), 0.0


@dataclass(frozen=True)
class TAP(_WeakCouplings):
    """Thouless, Anderson and Palmer: mean field less what a spin feels of its own echo.

    m_i = tanh[β(Σ_j J_ij m_j + h_i) − β² m_i Σ_j J_ij² (1 − m_j²)], and
    F = E(m) − T S(m) − (β/4) Σ_ij J_ij² (1 − m_i²)(1 − m_j²).

    Exact for the Sherrington–Kirkpatrick model of infinitely many spins above its glass transition.
    """

    limit = 1.0
    name = "tap"
    summary = "Mean field with Onsager's reaction term: exact for many weak random couplings."
    assumptions = ("the couplings are many and weak: βJ_ij of order 1/√z",)
    references = (
        Reference(
            "thouless1977",
            "D. J. Thouless, P. W. Anderson, R. G. Palmer",
            "Solution of ‘Solvable model of a spin glass’",
            1977,
            "Philos. Mag. 35, 593",
        ),
    )

    def fields(self, matrix: Any, field: Values, m: Values, beta: float) -> Values:
        reaction = beta**2 * m * (_squared(matrix) @ (1 - m**2))
        return np.asarray(beta * (matrix @ m + field) - reaction)

    def energies(self, matrix: Any, field: Values, m: Values, beta: float) -> tuple[float, float]:
        free = 1 - m**2
        return (
            -float(m @ (matrix @ m) / 2 + field @ m),
            -beta / 4 * float(free @ (_squared(matrix) @ free)),
        )


def _matrix(pairs: Pairs) -> Any:
    """J_ij, symmetric and sparse."""
    both = np.concatenate([pairs.first, pairs.last]), np.concatenate([pairs.last, pairs.first])
    return csr_matrix((np.tile(pairs.coupling, 2), both), shape=(pairs.sites,) * 2)


def _squared(matrix: Any) -> Any:
    return matrix.multiply(matrix).tocsr()

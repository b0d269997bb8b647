"""Mean field and TAP: spins that each feel many others weakly."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import Prediction, Reference, Regime
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.theories.spins.left_out import (
    Rest,
    bonds_beyond,
    fluctuation,
    loops,
    matrix_of,
    other_state,
    parameter,
    second_order,
)
from lensmaker.theories.spins.pairs import Pairs, pairs_of
from lensmaker.theories.spins.theory import SpinTheory

Values = NDArray[np.float64]

STRONG = 0.4
"""β|J| of one bond up to which its orders fall; beyond it, their sum is no small correction."""

APART = 1e-6
"""The difference of a magnetisation by which two solutions are two states."""


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
        found, errors = self._values(pairs, m, system.beta), self._errors(pairs, m, system.beta)
        return (self.prediction(n, system.where, v, errors[n], Regime(reason)) for n, v in found)

    def magnetisations(self, pairs: Pairs, beta: float, start: Values | None = None) -> tuple[Values, bool]:
        """⟨s_i⟩ of the solution nearest to `start`, else to the field or all spins up, and whether it was reached."""
        m = np.full(pairs.sites, 0.9) if not pairs.field.any() else np.tanh(beta * pairs.field)
        m = m if start is None else start
        matrix = matrix_of(pairs)
        for _ in range(self.iterations):
            new = np.tanh(self.fields(matrix, pairs.field, m, beta))
            if float(np.abs(new - m).max()) < self.tolerance:
                return new, True
            m = (1 - self.damping) * new + self.damping * m
        return m, False

    def _values(self, pairs: Pairs, m: Values, beta: float) -> Iterator[tuple[str, float]]:
        matrix, n = matrix_of(pairs), pairs.sites
        energy, correction = self.energies(matrix, pairs.field, m, beta)
        p = np.clip((1 + np.stack([m, -m])) / 2, 1e-300, None)
        entropy = -float((p * np.log(p)).sum())
        free = energy - entropy / beta + correction
        full = energy + 2 * correction  # E = ∂(βF)/∂β, and the correction is of second order in β
        yield "energy", full / n
        yield "free_energy", free / n
        yield "entropy", beta * (full - free) / n
        yield "magnetisation", abs(float(m.mean()))

    def _errors(self, pairs: Pairs, m: Values, beta: float) -> dict[str, float]:
        """The size of what is left out, and what another state and the magnetisations of the other order would change.

        That of |m| has √N beside it.
        """
        other = TAP if isinstance(self, NaiveMeanField) else NaiveMeanField
        elsewhere, _ = other(self.iterations, self.tolerance, self.damping).magnetisations(pairs, beta)
        values, there = (dict(self._values(pairs, x, beta)) for x in (m, elsewhere))
        moved = [pairs.sites * (there[n] - values[n]) for n in ("energy", "free_energy")]
        second, more = self._second_state(pairs, m, beta)
        rests = (*self.left_out(pairs, m, beta), Rest(*moved), second)
        change = abs(there["magnetisation"] - values["magnetisation"]) + abs(more)
        found = {
            "energy": sum(abs(r.energy) for r in rests),
            "free_energy": sum(abs(r.free_energy) for r in rests),
            "entropy": sum(beta * abs(r.energy - r.free_energy) for r in rests),
        }
        return {n: e / pairs.sites for n, e in found.items()} | {
            "magnetisation": change + fluctuation(pairs, m, beta)
        }

    def _second_state(self, pairs: Pairs, m: Values, beta: float) -> tuple[Rest, float]:
        """What the solution of the opposite magnetisations adds, where there is one."""
        other, _ = self.magnetisations(pairs, beta, -m)
        if float(np.abs(other - m).max(initial=0.0)) < APART:
            return Rest(0.0, 0.0), 0.0
        n = {"energy": pairs.sites, "free_energy": pairs.sites, "entropy": pairs.sites, "magnetisation": 1}
        here, there = ({k: v * n[k] for k, v in self._values(pairs, x, beta)} for x in (m, other))
        return other_state(here, there, beta)

    @abstractmethod
    def left_out(self, pairs: Pairs, m: Values, beta: float) -> tuple[Rest, ...]:
        """The first terms that the expansion does not have."""

    @abstractmethod
    def fields(self, matrix: Any, field: Values, m: Values, beta: float) -> Values:
        """βh of each spin in the magnetisations of the others."""

    @abstractmethod
    def energies(self, matrix: Any, field: Values, m: Values, beta: float) -> tuple[float, float]:
        """−½ Σ J m m − Σ h m, and what the free energy has beyond it and the entropy."""

    def _outside(self, pairs: Pairs, m: Values, beta: float) -> str:
        """Why the expansion does not hold, "" where it does."""
        strongest = beta * float(np.abs(pairs.coupling).max(initial=0.0))
        if strongest > STRONG:
            return f"a coupling is too strong for it: βJ is {strongest:.2g}, beyond {STRONG:g}"
        next_order = parameter(pairs, m, beta)
        if next_order <= self.limit:
            return ""
        return f"the couplings are too strong for it: β² Σ J² (1 − m²)² is {next_order:.2g}, beyond {self.limit:g}"


@dataclass(frozen=True)
class NaiveMeanField(_WeakCouplings):
    """Independent spins in each other's mean: m_i = tanh β(Σ_j J_ij m_j + h_i), F = E(m) − T S(m).

    F is an upper bound of the true free energy. Its relative error is of order 1/z for z neighbours; on the
    square lattice it has T_c = 4J instead of 2.269J. The errors are the second order that it leaves out, and how far
    TAP's magnetisations are from its own.

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

    def left_out(self, pairs: Pairs, m: Values, beta: float) -> tuple[Rest, ...]:
        return (second_order(pairs, m, beta), bonds_beyond(pairs, m, beta), *loops(pairs, m, beta))


@dataclass(frozen=True)
class TAP(_WeakCouplings):
    """Thouless, Anderson and Palmer: mean field less what a spin feels of its own echo.

    m_i = tanh[β(Σ_j J_ij m_j + h_i) − β² m_i Σ_j J_ij² (1 − m_j²)], and
    F = E(m) − T S(m) − (β/4) Σ_ij J_ij² (1 − m_i²)(1 − m_j²).

    Exact for the Sherrington–Kirkpatrick model of infinitely many spins above its glass transition. The errors are
    what bonds do beyond the second order, and triangles and squares of bonds; of m, how far mean field's are.
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

    def left_out(self, pairs: Pairs, m: Values, beta: float) -> tuple[Rest, ...]:
        return (bonds_beyond(pairs, m, beta), *loops(pairs, m, beta))


def _squared(matrix: Any) -> Any:
    return matrix.multiply(matrix).tocsr()

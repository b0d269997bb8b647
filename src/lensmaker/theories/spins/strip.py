"""Strips without end: the largest eigenvalues of the transfer matrix of a row."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigs, eigsh

from lensmaker.core import Prediction, Reference, Regime
from lensmaker.core.bibliography import KRAMERS_1941
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian
from lensmaker.systems.spins.multistate import Multistate
from lensmaker.theories.spins.factors import Factor, factors
from lensmaker.theories.spins.theory import SpinTheory

WIDEST = 18
"""Spins ±1 in a row: 2¹⁸ doubles are a vector of 2 MiB, and a row more than that while it is added."""

LONG = 10
"""Correlation lengths on a lattice that is as good as without end."""

LEAST = 1e-280
"""λ₀ over the product of the largest weights; weights that vanish in double precision are nothing beside it."""

_SMALL = 64
"""Configurations of a row whose matrix is diagonalised as a whole."""


@dataclass(frozen=True)
class Strip(SpinTheory):
    """Free energy and correlation length of a lattice without end along its first axis.

    The transfer matrix T(σ, σ′) = e^(−β[E₀(σ)/2 + E₁(σ, σ′) + E₀(σ′)/2]) of two rows, E₀ the energy in a row of w
    sites and E₁ that between two, has the eigenvalues λ₀ > |λ₁| ≥ …, and

        −βf = (ln λ₀)/w,    ξ = 1/ln(λ₀/|λ₁|) rows.

    T is never written down: a row is added to a vector site by site, in w·2^(w+1) steps for neighbours, and Lanczos
    or Arnoldi iterations find the two eigenvalues. The error is their residual; of f also
    (q − 1) T |λ₁/λ₀|^rows/N, by which a ring of finite length differs.

    Parameters
    ----------
    iterations, tolerance
        Limit, and the relative residual of an eigenvalue at the end.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import chain
    >>> found = Strip().predict(Canonical(ising(chain(100)), temperature=1.0))
    >>> found[1].quantity.name, abs(found[1].value + 1 / math.log(math.tanh(1))) < 1e-12
    ('correlation_length', True)
    """

    iterations: int = 2000
    tolerance: float = 1e-13

    models = (Hamiltonian, Multistate)
    name = "strip"
    summary = "Free energy and correlation length of strips and chains without end."
    quantities = ("free_energy", "correlation_length")
    assumptions = (
        "all rows are alike, and a spin meets those of its own and of the next row alone",
        f"a row has at most {WIDEST} spins ±1",
        "the lattice is much longer than the correlation length",
    )
    references = (
        KRAMERS_1941,
        Reference(
            "cardy1984",
            "J. L. Cardy",
            "Conformal invariance and universality in finite-size scaling",
            1984,
            "J. Phys. A 17, L385",
        ),
    )

    def refusal(self, system: Canonical[Any]) -> str:
        lattice = system.hamiltonian.lattice
        if lattice is None or lattice.name in ("complete", "graph"):
            return "it has no rows"
        rows = lattice.shape[0]
        if not lattice.periodic[0] or rows < 3:
            return "its rows form no ring of three or more"
        width, q = system.sites // rows, len(system.hamiltonian.states)
        if q**width > 2**WIDEST:
            return f"a row of {width} spins has more than 2^{WIDEST} configurations"
        return (
            "" if _row(system.hamiltonian) is not None else "its rows differ, or more than two of them meet"
        )

    def solve(self, system: Canonical[Any]) -> Iterator[Prediction]:
        rows = system.hamiltonian.lattice.shape[0]
        width = system.sites // rows
        values, error, converged = self.eigenvalues(system)
        first, second = values
        if 0 <= first < LEAST:
            first, second = math.nan, math.nan
        length = _length(first, second)
        regime = Regime(_outside(rows, length) if converged else "the eigenvalues do not converge")
        if converged and math.isnan(first):
            regime = Regime("the weights of its rows are no floating-point numbers at so low a temperature")
        free = (_row_minimum(system) - system.temperature * math.log(first)) / width
        # Z = Σ λ^rows, and λ₁ belongs to as many as q − 1 states
        ring = (len(system.hamiltonian.states) - 1) * (second / first) ** rows / rows
        yield self.prediction(
            "free_energy", system.where, free, system.temperature * (error + ring) / width, regime
        )
        yield self.prediction("correlation_length", system.where, length, 2 * error * length**2, regime)

    def eigenvalues(self, system: Canonical[Any]) -> tuple[tuple[float, float], float, bool]:
        """λ₀ and |λ₁| over a common factor, their relative residual, and whether they converged."""
        matrix = _Transfer(system)
        if matrix.size <= _SMALL:
            size = np.sort(np.abs(np.linalg.eigvals(matrix.dense())))[::-1]
            return (float(size[0]), float(size[1])), 1e-15, True
        operator = LinearOperator((matrix.size, matrix.size), matvec=matrix.times, dtype=np.float64)
        start = np.ones(matrix.size) + np.random.default_rng(0).random(matrix.size)
        solve = eigsh if matrix.symmetric else eigs
        try:
            found, vectors = solve(
                operator, 2, which="LM", v0=start, tol=self.tolerance, maxiter=self.iterations
            )
            converged = True
        except ArpackNoConvergence as error:
            found, vectors, converged = error.eigenvalues, error.eigenvectors, False
        except ArpackError:
            found, vectors, converged = np.zeros(0), np.zeros((matrix.size, 0)), False
        if len(found) < 2:
            return (math.nan, math.nan), math.nan, False
        order = np.argsort(-np.abs(found))
        residual = max(
            float(np.linalg.norm(matrix.times(v.real) + 1j * matrix.times(v.imag) - λ * v) / abs(found).max())
            for λ, v in zip(found, vectors.T.astype(complex), strict=True)
        )
        first, second = np.abs(found[order]).tolist()
        return (first, second), max(residual, 1e-15), converged


def _outside(rows: int, length: float) -> str:
    """Why a ring of rows is not as good as without end, "" where it is."""
    if rows >= LONG * length:
        return ""
    return f"the lattice is {rows / length:.2g} correlation lengths long, not {LONG}"


def _length(first: float, second: float) -> float:
    """1/ln(λ₀/|λ₁|)."""
    if not second > 0:
        return 0.0 if second == 0 else math.nan
    return 1 / math.log(first / second) if first > second else math.inf


class _Transfer:
    """The transfer matrix of a row, times vectors."""

    def __init__(self, system: Canonical[Any]) -> None:
        model, beta = system.hamiltonian, system.beta
        row = _row(model)
        assert row is not None
        self.q, self.width = len(model.states), row.width
        self.size = self.q**self.width
        self.last = row.last
        sites = list(range(self.width))
        own = sum((f.over(sites) for f in row.own), np.zeros((1,) * self.width))
        self.half = np.exp(-beta / 2 * (own - own.min()))
        self.between = [
            [np.exp(-beta * (f.energy - f.energy.min())) for f in ending] for ending in row.between
        ]
        self.places = [[f.sites for f in ending] for ending in row.between]
        x, y = np.random.default_rng(1).random((2, self.size))
        there, back = float(y @ self.times(x)), float(x @ self.times(y))
        self.symmetric = abs(there - back) <= 1e-12 * abs(there)

    def times(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        """T v: the sites of the next row are added one by one, and those of this one summed over as they end."""
        table = vector.reshape((self.q,) * self.width) * self.half
        axes = list(range(self.width))  # this row has sites 0 … w−1, the next one w … 2w−1
        for step in range(self.width):
            table = np.stack([table] * self.q, -1)
            axes.append(self.width + step)
            for sites, weight in zip(self.places[step], self.between[step], strict=True):
                table = table * Factor(sites, weight).over(axes)
            for site in [a for a in axes if a < self.width and self.last[a] <= step]:
                table = table.sum(axes.index(site))
                axes.remove(site)
        return np.asarray((table * self.half).reshape(-1))

    def dense(self) -> NDArray[np.float64]:
        """The matrix itself."""
        return np.stack([self.times(unit) for unit in np.eye(self.size)], 1)


@dataclass(frozen=True, eq=False)
class _Row:
    """Energy of a row and between it and the next one.

    Attributes
    ----------
    own
        Within the row, sites 0 … w−1.
    between
        For each site of the next row, what ends with it: sites 0 … w−1 of this row, w … 2w−1 of the next.
    last
        The site of the next row at which each site of this one is needed last.
    """

    width: int
    own: list[Factor]
    between: list[list[Factor]]
    last: list[int]


def _row(model: Any) -> _Row | None:
    """The rows of a model if all are alike and meet their neighbours alone, else None."""
    rows = model.lattice.shape[0]
    width = model.sites // rows
    kinds: list[Counter[Any]] = [Counter() for _ in range(rows)]
    first: list[Factor] = []
    for part in factors(model):
        if not part.energy.any():
            continue
        which = sorted({s // width for s in part.sites})
        if which == [0, rows - 1]:
            base = rows - 1
        elif which[-1] - which[0] + 1 == len(which) <= 2:
            base = which[0]
        else:
            return None
        moved = np.array([(s - base * width) % (rows * width) for s in part.sites])
        order = np.argsort(moved)
        local = Factor(tuple(moved[order].tolist()), np.transpose(part.energy, order))
        kinds[base][(local.sites, np.round(local.energy, 12).tobytes())] += 1
        if base == 1:
            first.append(local)
    if any(kind != kinds[0] for kind in kinds):
        return None
    between: list[list[Factor]] = [[] for _ in range(width)]
    last = [0] * width
    for part in first:
        if part.sites[-1] >= width:
            end = part.sites[-1] - width
            between[end].append(part)
            for site in part.sites:
                if site < width:
                    last[site] = max(last[site], end)
    return _Row(width, [f for f in first if f.sites[-1] < width], between, last)


def _row_minimum(system: Canonical[Any]) -> float:
    """What the exponents of a row were taken relative to."""
    row = _row(system.hamiltonian)
    assert row is not None
    sites = list(range(row.width))
    own = sum((f.over(sites) for f in row.own), np.zeros((1,) * row.width))
    return float(own.min() + sum(f.energy.min() for ending in row.between for f in ending))

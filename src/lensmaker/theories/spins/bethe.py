"""Bethe and Peierls: messages along the bonds, exact on a tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import Prediction, Reference, Regime
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian
from lensmaker.theories.spins.pairs import Pairs, pairs_of
from lensmaker.theories.spins.theory import SpinTheory


@dataclass(frozen=True)
class Bethe(SpinTheory):
    """Energy, free energy and entropy by the cavity fields of pairs of spins.

    The bond from i to j hands on u_{i→j} = atanh[tanh βJ_ij tanh(βh_i + Σ_{k≠j} u_{k→i})]. From the fixed point

        −βF = Σ_ij ln Z_ij − Σ_i (d_i − 1) ln 2 cosh(βh_i + Σ_k u_{k→i}),

    Z_ij that of a bond in the fields that reach its ends from elsewhere, d_i the number of bonds at i. On a tree
    that is the exact solution; on a graph with loops it neglects that they close.

    Parameters
    ----------
    iterations, tolerance
        Limit, and the largest change of a message at the end, of the largest one where that is beyond 1.

    Examples
    --------
    >>> import math
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import chain
    >>> line = Canonical(ising(chain(5, periodic=False)), temperature=1.0)
    >>> exact = -(math.log(2) + 4 * math.log(2 * math.cosh(1))) / 5
    >>> abs(Bethe().predict(line).select(quantity="free_energy")[0].value - exact) < 1e-14
    True
    """

    iterations: int = 10_000
    tolerance: float = 1e-13

    name = "bethe"
    summary = "Cavity fields along the bonds: exact on trees, approximate where there are loops."
    quantities = ("energy", "free_energy", "entropy")
    assumptions = ("the bonds form a tree", "spins interact in pairs")
    references = (
        Reference(
            "bethe1935",
            "H. A. Bethe",
            "Statistical theory of superlattices",
            1935,
            "Proc. R. Soc. A 150, 552",
        ),
        Reference(
            "mezard2009", "M. Mézard, A. Montanari", "Information, physics, and computation", 2009, "Oxford"
        ),
    )

    def refusal(self, system: Canonical[Any]) -> str:
        return "" if pairs_of(system.hamiltonian) is not None else "more than two spins interact"

    def solve(self, system: Canonical[Any]) -> Iterator[Prediction]:
        pairs = pairs_of(system.hamiltonian)
        assert pairs is not None
        messages, converged = _messages(pairs, system.beta, self.iterations, self.tolerance)
        reason = "" if pairs.is_forest else "its bonds close to loops"
        regime = Regime(reason if converged else "the messages do not converge")
        values = _values(pairs, messages, system.beta)
        return (self.prediction(n, system.where, v, regime=regime) for n, v in values.items())


def magnetisations(system: Canonical[Hamiltonian]) -> NDArray[np.float64]:
    """⟨s_i⟩ of each spin, by the fixed point of the messages."""
    pairs = pairs_of(system.hamiltonian)
    assert pairs is not None
    messages, _ = _messages(pairs, system.beta, 10_000, 1e-13)
    return np.tanh(_fields(pairs, messages, system.beta))


def _messages(
    pairs: Pairs, beta: float, iterations: int, tolerance: float
) -> tuple[NDArray[np.float64], bool]:
    """Messages along i → j and j → i of each bond, shape (2, B); from a small field, so that symmetry may break."""
    K = beta * pairs.coupling
    u = np.full((2, len(K)), 1e-3 * (np.sign(pairs.coupling) if pairs.field.any() else 1.0))
    for _ in range(iterations):
        total = _fields(pairs, u, beta)
        cavity = np.stack([total[pairs.first] - u[1], total[pairs.last] - u[0]])
        # atanh(tanh K tanh x), which stays finite where both tangents round to 1
        new = (np.logaddexp(K + cavity, -K - cavity) - np.logaddexp(K - cavity, cavity - K)) / 2
        change = float(np.abs(new - u).max(initial=0.0))
        u = new
        if change < tolerance * max(1.0, float(np.abs(u).max(initial=0.0))):
            return u, True
    return u, False


def _fields(pairs: Pairs, u: NDArray[np.float64], beta: float) -> NDArray[np.float64]:
    """βh_i and all messages that reach i."""
    total = beta * pairs.field
    np.add.at(total, pairs.last, u[0])
    np.add.at(total, pairs.first, u[1])
    return total


def _values(pairs: Pairs, u: NDArray[np.float64], beta: float) -> dict[str, float]:
    total, K = _fields(pairs, u, beta), beta * pairs.coupling
    a, b = total[pairs.first] - u[1], total[pairs.last] - u[0]  # cavity fields of the two ends
    same, other = K + np.logaddexp(a + b, -a - b), -K + np.logaddexp(a - b, b - a)
    bonds = np.logaddexp(same, other)
    degree = np.bincount(np.concatenate([pairs.first, pairs.last]), minlength=pairs.sites)
    log_z = float(bonds.sum() - (degree - 1) @ np.logaddexp(total, -total))
    correlation = np.exp(same - bonds) - np.exp(other - bonds)
    energy = -float(pairs.coupling @ correlation + pairs.field @ np.tanh(total))
    n = pairs.sites
    return {
        "energy": energy / n,
        "free_energy": -log_z / (beta * n),
        "entropy": (log_z + beta * energy) / n,
    }

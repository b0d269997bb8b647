"""Hamiltonians of bonds of one strength, each of either sign."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.lattices import Lattice

Integers = NDArray[np.int64]

MOST_BONDS = 8
"""What a count of three bits can tell apart as far as it matters."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Bonds of one strength: H = −J Σ_b σ_b s_i s_j with J > 0 and σ_b = ±1.

    Attributes
    ----------
    sites
        N.
    ends
        The two sites of each bond, (B, 2).
    signs
        σ_b, (B,).
    strength
        J.
    lattice
        Where translations are read from; None if there are none.
    """

    sites: int
    ends: Integers
    signs: Integers
    strength: float
    lattice: Lattice | None


def equal_pairs(system: Canonical) -> Pairs | str:
    """The bonds of a Hamiltonian that has nothing else, or what it has.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import chain
    >>> equal_pairs(Canonical(ising(chain(3), J=-2.0), 1.0)).strength
    2.0
    >>> equal_pairs(Canonical(ising(chain(3), h=0.1), 1.0))
    'a field, h'
    """
    h = system.hamiltonian
    ends, strengths = [np.zeros((0, 2), np.int64)], [np.zeros(0)]
    for term in h.terms:
        couplings = h.couplings[term.name] * term.weights
        kept = couplings != 0
        if kept.any() and term.order != 2:
            return f"{'a field' if term.order == 1 else f'products of {term.order} spins'}, {term.name}"
        if kept.any():
            ends.append(term.cliques[kept])
            strengths.append(couplings[kept])
    i, J = np.concatenate(ends), np.concatenate(strengths)
    if not len(J):
        return "no couplings, so that nothing is random"
    weakest, strongest = float(np.abs(J).min()), float(np.abs(J).max())
    if strongest > weakest * (1 + 1e-12):
        return f"couplings of several strengths, {weakest:g} to {strongest:g}"
    if (most := int(np.bincount(i.reshape(-1)).max())) > MOST_BONDS:
        return f"a spin with {most} bonds, more than {MOST_BONDS}"
    return Pairs(system.sites, i, np.sign(J).astype(np.int64), strongest, h.lattice)

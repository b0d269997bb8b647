"""What a layer has learned, as one number for each kind of coupling on its lattice."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from lensmaker.core import InputError
from lensmaker.systems.boltzmann.effective.marginal import Marginal
from lensmaker.systems.spins.cliques import distances
from lensmaker.systems.spins.hamiltonian import Hamiltonian, hamiltonian
from lensmaker.systems.spins.lattices import Lattice

MOST_SETS = 1 << 21
"""Sets of sites that are looked through."""

_NAMES = {
    (): "field",
    (1.0,): "nearest",
    (round(math.sqrt(2), 6),): "diagonal",
    (2.0,): "third",
    (1.0, 1.0, 1.0, 1.0, round(math.sqrt(2), 6), round(math.sqrt(2), 6)): "plaquette",
}


@dataclass(frozen=True)
class Kind:
    """All sets of sites of one shape.

    Attributes
    ----------
    name
        "nearest", "diagonal", "third", "plaquette", or the distances of its sites.
    order
        Spins in each.
    count
        How many sets there are.
    mean, spread
        Of their couplings K, with 0 for those that have none; the spread is the standard deviation.
    """

    name: str
    order: int
    count: int
    mean: float
    spread: float

    @property
    def error(self) -> float:
        """Of the mean, if the sets were independent of each other: spread/√count; infinite for one alone."""
        return self.spread / math.sqrt(self.count) if self.count > 1 else math.inf

    def __str__(self) -> str:
        return f"{self.name:<12} {self.mean:+.5f} ± {self.error:.5f}  spread {self.spread:.5f}, {self.count} sets"


@dataclass(frozen=True, eq=False)
class LearnedCouplings:
    """The couplings of a layer, averaged over those of a kind.

    Attributes
    ----------
    kinds
        By order, then distance.
    hamiltonian
        With the means alone, one coupling constant for each kind: what is alike everywhere of what was learned.
    """

    kinds: tuple[Kind, ...]
    hamiltonian: Hamiltonian

    def kind(self, name: str) -> Kind:
        """The kind of that name.

        Raises
        ------
        InputError
            If there is none.
        """
        for kind in self.kinds:
            if kind.name == name:
                return kind
        known = ", ".join(k.name for k in self.kinds)
        raise InputError(f"one of the kinds {known}", repr(name), "check the spelling")

    def __str__(self) -> str:
        return "\n".join(map(str, self.kinds))


def learned_couplings(
    marginal: Marginal, lattice: Lattice | None = None, *, order: int = 2
) -> LearnedCouplings:
    """The Hamiltonian that a layer has learned: mean ± spread over all sets of sites of each shape.

    Sets are of one shape if the distances between their sites are the same numbers, which translations, rotations and
    reflections of the lattice leave as they are.

    Parameters
    ----------
    marginal
        What `effective_hamiltonian` found.
    lattice
        That the spins are on, where the marginal does not know it.
    order
        The most spins in a set.

    Raises
    ------
    InputError
        If there is no lattice, or it does not fit, or there are no sets of so many sites or too many.

    Examples
    --------
    >>> from lensmaker.systems.boltzmann.constructed import bond_machine
    >>> from lensmaker.systems.boltzmann.effective.marginal import effective_hamiltonian
    >>> from lensmaker.systems.spins import Canonical, ising, square
    >>> found = effective_hamiltonian(bond_machine(Canonical(ising(square(4)), 2.5)))
    >>> for kind in learned_couplings(found, square(4)).kinds[:3]:
    ...     print(kind.name, kind.count, round(kind.mean, 6), round(kind.spread, 6))
    field 16 0.0 0.0
    nearest 32 0.4 0.0
    diagonal 32 0.0 0.0
    """
    if order < 1:
        raise InputError("products of one spin or more", f"order {order}", "pass order=2")
    H = marginal.hamiltonian
    lattice = lattice if lattice is not None else H.lattice
    if lattice is None or lattice.sites != H.sites:
        raise InputError(
            f"a lattice of {H.sites} sites", "none" if lattice is None else str(lattice), "pass it"
        )
    if (sets := sum(math.comb(H.sites, k) for k in range(1, order + 1))) > MOST_SETS:
        raise InputError(f"at most {MOST_SETS} sets of sites", f"{sets}", "pass order=2")
    shapes = _shapes(lattice, order)
    known: dict[tuple[int, ...], float] = defaultdict(float)
    for term in H.terms:
        scale = H.couplings[term.name]
        for clique, weight in zip(term.cliques.tolist(), term.weights.tolist(), strict=True):
            known[tuple(clique)] += scale * weight
    kinds, terms, couplings = [], {}, {}
    for shape in sorted(shapes, key=lambda s: (len(s), sorted(s)[::-1])):
        sets_of = shapes[shape]
        K = np.array([known.get(c, 0.0) for c in sets_of])
        name = _NAMES.get(shape) or "distance " + " ".join(f"{d:.3g}" for d in shape)
        kinds.append(Kind(name, len(sets_of[0]), len(K), float(K.mean()), float(K.std())))
        terms[name], couplings[name] = np.array(sets_of), float(K.mean())
    return LearnedCouplings(tuple(kinds), hamiltonian(H.sites, terms, couplings, lattice=lattice))


def _shapes(lattice: Lattice, order: int) -> dict[tuple[float, ...], list[tuple[int, ...]]]:
    """Distances between the sites of a set, from the shortest on → the sets that have them."""
    far = distances(lattice).round(6).tolist()
    found: dict[tuple[float, ...], list[tuple[int, ...]]] = defaultdict(list)
    for k in range(1, order + 1):
        for clique in itertools.combinations(range(lattice.sites), k):
            shape = tuple(sorted(far[i][j] for i, j in itertools.combinations(clique, 2)))
            found[shape].append(clique)
    return found

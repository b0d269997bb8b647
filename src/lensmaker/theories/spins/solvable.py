"""The exact values of a system, by the first of the exact solutions that applies to it."""

from __future__ import annotations

from lensmaker.core import Prediction, Table
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.theories.spins.elimination import Elimination
from lensmaker.theories.spins.enumeration import Enumeration
from lensmaker.theories.spins.kaufman import Kaufman
from lensmaker.theories.spins.theory import SpinTheory

FEW = 16
"""Spins that are enumerated in milliseconds."""

NARROW = 5
"""Sites across a lattice that is eliminated in a second."""

LARGEST = 1 << 12
"""Spins of which the order of an elimination is looked for."""


def exact_values(system: Canonical) -> Table[Prediction]:
    """What is known exactly of the finite system; nothing where no exact solution applies.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import chain, cubic, square
    >>> [exact_values(Canonical(ising(g), 2.0))[0].theory for g in (square(4), square(8), chain(50))]
    ['enumeration', 'kaufman', 'elimination']
    >>> len(exact_values(Canonical(ising(cubic(6)), 2.0)))
    0
    """
    theories: list[SpinTheory] = [Enumeration()] if system.sites <= FEW else []
    theories.append(Kaufman())
    lattice = system.hamiltonian.lattice
    narrow = lattice is not None and (lattice.name == "chain" or min(lattice.shape) <= NARROW)
    if narrow and system.sites <= LARGEST:
        theories.append(Elimination())
    for theory in theories:
        if not theory.why_not(system):
            return theory.predict(system)
    return Table()

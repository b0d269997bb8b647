"""Checkerboard Metropolis: all spins of one colour at once, a byte each."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lensmaker.core import Reference
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Rule, Spins
from lensmaker.systems.spins.sampling.tables.rows import not_in_rows

if TYPE_CHECKING:
    from lensmaker.systems.spins.sampling.walks.by_colour import ByColour


class Checkerboard(Rule):
    """The spins of one colour are turned over with probability min(1, e^(−βΔH)), then those of the other.

    No two spins of a colour are neighbours, so that they do not see each other turn. One that costs nothing is turned
    over with probability 15/16: with 1, a lattice on which every turn costs nothing, like + + − − around a ring, would
    go in a circle for ever.

    One coupling J of any sign and one field h, on chains, hypercubic lattices and honeycombs. Acceptances are exact to
    2⁻⁵²: sixteen random bits decide, and 53 more where they are equal to the limit.
    """

    name = "checkerboard"
    cost = 1.4
    summary = (
        "All spins of one colour at once by Metropolis; one coupling and one field on a bipartite lattice."
    )
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "preis2009",
            "T. Preis, P. Virnau, W. Paul, J. J. Schneider",
            "GPU accelerated Monte Carlo simulation of the 2D and 3D Ising model",
            2009,
            "J. Comput. Phys. 228, 4468",
        ),
    )

    def reason(self, system: Canonical) -> str:
        return not_in_rows(system)

    def start(self, system: Canonical, spins: Spins, seed: int) -> ByColour:
        from lensmaker.systems.spins.sampling.walks.by_colour import ByColour

        self.check(system)
        return ByColour(system, spins, seed)

"""Multi-spin coding: Metropolis for 512 spins at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from lensmaker.core import Reference
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Rule, Spins
from lensmaker.systems.spins.sampling.tables.equal_pairs import Pairs, equal_pairs

if TYPE_CHECKING:
    from lensmaker.systems.spins.sampling.walks.bit_parallel import BitParallel


class MultiSpin(Rule):
    """Metropolis with a bit for each spin: the same site of 512 chains, or of 512 blocks of one lattice, at a time.

    A spin of z bonds of strength J, u of them unsatisfied, is turned over with probability min(1, e^(−2βJ(z − 2u))),
    and 15/16 where that costs nothing: always, two classes in turns could go in circles. Each has random bits of its
    own, as many as it takes to decide; the probability is rounded down by less than 2⁻⁶⁴.
    Chains are laid into lanes by `packing`: many chains side by side, or few, their lattice cut into blocks where it
    is periodic, and the sites of a class that no bond joins one class after the other.
    """

    name = "multi_spin"
    summary = "Metropolis on 512 bits at a time; pairs of one strength, of either sign, and no field."
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "jacobs1981",
            "L. Jacobs, C. Rebbi",
            "Multi-spin coding: a very efficient technique for Monte Carlo simulations of spin systems",
            1981,
            "J. Comput. Phys. 41, 203",
        ),
        Reference(
            "block2010",
            "B. Block, P. Virnau, T. Preis",
            "Multi-GPU accelerated multi-spin Monte Carlo simulations of the 2D Ising model",
            2010,
            "Comput. Phys. Commun. 181, 1549",
        ),
    )

    cost = 0.08
    chains = 64

    def reason(self, system: Canonical) -> str:
        if math.isinf(system.temperature):
            return (
                "an infinite temperature, where every spin is turned over at every step and nothing is random"
            )
        found = equal_pairs(system)
        return found if isinstance(found, str) else ""

    def start(self, system: Canonical, spins: Spins, seed: int) -> BitParallel:
        from lensmaker.systems.spins.sampling.walks.bit_parallel import BitParallel

        self.check(system)
        pairs = equal_pairs(system)
        assert isinstance(pairs, Pairs)
        return BitParallel(system, pairs, spins, seed)

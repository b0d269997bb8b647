"""Metropolis: one spin after the other, for any Hamiltonian."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lensmaker.core import Reference
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Rule, Spins

if TYPE_CHECKING:
    from lensmaker.systems.spins.sampling.walks.one_by_one import OneByOne


class Metropolis(Rule):
    """A spin is turned over with probability min(1, e^(−βΔH)), site after site in their order.

    A sweep leaves e^(−βH)/Z as it is; each of its steps is in detailed balance. A turn that costs nothing is taken 15
    times in 16: were it always, spins without bonds would turn at every sweep, and nothing about them be random.
    """

    name = "metropolis"
    summary = "One spin after the other is turned over with probability min(1, e^(−βΔH)); any Hamiltonian."
    cost = 30.0
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "metropolis1953",
            "N. Metropolis, A. W. Rosenbluth, M. N. Rosenbluth, A. H. Teller, E. Teller",
            "Equation of state calculations by fast computing machines",
            1953,
            "J. Chem. Phys. 21, 1087",
        ),
    )

    def reason(self, system: Canonical) -> str:
        return ""

    def start(self, system: Canonical, spins: Spins, seed: int) -> OneByOne:
        from lensmaker.systems.spins.sampling.walks.one_by_one import OneByOne

        self.check(system)
        return OneByOne(system, spins, seed, heat_bath=False)

"""Heat bath: each spin is drawn anew in the field of its neighbours, for any Hamiltonian."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lensmaker.core import Reference
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Rule, Spins

if TYPE_CHECKING:
    from lensmaker.systems.spins.sampling.walks.one_by_one import OneByOne


class HeatBath(Rule):
    """A spin is turned over with probability 1/(1 + e^(βΔH)), site after site in their order.

    That is a draw from its distribution with all other spins held: where it was does not matter. A sweep leaves
    e^(−βH)/Z as it is; each of its steps is in detailed balance.
    """

    name = "heat_bath"
    summary = "One spin after the other is drawn anew in the field of the others; any Hamiltonian."
    cost = 30.0
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "glauber1963",
            "R. J. Glauber",
            "Time-dependent statistics of the Ising model",
            1963,
            "J. Math. Phys. 4, 294",
        ),
    )

    def reason(self, system: Canonical) -> str:
        return ""

    def start(self, system: Canonical, spins: Spins, seed: int) -> OneByOne:
        from lensmaker.systems.spins.sampling.walks.one_by_one import OneByOne

        self.check(system)
        return OneByOne(system, spins, seed, heat_bath=True)

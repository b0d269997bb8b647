"""Metropolis for spins of q states."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from lensmaker.core import Reference
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Spins
from lensmaker.systems.spins.sampling.rules.metropolis import Metropolis
from lensmaker.systems.spins.sampling.rules.multistate_rule import MultistateRule

if TYPE_CHECKING:
    from lensmaker.systems.spins.sampling.walks.multistate_site_by_site import SiteBySite


class MultistateMetropolis(MultistateRule):
    """One of the other q − 1 states is proposed, and taken with probability min(1, e^(−βΔH)), site after site.

    A sweep leaves e^(−βH)/Z as it is; each of its steps is in detailed balance.
    """

    name = "multistate_metropolis"
    summary = "One spin of q states after the other goes to another state with probability min(1, e^(−βΔH))."
    references: ClassVar[tuple[Reference, ...]] = Metropolis.references

    def reason(self, system: Canonical[Any]) -> str:
        if system.hamiltonian.q == 2 and math.isinf(system.temperature):
            return (
                "an infinite temperature, where every spin is turned over at every step and nothing is random"
            )
        return ""

    def start(self, system: Canonical[Any], spins: Spins, seed: int) -> SiteBySite:
        from lensmaker.systems.spins.sampling.walks.multistate_site_by_site import SiteBySite

        self.check(system)
        return SiteBySite(system, spins, seed, heat_bath=False)

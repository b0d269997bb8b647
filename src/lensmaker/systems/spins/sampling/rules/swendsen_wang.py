"""Swendsen–Wang: all clusters of a configuration, each turned over or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lensmaker.core import Reference
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Rule, Spins
from lensmaker.systems.spins.sampling.tables.bonds import no_clusters

if TYPE_CHECKING:
    from lensmaker.systems.spins.sampling.walks.all_clusters import AllClusters


class SwendsenWang(Rule):
    """Satisfied bonds are occupied with probability p = 1 − e^(−2β|J|); what they join turns over with probability ½.

    A bond is satisfied if J s_i s_j > 0. Any lattice or graph and any pair couplings; with frustrated ones it is
    right and of no use: the clusters percolate long before the spins order. A sweep draws every bond once.
    """

    name = "swendsen_wang"
    cost = 13.0
    summary = "All clusters of occupied bonds are turned over or not, by a coin each; pair couplings without a field."
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "swendsen1987",
            "R. H. Swendsen, J.-S. Wang",
            "Nonuniversal critical dynamics in Monte Carlo simulations",
            1987,
            "Phys. Rev. Lett. 58, 86",
        ),
    )

    def reason(self, system: Canonical) -> str:
        return no_clusters(system)

    def start(self, system: Canonical, spins: Spins, seed: int) -> AllClusters:
        from lensmaker.systems.spins.sampling.walks.all_clusters import AllClusters

        self.check(system)
        return AllClusters(system, spins, seed)

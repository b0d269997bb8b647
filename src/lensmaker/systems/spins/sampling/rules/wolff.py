"""Wolff: clusters grown from one spin, and always turned over."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lensmaker.core import InputError, Reference
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Rule, Spins
from lensmaker.systems.spins.sampling.tables.bonds import no_clusters

if TYPE_CHECKING:
    from lensmaker.systems.spins.sampling.walks.one_cluster import OneCluster


@dataclass(frozen=True)
class Wolff(Rule):
    """A cluster grows from a random spin over satisfied bonds, each with p = 1 − e^(−2β|J|), and is turned over.

    A bond is satisfied if J s_i s_j > 0. Any lattice or graph and any pair couplings; with frustrated ones it is
    right and of no use: the clusters percolate long before the spins order.

    A sweep is a fixed number of clusters. (Clusters until so many spins have turned would not leave e^(−βH)/Z as it
    is: the last one is likely to be a large one.)

    Attributes
    ----------
    clusters
        Clusters in a sweep; None for about as many as turn N spins over, which a trial run of ten sweeps with random
        numbers of its own counts at the start, once and for all.

    Raises
    ------
    InputError
        If the number of clusters is not positive.
    """

    clusters: int | None = None

    name = "wolff"
    cost = 11.0
    summary = "Clusters are grown from random spins and turned over; pair couplings without a field."
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "wolff1989",
            "U. Wolff",
            "Collective Monte Carlo updating for spin systems",
            1989,
            "Phys. Rev. Lett. 62, 361",
        ),
    )

    def __post_init__(self) -> None:
        if self.clusters is not None and self.clusters < 1:
            raise InputError("at least one cluster in a sweep", f"{self.clusters}", "pass clusters=1")

    @property
    def signature(self) -> str:
        return self.name if self.clusters is None else f"{self.name}(clusters={self.clusters})"

    def reason(self, system: Canonical) -> str:
        h = system.hamiltonian
        coupled = any(t.order == 2 and h.couplings[t.name] != 0 and t.weights.any() for t in h.terms)
        if not no_clusters(system) and (math.isinf(system.temperature) or not coupled):
            return "spins that do not feel each other, whose clusters are of one spin: its sweeps never mix"
        return no_clusters(system)

    def start(self, system: Canonical, spins: Spins, seed: int) -> OneCluster:
        from lensmaker.systems.spins.sampling.walks.one_cluster import OneCluster

        self.check(system)
        return OneCluster(system, spins, seed, self.clusters)

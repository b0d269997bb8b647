"""How much a block, or its block spin, tells of its environment, from samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from lensmaker.core import Measurement, Reference, Table
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.information.counting import Counting
from lensmaker.instruments.information.estimator import Estimator
from lensmaker.instruments.information.neural import DonskerVaradhan, InfoNCE
from lensmaker.instruments.information.pairs import pairs_of
from lensmaker.numerics.seeding import stream
from lensmaker.systems.spins.coarse_graining import CoarseGrainer
from lensmaker.systems.spins.sampling.samples import Samples
from lensmaker.systems.spins.surroundings import Surroundings


@dataclass(frozen=True)
class MutualInformation(Instrument):
    """I(B; E) of a block of a lattice and its environment beyond a buffer, or I(μ; E) of its block spin.

    By a lower bound, InfoNCE or Donsker and Varadhan's, whose value may be below the truth by what the critic has not
    learned; or by counting, where there are few states. The error knows how long the samples remember.

    Parameters
    ----------
    surroundings
        Block, buffer and environment.
    rule
        What makes the block one spin; any coarse-grainer that makes one of each block. None for the block itself.
    estimator
        InfoNCE where nothing is said.
    copies
        At how many places each configuration is looked at, by translations.
    seed
        Of block spins that are drawn, and of the critic.

    Examples
    --------
    >>> from lensmaker.systems.spins import Canonical, chain, ising, sample
    >>> from lensmaker.systems.spins.sampling import HeatBath
    >>> ring = sample(Canonical(ising(chain(12)), 1.0), 4000, rule=HeatBath(), seed=0)
    >>> next_to_it = Surroundings(side=1, buffer=0, reach=1)
    >>> found = MutualInformation(next_to_it, estimator=Counting(), copies=12).measure(ring)[0]
    >>> 0.4 < found.value < 0.5, found.error < 0.01
    (True, True)
    """

    surroundings: Surroundings = field(default_factory=Surroundings)
    rule: CoarseGrainer | None = None
    estimator: Estimator = field(default_factory=InfoNCE)
    copies: int = 1
    seed: int = 0

    name = "mutual_information"
    summary = "Mutual information of a block, or its block spin, and its environment, from samples."
    quantities = ("mutual_information",)
    references: ClassVar[tuple[Reference, ...]] = (
        *InfoNCE.references,
        *DonskerVaradhan.references,
        *Counting.references,
    )

    def measure(self, system: Samples) -> Table[Measurement]:
        generator = stream("block spins", self.seed)
        pairs = pairs_of(system, self.surroundings, self.rule, generator, self.copies)
        found = self.estimator.estimate(pairs, seed=self.seed)
        of = "" if self.rule is None else str(self.rule)
        where = self.surroundings.where(system.system.where, of)
        return Table(
            [
                self.measurement(
                    "mutual_information", where, found.value, found.error, found.rows, found.convergence
                )
            ]
        )

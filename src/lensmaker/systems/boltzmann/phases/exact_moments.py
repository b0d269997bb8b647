"""The exact gradient of small machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from lensmaker.core import Reference
from lensmaker.systems.boltzmann.exact import Exact
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.phases.base import Gradient, ModelPhase, State, Update


@dataclass(frozen=True)
class ExactMoments(ModelPhase):
    """All configurations of the smaller layer: no samples at all."""

    name = "exact"
    bias = "None."
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "ackley1985",
            "D. H. Ackley, G. E. Hinton, T. J. Sejnowski",
            "A learning algorithm for Boltzmann machines",
            1985,
            "Cogn. Sci. 9, 147",
        ),
    )

    def rows(self, state: State, batch: int) -> int:
        return 0

    def visible(self, at: Update, out: Tensor) -> None:
        pass

    def moments(self, machine: RestrictedBoltzmannMachine) -> Gradient | None:
        return Gradient(*Exact(machine).moments)

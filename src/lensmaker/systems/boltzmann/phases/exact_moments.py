"""The exact gradient of small machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from lensmaker.core import Reference
from lensmaker.core.bibliography import ACKLEY_1985
from lensmaker.systems.boltzmann.exact import Exact
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.phases.base import Gradient, ModelPhase, State, Update


@dataclass(frozen=True)
class ExactMoments(ModelPhase):
    """All configurations of the smaller layer: no samples at all."""

    name = "exact"
    bias = "None."
    references: ClassVar[tuple[Reference, ...]] = (ACKLEY_1985,)

    def rows(self, state: State, batch: int) -> int:
        return 0

    def visible(self, at: Update, out: Tensor) -> None:
        pass

    def moments(self, machine: RestrictedBoltzmannMachine) -> Gradient | None:
        return Gradient(*Exact(machine).moments)

"""The exact gradient of small machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lensmaker.core import Reference
from lensmaker.systems.boltzmann.exact import Exact
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.phases.base import Buffers, Gradient, ModelPhase, State


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

    def rows(
        self,
        machine: RestrictedBoltzmannMachine,
        state: State,
        hidden: Tensor,
        generator: torch.Generator,
        buffers: Buffers,
    ) -> tuple[Tensor, Tensor]:
        raise NotImplementedError("moments are exact: there are no rows")

    def subtract_(
        self,
        gradient: Gradient,
        machine: RestrictedBoltzmannMachine,
        state: State,
        hidden: Tensor,
        generator: torch.Generator,
        buffers: Buffers,
        scale: float,
    ) -> None:
        for into, moment in zip(gradient, Exact(machine).moments, strict=True):
            into.sub_(moment.to(into.dtype), alpha=scale)

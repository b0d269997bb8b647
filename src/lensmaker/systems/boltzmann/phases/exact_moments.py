"""The exact gradient of small machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from lensmaker.core import Reference
from lensmaker.systems.boltzmann.exact import Exact
from lensmaker.systems.boltzmann.phases.base import Gradient, ModelPhase, Update


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

    def rows(self, at: Update) -> tuple[Tensor, Tensor]:
        raise NotImplementedError("moments are exact: there are no rows")

    def subtract_(self, gradient: Gradient, at: Update, scale: float) -> None:
        for into, moment in zip(gradient, Exact(at.machine).moments, strict=True):
            into.sub_(moment.to(into.dtype), alpha=scale)

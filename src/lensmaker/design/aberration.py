"""The contract of an aberration: a named way to depart from what the design needs, and its correction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from lensmaker.core import Reference, Where
from lensmaker.design.correction import Change, Scaled
from lensmaker.design.evidence import Evidence


@dataclass(frozen=True)
class Suspicion:
    """A fault seen in the evidence, before its effect is predicted.

    The fields are those of `core.Finding`, without the effect; `changes` are what the correction does to each
    parameter or buffer.
    """

    aberration: str
    where: Where
    cause: str
    quantity: str
    value: float
    bound: float
    correction: str
    changes: Mapping[str, Change]

    @property
    def factors(self) -> dict[str, float]:
        """Of what is only scaled, the factor."""
        return {name: c.factor for name, c in self.changes.items() if isinstance(c, Scaled)}


class Aberration(ABC):
    """Base of all aberrations: a subclass declares what it is and looks for it in the evidence.

    Attributes
    ----------
    name, summary
        Identifier, and one sentence on what it is and what it harms.
    quantity
        The standard quantity that reveals it.
    references
        Its sources.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    quantity: ClassVar[str]
    references: ClassVar[tuple[Reference, ...]]

    @abstractmethod
    def look(self, evidence: Evidence) -> list[Suspicion]:
        """The faults of this kind in the evidence; an empty list for a healthy network."""

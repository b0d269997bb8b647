"""The contract of an aberration: a named way to depart from what the design needs, and its correction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from lensmaker.core import Reference, Where
from lensmaker.design.correction import Change, Scaled, ScaledRows
from lensmaker.design.evidence import Evidence


@dataclass(frozen=True)
class Suspicion:
    """A fault seen in the evidence, before its effect is predicted.

    The fields are those of `core.Finding`, without the effect; `changes` are what the correction does to each
    parameter or buffer. One `of_its_own` is the consequence of no other, whatever comes before it.
    """

    aberration: str
    where: Where
    cause: str
    quantity: str
    value: float
    bound: float
    correction: str
    changes: Mapping[str, Change]
    of_its_own: bool = False

    @property
    def factors(self) -> dict[str, float]:
        """Of what is only scaled, the factor; of some rows alone under the name with their range."""
        found = {}
        for name, change in self.changes.items():
            if isinstance(change, Scaled):
                found[name] = change.factor
            elif isinstance(change, ScaledRows):
                found[f"{name}[{change.start}:{change.stop}]"] = change.factor
        return found


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
    explained_by
        Aberrations that, before it or at it, have it as their consequence.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    quantity: ClassVar[str]
    references: ClassVar[tuple[Reference, ...]]
    explained_by: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def look(self, evidence: Evidence) -> list[Suspicion]:
        """The faults of this kind in the evidence; an empty list for a healthy network."""

"""The contract of a phenomenon: declared facts, and a run that ends with a finding for each claim."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from lensmaker.core import Reference, Table
from lensmaker.core.progress import Progress
from lensmaker.phenomena.equality import Equality
from lensmaker.phenomena.finding import Finding


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a run found.

    Attributes
    ----------
    findings
        One for each claim.
    facts
        Every number that they rest on: rows of name → value.
    pictures
        Name → what a figure of the report room draws.
    """

    findings: Table[Finding | Equality]
    facts: list[dict[str, Any]]
    pictures: dict[str, Any] = field(default_factory=dict)


class Phenomenon(ABC):
    """Base of all phenomena: a subclass declares its facts and supplies `run`.

    Attributes
    ----------
    name
        Under which the CLI runs it.
    summary
        One sentence.
    references
        The sources of its claims.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    references: ClassVar[tuple[Reference, ...]]

    @classmethod
    @abstractmethod
    def quick(cls) -> Phenomenon:
        """The same, small enough for two minutes: it shows the way, and its findings are of the small system."""

    @abstractmethod
    def run(self, folder: Path, progress: Progress | None = None) -> Outcome:
        """Make what is missing in the folder, and judge each claim.

        Raises
        ------
        InputError
            If the folder is missing, or holds another run.
        """

"""The contract of what looks at a machine while it learns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor


class Watch(ABC):
    """Reads a line of numbers after each epoch, and judges it.

    Attributes
    ----------
    judged_by
        What its score is.
    held_out
        Rows that are only looked at.
    """

    judged_by: ClassVar[str]
    held_out: Tensor | None

    @abstractmethod
    def read(self, epoch: int, updates: int) -> Any:
        """A line; its random numbers are the same each time."""

    @abstractmethod
    def again(self, row: dict[str, Any]) -> Any:
        """The line that was written as this."""

    @abstractmethod
    def score(self, reading: Any) -> float:
        """How good the machine was, more is better; nan where that is not known."""

    @property
    def judges(self) -> bool:
        """Whether there is a score at all."""
        return True

    def is_lost(self, reading: Any, first: Any) -> bool:
        """Whether the machine ran away, though its numbers are finite; `first` was read before it learned."""
        return False

    def told(self, reading: Any) -> str:
        """A few words about a line."""
        return f"{self.judged_by} {self.score(reading):.4g}"

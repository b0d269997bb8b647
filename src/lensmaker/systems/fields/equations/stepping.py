"""What steppers in time share: a tally, and a way to stop."""

from __future__ import annotations

from dataclasses import dataclass

from lensmaker.core import Convergence


@dataclass
class Tally:
    """Counts of one solution.

    Attributes
    ----------
    limit
        Steps between two times.
    evaluations
        Of the right-hand side, so far.
    """

    limit: int
    evaluations: int = 0


class Stopped(Exception):
    """A stepper gave up, with the reason."""

    def __init__(self, convergence: Convergence) -> None:
        super().__init__(convergence.value)
        self.convergence = convergence

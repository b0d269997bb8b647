"""Learning rates over the course of a training."""

from __future__ import annotations

from dataclasses import dataclass

from lensmaker.core import InputError

LARGEST = 1e15
"""Of rates and penalties: their products stay finite in single precision."""


@dataclass(frozen=True)
class Schedule:
    """A rate that rises linearly over the warm-up, and then falls from `first` to `last`, by a constant factor.

    Attributes
    ----------
    first, last
        Rates after the warm-up and at the end; the last one is the first where nothing is said.
    warm_up
        Share of the training.

    Examples
    --------
    >>> rate = Schedule(0.1, 0.001)
    >>> [round(rate(x), 6) for x in (0.0, 0.5, 1.0)]
    [0.1, 0.01, 0.001]
    """

    first: float
    last: float | None = None
    warm_up: float = 0.0

    def __post_init__(self) -> None:
        for rate in (self.first, self.last):
            if rate is not None and not 0 < rate <= LARGEST:
                expected = f"a learning rate above 0 and up to {LARGEST:g}"
                raise InputError(expected, f"{rate}", "pass learning_rate=0.01")
        if not 0 <= self.warm_up < 1:
            raise InputError(
                "a share of the training from 0 to below 1", f"{self.warm_up}", "pass warm_up=0.1"
            )

    def __call__(self, progress: float) -> float:
        """The rate at a share of the training that is done, from 0 to 1."""
        if progress < self.warm_up:
            return self.first * progress / self.warm_up
        if self.last is None:
            return self.first
        past = (progress - self.warm_up) / (1 - self.warm_up)
        return float(self.first * (self.last / self.first) ** min(past, 1.0))

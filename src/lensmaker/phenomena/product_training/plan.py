"""Which networks learn what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lensmaker.core import InputError
from lensmaker.numerics.smooth_functions import smooth_function

MOST_PARAMETERS = 1 << 27
"""Of all networks that learn at once."""


class Target(Enum):
    """What is learned of n inputs; each has variance 1."""

    PRODUCT = "product"
    SUM = "sum"


@dataclass(frozen=True)
class Plan:
    """The map over depth and width.

    Attributes
    ----------
    factors
        n; inputs are uniform in [−1, 1].
    depths, widths
        Hidden layers, and units of each of them.
    seeds
        Networks of each shape.
    steps, batch, rate
        Of Adam, each step with new inputs; the rate falls to 0 along a cosine.
    activation
        σ.
    held_out
        Inputs that errors are measured on.

    Raises
    ------
    InputError
        If a number is too small, or the networks are too large.
    """

    factors: int = 6
    depths: tuple[int, ...] = (1, 2, 3)
    widths: tuple[int, ...] = (4, 8, 16, 32, 64)
    seeds: int = 5
    steps: int = 10_000
    batch: int = 256
    rate: float = 0.01
    activation: str = "tanh"
    held_out: int = 20_000

    def __post_init__(self) -> None:
        smooth_function(self.activation)
        if self.factors < 2 or self.seeds < 2 or min(*self.depths, *self.widths, self.steps, self.batch) < 1:
            got = f"n = {self.factors}, {self.seeds} seeds"
            raise InputError("two factors, two seeds, and layers of units", got, "leave them as they are")
        width = max(self.widths)
        parameters = len(self.widths) * self.seeds * width * (self.factors + max(self.depths) * width)
        if parameters > MOST_PARAMETERS:
            got = f"{parameters}"
            raise InputError(f"at most {MOST_PARAMETERS} parameters at once", got, "take narrower layers")

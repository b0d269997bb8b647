"""What is classified, where trainings start, and the numbers of the run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lensmaker.core import InputError


class Task(Enum):
    """What is classified."""

    ISING = "Ising, T = 2 and 3"
    GAUSSIANS = "three Gaussians"
    PHI4 = "φ⁴, g = 1/4 and 1/2"
    LARGE_ISING = "Ising 16 × 16, T = 2.2 and 2.4"


LEARNED = (Task.ISING, Task.GAUSSIANS, Task.PHI4)
"""Tasks that networks are trained for."""


class Start(Enum):
    """Weights that a training begins with; all starts have one architecture."""

    COMPILED = "compiled"
    WRONG = "couplings off"
    READ_OUT = "couplings off, output layer learns"
    PERMUTED = "compiled, permuted"
    RANDOM = "random"


@dataclass(frozen=True)
class Plan:
    """The numbers of the run.

    Attributes
    ----------
    sizes
        Examples of the training sets; a quarter of each tells when to stop, and which rate.
    off
        By what share couplings are off in `Start.WRONG` and `Start.READ_OUT`.
    accuracy
        Of the logits of compiled networks that are trained.
    rates, updates, batch
        Of Adam; the rate is the one that is best on the quarter that tells.
    seeds
        Runs: each has data and a start of its own.
    held_out
        Examples of each run that risks are measured on.
    sets, drawn
        Sets of examples among which the largest error is looked for, and on which accuracies are counted.
    large
        Whether a magnet of 16 × 16 is classified too.
    """

    sizes: tuple[int, ...] = (32, 128, 512, 2048, 8192)
    off: float = 0.2
    accuracy: float = 1e-2
    rates: tuple[float, ...] = (1e-5, 1e-4, 1e-3, 1e-2)
    updates: int = 1000
    batch: int = 128
    seeds: int = 6
    held_out: int = 4000
    sets: int = 20
    drawn: int = 10_000
    large: bool = True

    def __post_init__(self) -> None:
        if not self.sizes or min(self.sizes) < 8 or list(self.sizes) != sorted(set(self.sizes)):
            raise InputError("sizes that rise, from 8 on", f"{self.sizes}", "pass sizes=(32, 128, 512)")
        counts = self.updates, self.batch, self.held_out, self.drawn
        if min(self.seeds, self.sets) < 2 or not self.rates or min(counts) < 1:
            got = f"{self.seeds} seeds, {self.sets} sets and {len(self.rates)} rates"
            raise InputError("two seeds, two sets, a rate and an update", got, "leave them as they are")
        if not 0 < self.off < 1:
            raise InputError("couplings off by a share from 0 to 1", f"{self.off}", "pass off=0.2")

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All of them."""
        return (*LEARNED, Task.LARGE_ISING) if self.large else LEARNED

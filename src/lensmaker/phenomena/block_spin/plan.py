"""What the reproduction trains: data sets, machines, and the variants that are its controls."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from lensmaker.core import InputError


class Variant(Enum):
    """What is trained, and what each control takes away."""

    ISING = "Ising"
    NO_PENALTY = "L1 off"
    SHUFFLED = "shuffled sites"
    NO_COUPLING = "K = 0"
    UNTRAINED = "random weights"


LEAST = {"side": 2, "samples": 1, "held_out": 2, "epochs": 1, "batch": 1, "window": 1, "block": 2}
"""Of numbers that are whole; an error over configurations held out takes two of them."""

CONTROLS = tuple(v for v in Variant if v is not Variant.ISING)


@dataclass(frozen=True)
class Plan:
    """The numbers of P. Mehta and D. J. Schwab, arXiv:1410.3831, as far as they are told there.

    Attributes
    ----------
    side
        Of the square torus.
    coupling
        K = J/T of the samples.
    samples, held_out
        Configurations to learn from, and others that reconstructions are judged by.
    layers
        Sizes of the hidden layers, the lowest first.
    epochs, batch, learning_rate, momentum, penalty
        Of each machine, by CD-1; the penalty is of |W|.
    seeds
        Trainings of the Ising model; of each control there is one.
    window
        Side of the window around the peak of a receptive field.
    block
        Side of the blocks of the majority rule that is compared with the top layer.

    Raises
    ------
    InputError
        If a number is out of its range, the lattice does not tile into blocks, or it is smaller than the window.
    """

    side: int = 40
    coupling: float = 0.408
    samples: int = 40_000
    held_out: int = 2_000
    layers: tuple[int, ...] = (400, 100, 25)
    epochs: int = 200
    batch: int = 100
    learning_rate: float = 0.1
    momentum: float = 0.5
    penalty: float = 2e-4
    seeds: int = 5
    window: int = 9
    block: int = 8

    def __post_init__(self) -> None:
        if not self.layers or self.seeds < 1:
            got = f"{len(self.layers)} layers and {self.seeds} seeds"
            raise InputError("a hidden layer and a seed at least", got, "leave them as they are")
        sizes = {name: getattr(self, name) for name in LEAST} | {
            f"layer {k + 1}": n for k, n in enumerate(self.layers)
        }
        for name, value in sizes.items():
            least = LEAST.get(name, 1)
            if value < least:
                raise InputError(
                    f"{name}: a whole number from {least} on", f"{value}", f"pass {least} or more"
                )
        if not 0 < self.coupling < math.inf:
            raise InputError("a coupling above 0", f"{self.coupling}", "pass coupling=0.408")
        if self.side % self.block or self.side < 2 * self.block:
            expected = f"a side that is two or more blocks of {self.block}"
            raise InputError(expected, f"{self.side}", "choose another side or block")
        if not self.window % 2 or self.window > self.side:
            raise InputError(f"an odd window of at most {self.side} sites", f"{self.window}", "pass window=9")

    @property
    def trainings(self) -> list[tuple[Variant, int]]:
        """All of them, with their seeds."""
        return [(Variant.ISING, seed) for seed in range(self.seeds)] + [(v, 0) for v in CONTROLS]

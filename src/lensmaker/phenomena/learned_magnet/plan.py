"""What is trained: restricted machines of several widths, deep ones of two layers, and controls."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from lensmaker.core import InputError

CRITICAL = 2 / math.log(1 + math.sqrt(2))
"""T_c of the square lattice, in units of J."""


class Kind(Enum):
    """What learns; deep machines have two hidden layers of the same size."""

    RESTRICTED = "restricted"
    DEEP_BOLTZMANN = "deep Boltzmann"
    DEEP_BELIEF = "deep belief"


DEEP = (Kind.DEEP_BOLTZMANN, Kind.DEEP_BELIEF)


@dataclass(frozen=True)
class Case:
    """One training.

    Attributes
    ----------
    kind, hidden
        Of the machine; `hidden` units in each hidden layer.
    temperature
        Of the samples.
    longer
        Times the epochs of the plan.
    seed
        Of the start and of all that is random in the training.
    """

    kind: Kind
    hidden: int
    temperature: float
    longer: int
    seed: int

    @property
    def name(self) -> str:
        """Of its file, and in sentences."""
        longer = "" if self.longer == 1 else f", {self.longer} × the epochs"
        return f"{self.kind.value} {self.hidden}, T = {self.temperature:.4g}{longer}, seed {self.seed}"


@dataclass(frozen=True)
class Plan:
    """The numbers of the run.

    Attributes
    ----------
    side
        Of the square torus.
    samples
        Independent configurations at each temperature.
    hidden
        Widths of restricted machines, each twice the one before.
    deep
        Widths of both layers of deep machines; each is one of `hidden`, and so is twice it.
    beside
        Temperatures below and above T_c at which machines of width `probe` learn too.
    probe, probe_deep
        Widths, restricted and deep Boltzmann, that learn for twice as long at T_c.
    epochs, batch, chains, steps
        Of each training, by persistent chains of so many sweeps an update.
    seeds
        Trainings of each case.
    measured_chains, burn_in, thin, looks
        Of the machine when it is measured: sweeps left out, sweeps between looks, and looks.

    Raises
    ------
    InputError
        If widths do not double, or a deep one has no restricted machine beside it.
    """

    side: int = 8
    samples: int = 50_000
    hidden: tuple[int, ...] = (8, 16, 32, 64, 128)
    deep: tuple[int, ...] = (8, 16, 32)
    beside: tuple[float, ...] = (1.8, 3.0)
    probe: int = 32
    probe_deep: int = 16
    epochs: int = 12
    batch: int = 200
    chains: int = 1000
    steps: int = 2
    seeds: int = 5
    measured_chains: int = 200
    burn_in: int = 1000
    thin: int = 10
    looks: int = 300

    def __post_init__(self) -> None:
        if any(b != 2 * a for a, b in pairwise(self.hidden)) or not self.hidden:
            raise InputError("widths that double", f"{self.hidden}", "pass hidden=(8, 16, 32)")
        if not all({n, 2 * n} <= set(self.hidden) for n in self.deep) or self.probe_deep not in self.deep:
            fix = "leave deep widths out, or add to hidden"
            raise InputError(f"widths n with n and 2 n among {self.hidden}", f"{self.deep}", fix)
        if self.probe not in self.hidden or self.seeds < 1:
            got = f"{self.probe} and {self.seeds}"
            raise InputError(f"a probe among {self.hidden} and a seed or more", got, "leave them as they are")

    @property
    def kinds(self) -> list[tuple[Kind, int, float, int]]:
        """Each case without its seed: kind, hidden, temperature, longer."""
        found = [(Kind.RESTRICTED, n, CRITICAL, 1) for n in self.hidden]
        found += [(kind, n, CRITICAL, 1) for kind in DEEP for n in self.deep]
        found += [(Kind.RESTRICTED, self.probe, T, 1) for T in self.beside]
        found += [
            (Kind.RESTRICTED, self.probe, CRITICAL, 2),
            (Kind.DEEP_BOLTZMANN, self.probe_deep, CRITICAL, 2),
        ]
        return found

    @property
    def cases(self) -> list[Case]:
        """All trainings."""
        return [Case(*kind, seed) for seed in range(self.seeds) for kind in self.kinds]

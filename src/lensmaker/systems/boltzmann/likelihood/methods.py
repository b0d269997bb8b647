"""Ways to ln Z, as objects that can be exchanged."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from lensmaker.core import Convergence
from lensmaker.core.progress import Progress
from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann.exact import MOST_BITS, Exact
from lensmaker.systems.boltzmann.likelihood.estimate import AnnealedLogPartition, log_partition
from lensmaker.systems.boltzmann.likelihood.integration import IntegratedLogPartition, integrated
from lensmaker.systems.boltzmann.likelihood.path import path_to
from lensmaker.systems.boltzmann.likelihood.result import LogPartition
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine


@dataclass(frozen=True)
class Method(ABC):
    """Base of the ways to ln Z.

    Attributes
    ----------
    name
        Under which the command line knows it.
    bias
        One sentence on what it is off by.
    """

    name: ClassVar[str]
    bias: ClassVar[str]

    @abstractmethod
    def log_partition(
        self,
        machine: RestrictedBoltzmannMachine,
        *,
        seed: int,
        data: Tensor | None = None,
        progress: Progress | None = None,
    ) -> LogPartition:
        """Ln Z of a machine; `data` are rows where half of its chains start."""


@dataclass(frozen=True)
class Summation(Method):
    """The sum over all configurations of the smaller layer.

    Raises
    ------
    InputError
        If both layers have more than 2²⁴ configurations.

    Examples
    --------
    >>> found = Summation().log_partition(RestrictedBoltzmannMachine(3, 2), seed=0)
    >>> round(found.value / math.log(2), 6), found.error
    (5.0, 0.0)
    """

    name = "exact"
    bias = "None."

    def log_partition(
        self,
        machine: RestrictedBoltzmannMachine,
        *,
        seed: int,
        data: Tensor | None = None,
        progress: Progress | None = None,
    ) -> LogPartition:
        value = Exact(machine).log_partition
        if not math.isfinite(value):
            return LogPartition(math.nan, math.inf, 1, Convergence.NOT_FINITE)
        return LogPartition(value, 0.0, 1, Convergence.CONVERGED)


@dataclass(frozen=True)
class Annealing(Method):
    """Annealed importance sampling up and down, and Bennett's ratio of both.

    Attributes
    ----------
    runs, steps
        Of each direction.
    """

    runs: int = 256
    steps: int = 1000

    name = "annealing"
    bias = (
        "Up alone ln Ẑ is too small in expectation, down alone too large if it starts from samples of the machine; "
        "Bennett's ratio of both is off by the order of 1/runs, and by the modes that neither direction meets."
    )

    def log_partition(
        self,
        machine: RestrictedBoltzmannMachine,
        *,
        seed: int,
        data: Tensor | None = None,
        progress: Progress | None = None,
    ) -> AnnealedLogPartition:
        return log_partition(
            machine, seed=seed, runs=self.runs, steps=self.steps, data=data, progress=progress
        )


@dataclass(frozen=True)
class Integration(Method):
    """Thermodynamic integration over chains that exchange.

    Attributes
    ----------
    levels
        Of β, one more than a multiple of 4.
    columns
        Chains at each level.
    sweeps
        Of each chain.

    Examples
    --------
    >>> found = Integration(levels=5, columns=4, sweeps=8).log_partition(RestrictedBoltzmannMachine(3, 2), seed=0)
    >>> round(found.value / math.log(2), 9)  # nothing couples: exact
    5.0
    """

    levels: int = 33
    columns: int = 16
    sweeps: int = 1000

    name = "integration"
    bias = (
        "Off by Simpson's rule between the levels, by what the chains remember of their start, and by the modes that "
        "no chain meets."
    )

    def log_partition(
        self,
        machine: RestrictedBoltzmannMachine,
        *,
        seed: int,
        data: Tensor | None = None,
        progress: Progress | None = None,
    ) -> IntegratedLogPartition:
        path = path_to(machine, seed=seed)
        generator = stream("integration", seed, path.base.device)
        return integrated(
            path,
            levels=self.levels,
            columns=self.columns,
            sweeps=self.sweeps,
            generator=generator,
            start=path.rows if data is None else data,
            progress=progress,
        )


METHODS: tuple[type[Method], ...] = (Summation, Annealing, Integration)
"""Every way there is."""


def fitting(machine: RestrictedBoltzmannMachine) -> Method:
    """The sum where a layer has no more than 2²⁴ configurations, else annealing.

    Examples
    --------
    >>> fitting(RestrictedBoltzmannMachine(784, 20)).name, fitting(RestrictedBoltzmannMachine(784, 500)).name
    ('exact', 'annealing')
    """
    bits = min(machine.visible.log_states, machine.hidden.log_states) / math.log(2)
    return Summation() if bits <= MOST_BITS + 1e-6 else Annealing()

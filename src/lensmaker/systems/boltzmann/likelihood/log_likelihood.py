"""The mean log-likelihood of rows, with what it is uncertain by: ln Z, and the rows."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import torch

from lensmaker.core import Convergence
from lensmaker.core.progress import Progress
from lensmaker.systems.boltzmann.likelihood.methods import Method, fitting
from lensmaker.systems.boltzmann.likelihood.result import LogPartition
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.training.rows import Rows, rows_of

BLOCK = 1 << 22
"""Numbers of rows, and of their hidden fields, that are in memory at a time."""


@dataclass(frozen=True)
class LogLikelihood:
    """⟨ln P(v)⟩ over rows, in nats a row: −⟨F⟩ − ln Z.

    Attributes
    ----------
    value
        The mean.
    log_partition
        ln Z with its error, which is that of the value for these rows.
    row_error
        Standard error of ⟨F⟩ over the rows: how far other rows of the same kind would move the value; nan for one row.
    spread
        Standard deviation of F over the rows; nan for one row.
    rows
        How many.
    """

    value: float
    log_partition: LogPartition
    row_error: float
    spread: float
    rows: int

    @property
    def error(self) -> float:
        """Of the value for these rows: that of ln Z."""
        return self.log_partition.error

    @property
    def total_error(self) -> float:
        """Of the value for all rows of this kind: that of ln Z and that of the rows."""
        return math.hypot(self.error, self.row_error)

    @property
    def convergence(self) -> Convergence:
        """Whether ln Z can be trusted."""
        return self.log_partition.convergence

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Ends between which the value for these rows is at this rate."""
        low, high = self.log_partition.interval(level)
        return self.value + self.log_partition.value - high, self.value + self.log_partition.value - low

    def __str__(self) -> str:
        low, high = self.interval()
        said = f" ({self.convergence.value})" if self.convergence.value else ""
        return (
            f"{self.value:.3f} nats a row, ± {self.error:.3f} by ln Z (95 %: {low:.3f} … {high:.3f}), "
            f"± {self.row_error:.3f} by the {self.rows} rows{said}"
        )


def log_likelihood(
    machine: RestrictedBoltzmannMachine,
    rows: Any,
    *,
    seed: int,
    method: Method | None = None,
    progress: Progress | None = None,
) -> LogLikelihood:
    """⟨ln P(v)⟩ over rows, read a block at a time.

    Parameters
    ----------
    rows
        (n, visible): a tensor, an array, a memory map, a zarr array, or samples of spins.
    method
        The way to ln Z; the sum where a layer is small, and annealing elsewhere, where nothing is said.
    progress
        Called after each step to ln Z.

    Raises
    ------
    InputError
        If the rows do not fit the visible units.

    Examples
    --------
    >>> found = log_likelihood(RestrictedBoltzmannMachine(3, 2), torch.zeros(4, 3), seed=0)
    >>> round(found.value / math.log(2), 6), found.error, found.row_error
    (-3.0, 0.0, 0.0)
    """
    table = rows_of(rows)
    count, mean, spread = _free_energies(machine, table)
    found = (method or fitting(machine)).log_partition(machine, seed=seed, progress=progress)
    return LogLikelihood(-mean - found.value, found, spread / math.sqrt(count), spread, count)


@torch.no_grad()
def _free_energies(machine: RestrictedBoltzmannMachine, table: Rows) -> tuple[int, float, float]:
    """Number, mean and standard deviation of F over the rows, in double precision."""
    bias, count, mean, squares = machine.visible_bias, 0, 0.0, 0.0
    wide = copy.deepcopy(machine).double()
    step = max(1, BLOCK // (machine.visible.size + machine.hidden.size))
    for start in range(0, len(table), step):
        block = table.read(start, min(start + step, len(table)), bias.dtype)
        machine.visible.check(block, start)
        F = wide.free_energy(block.to(bias.device).double())
        there = float(F.mean())
        total, gap = count + len(F), there - mean
        squares += float((F - there).square().sum()) + gap * gap * count * len(F) / total
        mean, count = mean + gap * len(F) / total, total
    return count, mean, math.sqrt(squares / (count - 1)) if count > 1 else math.nan

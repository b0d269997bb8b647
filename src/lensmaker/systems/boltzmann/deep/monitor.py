"""What is looked at while a deep machine learns."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann.deep.machine import DeepBoltzmannMachine
from lensmaker.systems.boltzmann.deep.mean_field import Relaxation, mean_field, unnormalised_bound
from lensmaker.systems.boltzmann.training.monitor import LOST, WORSE
from lensmaker.systems.boltzmann.training.watch import Watch


@dataclass(frozen=True)
class DeepReading:
    """One line of the monitor.

    Attributes
    ----------
    epoch, updates
        When.
    reconstruction
        Mean squared difference of data and their means in the mean field that they cause.
    pseudo_likelihood
        N ln σ(ℒ(v) − ℒ(v′)) a row, v′ with one unit drawn at random turned over: that of a restricted machine, with
        bounds in the place of free energies, so no bound itself; nan where units are no pairs of states.
    held_out_pseudo_likelihood
        That of rows that are not learned from; nan without such rows.
    bound_gap
        Mean ℒ of rows that are learned from less that of rows that are not, in nats; nan without such rows.
    iterations, change
        Of the mean fields: how many, and the largest change of a mean at the last one.
    largest_weight
        Of |W|.
    """

    epoch: int
    updates: int
    reconstruction: float
    pseudo_likelihood: float
    held_out_pseudo_likelihood: float
    bound_gap: float
    iterations: int
    change: float
    largest_weight: float

    def to_dict(self) -> dict[str, float]:
        """Name → number."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True, eq=False)
class DeepMonitor(Watch):
    """Looks at a deep machine, from rows that it learns from, and from rows that it does not where there are some."""

    machine: DeepBoltzmannMachine
    rows: Tensor
    held_out: Tensor | None
    relaxation: Relaxation
    seed: int

    judged_by = "pseudo-likelihood"

    @torch.no_grad()
    def read(self, epoch: int, updates: int) -> DeepReading:
        machine, rows = self.machine, self.rows
        generator = stream("deep boltzmann monitor", self.seed, rows.device)
        found = mean_field(machine, rows, self.relaxation)
        again = machine.visible.mean_(machine.field(0, [rows, *found.means]))
        mine, gap, other = self._bounds(rows), math.nan, math.nan
        if self.held_out is not None:
            theirs = self._bounds(self.held_out)
            other = self._pseudo_likelihood(self.held_out, theirs, generator)
            gap = float(mine.mean() - theirs.mean())
        return DeepReading(
            epoch,
            updates,
            float((again - rows).square().mean()),
            self._pseudo_likelihood(rows, mine, generator),
            other,
            gap,
            found.iterations,
            found.change,
            max(float(w.parameter.abs().max()) for w in machine.weights),
        )

    @torch.no_grad()
    def _bounds(self, rows: Tensor) -> Tensor:
        return unnormalised_bound(self.machine, rows, mean_field(self.machine, rows, self.relaxation))

    def _pseudo_likelihood(self, rows: Tensor, bounds: Tensor, generator: torch.Generator) -> float:
        states = self.machine.visible.states
        if len(states) != 2:
            return math.nan
        unit = torch.randint(rows.shape[1], (len(rows), 1), generator=generator, device=rows.device)
        other = rows.scatter(1, unit, sum(states) - rows.gather(1, unit))
        gain = bounds - self._bounds(other)
        return float(rows.shape[1] * torch.nn.functional.logsigmoid(gain).mean())

    def again(self, row: dict[str, Any]) -> DeepReading:
        numbers: dict[str, Any] = {n: math.nan if v is None else v for n, v in row.items()}
        return DeepReading(**numbers)

    @property
    def judges(self) -> bool:
        return len(self.machine.visible.states) == 2

    def is_lost(self, reading: DeepReading, first: DeepReading) -> bool:
        if math.isnan(first.pseudo_likelihood):
            return reading.reconstruction > WORSE * first.reconstruction
        return reading.pseudo_likelihood < min(
            first.pseudo_likelihood, -LOST * self.machine.visible.log_states
        )

    def score(self, reading: DeepReading) -> float:
        return reading.pseudo_likelihood if self.held_out is None else reading.held_out_pseudo_likelihood

"""Fine-tuning of a deep belief network as a whole."""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import torch
from torch import Tensor

from lensmaker.core.progress import Progress
from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann.deep.belief import DeepBeliefNetwork
from lensmaker.systems.boltzmann.deep.belief_learner import BeliefLearner
from lensmaker.systems.boltzmann.deep.belief_likelihood import variational_bound
from lensmaker.systems.boltzmann.deep.tuning import Tuning, UpDown
from lensmaker.systems.boltzmann.exact import Exact
from lensmaker.systems.boltzmann.likelihood import LogPartition, log_partition
from lensmaker.systems.boltzmann.training.monitor import LOST
from lensmaker.systems.boltzmann.training.plan import Plan
from lensmaker.systems.boltzmann.training.rows import rows_of
from lensmaker.systems.boltzmann.training.run import History, Run, looked_at
from lensmaker.systems.boltzmann.training.shares import shares
from lensmaker.systems.boltzmann.training.watch import Watch

SUMMED = 16 * math.log(2)
"""Ln of the most configurations of the top machine that a monitor sums over."""


@dataclass(frozen=True)
class FineTuning(Plan):
    """How a deep belief network is fine-tuned.

    Attributes
    ----------
    tuning
        Where its dreams begin; the network is judged by its variational bound.
    """

    tuning: Tuning = field(default_factory=UpDown)

    def told(self) -> dict[str, Any]:
        return super().told() | {"tuning": [self.tuning.name, asdict(self.tuning)]}


@dataclass(frozen=True)
class BeliefReading:
    """One line of the monitor.

    Attributes
    ----------
    epoch, updates
        When.
    reconstruction
        Mean squared difference of data and their means after the way up and down.
    bound, bound_error
        The variational bound of ln P(v) a row, with the error of its samples and of ln Z.
    held_out_bound, held_out_bound_error
        Those of rows that are not learned from; nan without such rows.
    largest_weight
        Of |W| and |R|.
    """

    epoch: int
    updates: int
    reconstruction: float
    bound: float
    bound_error: float
    held_out_bound: float
    held_out_bound_error: float
    largest_weight: float

    def to_dict(self) -> dict[str, float]:
        """Name → number."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True, eq=False)
class BeliefMonitor(Watch):
    """Looks at a network; ln Z of its top machine is summed where that is quick, or annealed in a hundred steps."""

    network: DeepBeliefNetwork
    rows: Tensor
    held_out: Tensor | None
    seed: int

    judged_by = "variational bound"

    @torch.no_grad()
    def read(self, epoch: int, updates: int) -> BeliefReading:
        network, generator = self.network, stream("belief monitor", self.seed, self.rows.device)
        states = network.up(self.rows, generator)
        again = self.rows
        if network.lower:
            again = network.visible.mean_(network.generative_field(0, network.down(states[-1], generator)[1]))
        log_z = self._log_partition(states[-1])
        mine = variational_bound(network, self.rows, log_z, seed=self.seed)
        other = (math.nan, math.nan)
        if self.held_out is not None:
            theirs = variational_bound(network, self.held_out, log_z, seed=self.seed)
            other = theirs.value, theirs.error
        weights = [p for name, p in network.named_parameters() if name.endswith("parameter")]
        return BeliefReading(
            epoch,
            updates,
            float((again - self.rows).square().mean()),
            mine.value,
            mine.error,
            *other,
            max(float(p.abs().max()) for p in weights),
        )

    def _log_partition(self, rows: Tensor) -> LogPartition | float:
        top = self.network.top
        if min(top.visible.log_states, top.hidden.log_states) <= SUMMED:
            return Exact(top).log_partition
        return log_partition(top, seed=self.seed, runs=16, steps=100, data=rows)

    def again(self, row: dict[str, Any]) -> BeliefReading:
        numbers: dict[str, Any] = {n: math.nan if v is None else v for n, v in row.items()}
        return BeliefReading(**numbers)

    def is_lost(self, reading: BeliefReading, first: BeliefReading) -> bool:
        return reading.bound < min(first.bound, -LOST * self.network.visible.log_states)

    def score(self, reading: BeliefReading) -> float:
        return reading.bound if self.held_out is None else reading.held_out_bound


def fine_tune(
    network: DeepBeliefNetwork,
    data: Any,
    training: FineTuning | None = None,
    *,
    held_out: Any = None,
    path: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> History:
    """Train all layers of a network together, in place; its way up gets weights of its own.

    Arguments and files are those of `training.fit`.

    Raises
    ------
    InputError
        If data do not fit the visible units, the rule asks for centering, or the file is of another training.

    Examples
    --------
    >>> network = DeepBeliefNetwork.of_layers(2, 3, 2)
    >>> history = fine_tune(network, [[0.0, 1.0], [1.0, 0.0]], FineTuning(epochs=3))
    >>> history.reason, network.is_tied
    ('all epochs are done', False)
    """
    training, rows = training or FineTuning(), rows_of(data)
    seen, unseen = looked_at(network, rows, held_out)
    generator = stream("belief training", training.seed, seen.device)
    batch = min(training.batch, len(rows))
    learner = BeliefLearner(network, training.tuning, training.rule, generator, batch, shares(batch))
    monitor = BeliefMonitor(network, seen, unseen, training.seed)
    return Run(learner, rows, training, monitor, path, progress).go()

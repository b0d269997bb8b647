"""Learning of a deep machine from data."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from typing import Any

from lensmaker.core.progress import Progress
from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann.deep.learner import DeepLearner
from lensmaker.systems.boltzmann.deep.machine import DeepBoltzmannMachine
from lensmaker.systems.boltzmann.deep.mean_field import Relaxation
from lensmaker.systems.boltzmann.deep.monitor import DeepMonitor
from lensmaker.systems.boltzmann.deep.phases import DeepPhase, PersistentChains
from lensmaker.systems.boltzmann.training.plan import Plan
from lensmaker.systems.boltzmann.training.rows import rows_of
from lensmaker.systems.boltzmann.training.run import History, Run, looked_at
from lensmaker.systems.boltzmann.training.shares import shares


@dataclass(frozen=True)
class DeepTraining(Plan):
    """How a deep machine is trained.

    Attributes
    ----------
    phase
        The estimator of the model's half of the gradient.
    relaxation
        Of the mean fields of the data; the default stops early, as mean fields need not be at rest to learn from them.
    """

    phase: DeepPhase = field(default_factory=PersistentChains)
    relaxation: Relaxation = field(default_factory=lambda: Relaxation(tolerance=1e-3, most=30))

    def told(self) -> dict[str, Any]:
        return super().told() | {"phase": [self.phase.name, asdict(self.phase)]}


def fit_deep(
    machine: DeepBoltzmannMachine,
    data: Any,
    training: DeepTraining | None = None,
    *,
    held_out: Any = None,
    path: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> History:
    """Train a deep machine in place; arguments and files are those of `training.fit`.

    Raises
    ------
    InputError
        If data do not fit the visible units, or the file is of another training.

    References
    ----------
    R. Salakhutdinov, G. Hinton, Proc. 12th Int. Conf. Artificial Intelligence and Statistics, 448 (2009).

    Examples
    --------
    >>> history = fit_deep(DeepBoltzmannMachine(2, 3, 2), [[0.0, 1.0], [1.0, 0.0]], DeepTraining(epochs=3))
    >>> history.reason, history.updates
    ('all epochs are done', 3)
    """
    training, rows = training or DeepTraining(), rows_of(data)
    seen, unseen = looked_at(machine, rows, held_out)
    generator = stream("deep boltzmann training", training.seed, seen.device)
    batch = min(training.batch, len(rows))
    learner = DeepLearner(
        machine, training.phase, training.rule, training.relaxation, generator, batch, shares(batch)
    )
    monitor = DeepMonitor(machine, seen, unseen, training.relaxation, training.seed)
    return Run(learner, rows, training, monitor, path, progress).go()

"""Learning from data: a machine, its learner and its monitor, and epochs of updates."""

from __future__ import annotations

import math
import os
from typing import Any

from lensmaker.core import InputError
from lensmaker.core.progress import Progress
from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.training.monitor import LikelihoodMonitor, Monitor
from lensmaker.systems.boltzmann.training.plan import Training
from lensmaker.systems.boltzmann.training.restricted import RestrictedLearner
from lensmaker.systems.boltzmann.training.rows import rows_of
from lensmaker.systems.boltzmann.training.run import History, Run, looked_at
from lensmaker.systems.boltzmann.training.shares import shares


def fit(
    machine: RestrictedBoltzmannMachine,
    data: Any,
    training: Training | None = None,
    *,
    held_out: Any = None,
    path: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> History:
    """Train a machine in place.

    Parameters
    ----------
    data
        Rows, (n, visible): a tensor, an array, a memory map, a zarr array, or samples of spins.
    held_out
        Rows that are only looked at.
    path
        A file that is written after each epoch, and when the training is interrupted; the same call goes on from it,
        and ends with the machine of an undisturbed training, bit for bit.
    progress
        Called after each epoch.

    Raises
    ------
    InputError
        If data do not fit the units, or the file is of another training.
    """
    training, rows = training or Training(), rows_of(data)
    seen, unseen = looked_at(machine, rows, held_out)
    batch = min(training.batch, len(rows))
    generator = stream("boltzmann training", training.seed, seen.device)
    if (
        training.patience
        and not training.looks.log_likelihood
        and not math.isfinite(machine.visible.log_states)
    ):
        got = f"{machine.visible}, which have no pseudo-likelihood"
        raise InputError("patience with a score to judge by", got, "pass looks=Looks(log_likelihood=5)")
    learner = RestrictedLearner(
        machine, training.phase, training.rule, generator, batch, training.operands, shares(batch)
    )
    kind = LikelihoodMonitor if training.looks.log_likelihood else Monitor
    monitor = kind(machine, seen, unseen, training.seed, training.looks, learner.samples)
    return Run(learner, rows, training, monitor, path, progress).go()

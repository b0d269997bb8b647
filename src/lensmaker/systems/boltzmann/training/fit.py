"""Learning from data: epochs of updates, watched, kept, and taken up again where they were."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.phases import ModelPhase, PersistentContrastiveDivergence
from lensmaker.systems.boltzmann.training import checkpoint
from lensmaker.systems.boltzmann.training.learner import Learner, Rule
from lensmaker.systems.boltzmann.training.monitor import Reading, read
from lensmaker.systems.boltzmann.training.rows import Rows, rows_of
from lensmaker.systems.boltzmann.training.schedule import Schedule

Progress = Callable[[str, int, int], None]
"""Called with what is done, how much of it, and of how much."""

LOOKED_AT = 1000
"""Rows that the monitor reads."""

CHECKED = 50
"""Updates between looks for numbers that are not finite."""


@dataclass(frozen=True)
class Training:
    """How a machine is trained.

    Attributes
    ----------
    epochs
        Passes over the data.
    batch
        Rows of an update.
    learning_rate
        A number, or a schedule.
    phase
        The estimator of the model's half of the gradient.
    rule
        Momentum, penalties, centering.
    seed
        Of the order of rows and all samples.
    patience
        Epochs without a better pseudo-likelihood, of rows held out where there are some, after which it stops; 0 for
        never.
    """

    epochs: int = 20
    batch: int = 128
    learning_rate: float | Schedule = 0.01
    phase: ModelPhase = field(default_factory=PersistentContrastiveDivergence)
    rule: Rule = field(default_factory=Rule)
    seed: int = 0
    patience: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} of 1 or more", f"{getattr(self, name)}", f"pass {name}=10")
        if self.patience < 0:
            raise InputError("a patience of 0 or more", f"{self.patience}", "pass patience=0 to never stop")
        _ = self.schedule

    @property
    def schedule(self) -> Schedule:
        """The rate as a schedule."""
        rate = self.learning_rate
        return rate if isinstance(rate, Schedule) else Schedule(float(rate))


@dataclass(frozen=True)
class History:
    """What the monitor read, and why the training ended."""

    readings: tuple[Reading, ...]
    reason: str
    updates: int

    @property
    def diverged(self) -> bool:
        """Whether numbers ran away, and the last good machine was put back."""
        return self.reason.startswith("diverged")

    def rows(self) -> list[dict[str, float]]:
        """One for each reading."""
        return [r.to_dict() for r in self.readings]


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
    return _Run(machine, rows_of(data), training or Training(), held_out, path, progress).go()


class _Run:
    def __init__(
        self,
        machine: RestrictedBoltzmannMachine,
        rows: Rows,
        training: Training,
        held_out: Any,
        path: str | os.PathLike[str] | None,
        progress: Progress | None,
    ) -> None:
        self.machine, self.rows, self.training, self.progress = machine, rows, training, progress
        self.path = None if path is None else Path(path)
        if self.path is not None and not self.path.absolute().parent.is_dir():
            raise InputError(
                "a path in a folder that exists", f"{path}", f"make {self.path.absolute().parent} first"
            )
        dtype = machine.weights.parameter.dtype
        self._check(dtype)
        self.seen = rows.read(0, min(len(rows), LOOKED_AT), dtype)
        self.unseen = None
        if held_out is not None:
            others = rows_of(held_out)
            self.unseen = others.read(0, min(len(others), LOOKED_AT), dtype)
            machine.visible.check(self.unseen)
        self.generator = stream("boltzmann training", training.seed)
        self.batch = min(training.batch, len(rows))
        self.readings: list[Reading] = []
        self.epoch = self.done = self.updates = 0
        self.total = training.epochs * rows.per_epoch(self.batch)

    def _check(self, dtype: torch.dtype) -> None:
        """All of the data, a block at a time."""
        for first in range(0, len(self.rows), self.rows.block):
            self.machine.visible.check(
                self.rows.read(first, min(first + self.rows.block, len(self.rows)), dtype)
            )

    def go(self) -> History:
        self.learner = Learner(
            self.machine, self.training.phase, self.training.rule, self.generator, self.batch
        )
        if self.path is not None and self.path.exists():
            self._take_up(self.path)
        self.good, reason = self._snapshot(), ""
        try:
            while self.epoch < self.training.epochs and not reason:
                if not self._epoch():
                    at = self.updates
                    self._go_back()
                    reason = (
                        f"diverged before update {at}: lower the learning rate; the last good machine is kept"
                    )
                    break
                self.epoch, self.done = self.epoch + 1, 0
                self._read()
                reason = self._patience()
                self.good = self._snapshot()
                self._keep()
        except KeyboardInterrupt:
            self._go_back()  # an update may have been cut in two
            self._keep()
            raise
        return History(tuple(self.readings), reason or "all epochs are done", self.updates)

    def _epoch(self) -> bool:
        """Updates to the end of an epoch; whether all numbers stayed finite."""
        schedule, learner = self.training.schedule, self.learner
        batches = self.rows.batches(
            self.batch, seed=self.training.seed, epoch=self.epoch, skip=self.done, like=self.seen
        )
        for v in batches:
            learner.update(v, schedule(self.updates / self.total))
            self.updates += 1
            self.done += 1
            if self.updates % CHECKED == 0:
                if not self._finite():
                    return False
                self.good = self._snapshot()
        return self._finite()

    def _finite(self) -> bool:
        return all(bool(torch.isfinite(p.sum())) for p in self.machine.parameters())

    def _read(self) -> None:
        looked = stream("boltzmann monitor", self.training.seed)
        self.readings.append(read(self.machine, self.seen, self.unseen, self.epoch, self.updates, looked))
        if self.progress is not None:
            last = self.readings[-1]
            told = f"epoch {self.epoch}: pseudo-likelihood {last.pseudo_likelihood:.4g}"
            self.progress(told, self.epoch, self.training.epochs)

    def _patience(self) -> str:
        values = [
            r.pseudo_likelihood if self.unseen is None else r.held_out_pseudo_likelihood
            for r in self.readings
        ]
        patience = self.training.patience
        if not patience or len(values) <= patience or math.isnan(values[-1]):
            return ""
        best = max(range(len(values)), key=values.__getitem__)
        if len(values) - 1 - best >= patience:
            return f"no better pseudo-likelihood since epoch {self.readings[best].epoch}"
        return ""

    # -- what is kept -------------------------------------------------------------------------------

    def _snapshot(self) -> tuple[dict[str, Tensor], tuple[int, int, int]]:
        """All that changes: a copy."""
        return self._state(), (self.epoch, self.done, self.updates)

    def _go_back(self) -> None:
        """To the last snapshot."""
        state, (self.epoch, self.done, self.updates) = self.good
        self._restore(state)

    def _state(self) -> dict[str, Tensor]:
        learner = self.learner
        found = {f"machine.{n}": p.detach() for n, p in self.machine.named_parameters()}
        found |= {f"change.{n}": t for n, t in zip(learner.change._fields, learner.change, strict=True)}
        found |= {f"chains.{n}": t for n, t in learner.chains.items()}
        found |= {f"offset.{k}": t for k, t in enumerate(learner.offsets)}
        return {n: t.clone() for n, t in found.items()} | {"generator": self.generator.get_state()}

    @torch.no_grad()
    def _restore(self, state: dict[str, Tensor]) -> None:
        learner = self.learner
        for name, parameter in self.machine.named_parameters():
            parameter.copy_(state[f"machine.{name}"])
        for name, part in zip(learner.change._fields, learner.change, strict=True):
            part.copy_(state[f"change.{name}"])
        for name in learner.chains:
            learner.chains[name].copy_(state[f"chains.{name}"])
        for k, offset in enumerate(learner.offsets):
            offset.copy_(state[f"offset.{k}"])
        self.generator.set_state(state["generator"])

    def _mark(self) -> str:
        """A number that two trainings share if they are the same."""
        first = self.rows.read(0, min(len(self.rows), 100), torch.float64)
        told = [self.machine.spec, _told(self.training), len(self.rows), self.rows.size, torch.__version__]
        found = hashlib.sha256(json.dumps(told, default=str, sort_keys=True).encode())
        found.update(first.numpy().tobytes())
        return found.hexdigest()[:32]

    def _keep(self) -> None:
        """Write the last snapshot."""
        if self.path is None:
            return
        state, (epoch, done, updates) = self.good
        facts = {
            "mark": self._mark(),
            "machine": self.machine.spec,
            "epoch": epoch,
            "done": done,
            "updates": updates,
            "readings": [r.to_dict() for r in self.readings],
        }
        checkpoint.write(self.path, state, facts)

    def _take_up(self, path: Path) -> None:
        state, facts = checkpoint.read(path)
        fix = "name another file, or remove it to start again"
        if facts.get("mark") != self._mark():
            raise InputError("the file of this training", f"{path} of another machine, data or option", fix)
        self._restore(state)
        self.epoch, self.done, self.updates = facts["epoch"], facts["done"], facts["updates"]
        self.readings = [Reading(**_numbers(r)) for r in facts["readings"]]


def _told(training: Training) -> dict[str, Any]:
    return asdict(training) | {"phase": [training.phase.name, asdict(training.phase)]}


def _numbers(row: dict[str, Any]) -> dict[str, Any]:
    return {n: math.nan if v is None else v for n, v in row.items()}

"""Epochs of updates, watched, kept, and taken up again where they were."""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.core.progress import Progress
from lensmaker.systems.boltzmann.training import checkpoint
from lensmaker.systems.boltzmann.training.learner import Learner
from lensmaker.systems.boltzmann.training.plan import Plan
from lensmaker.systems.boltzmann.training.rows import Rows, rows_of
from lensmaker.systems.boltzmann.training.watch import Watch

Snapshot = tuple[dict[str, Tensor], tuple[int, int, int]]
"""All that changes, and how many epochs, updates of the next one, and updates in all are done."""

LOOKED_AT = 1000
"""Rows that a monitor reads, in twenty stretches of the table."""

CHECKED = 50
"""Updates between looks for numbers that are not finite."""


@dataclass(frozen=True)
class History:
    """What the monitor read, and why the training ended."""

    readings: tuple[Any, ...]
    reason: str
    updates: int

    @property
    def diverged(self) -> bool:
        """Whether numbers ran away, and the last good machine was put back."""
        return self.reason.startswith("diverged")

    def rows(self) -> list[dict[str, float]]:
        """One for each reading."""
        return [r.to_dict() for r in self.readings]


def looked_at(machine: Any, rows: Rows, held_out: Any) -> tuple[Tensor, Tensor | None]:
    """The rows that a monitor reads: of the data, and of rows held out.

    Raises
    ------
    InputError
        If either does not fit the visible units.
    """
    like = next(machine.parameters())

    def some(table: Rows) -> Tensor:
        n, part = len(table), LOOKED_AT // 20
        blocks = []
        for k in range(0, n, max(part, n // 20)):  # data are often in order of class
            blocks.append(table.read(k, min(k + part, n), like.dtype))
            table.check(machine.visible, blocks[-1], k)
        return torch.cat(blocks).to(like.device)

    if held_out is not None:
        unseen = rows_of(held_out)
        for first, block in unseen.blocks(like.dtype):
            unseen.check(machine.visible, block, first)
    return some(rows), None if held_out is None else some(unseen)


class Run:
    """A training from the first update, or from a file, to its end.

    Parameters
    ----------
    learner, rows, training, monitor
        What learns, from what, how, and what looks at it.
    path, progress
        As in `fit`.
    """

    def __init__(
        self,
        learner: Learner,
        rows: Rows,
        training: Plan,
        monitor: Watch,
        path: str | os.PathLike[str] | None,
        progress: Progress | None,
    ) -> None:
        self.learner, self.rows, self.training, self.monitor = learner, rows, training, monitor
        self.machine: Any = learner.machine
        self.progress = progress
        self.path = None if path is None else checkpoint.target(path)
        self.like = next(self.machine.parameters()).detach()
        self.batch = min(training.batch, len(rows))
        self.readings: list[Any] = []
        self.epoch = self.done = self.updates = 0
        self.total = training.epochs * rows.per_epoch(self.batch)
        self.mark = self._checked()

    def _checked(self) -> str:
        """All of the data, a block at a time; a number that two trainings share if they are the same."""
        told = [self.machine.spec, self.training.told(), len(self.rows), self.rows.size, torch.__version__]
        found = hashlib.sha256(json.dumps(told, default=str, sort_keys=True).encode())
        if self.monitor.held_out is not None:
            found.update(self.monitor.held_out.cpu().numpy().tobytes())
        for first, block in self.rows.blocks(self.like.dtype):
            self.rows.check(self.machine.visible, block, first)
            found.update(block.cpu().numpy().tobytes())
            if self.progress is not None and self.learner.leads:
                self.progress("reading the data", first + len(block), len(self.rows))
        return found.hexdigest()[:32]

    def go(self) -> History:
        """Train, and say how it went."""
        if self.path is not None and self.path.exists():
            self._take_up(self.path)
        else:
            self.first = self.monitor.read(0, 0)
        if self.training.patience and not self.monitor.judges:
            got = f"{self.machine.visible}, of which the monitor knows none"
            raise InputError("patience with a score to judge by", got, "pass patience=0")
        self.good = self.sound = self._snapshot()
        reason = self._patience()
        try:
            while self.epoch < self.training.epochs and not reason:
                if reason := self._epoch() or self._reading():
                    break
                reason = self._patience()
                self._keep()
        except KeyboardInterrupt:
            self._go_back()  # an update may have been cut in two
            if self.done and self.monitor.is_lost(self.monitor.read(self.epoch, self.updates), self.first):
                self.good = self.sound
            self._keep()
            raise
        return History(tuple(self.readings), reason or "all epochs are done", self.updates)

    def _epoch(self) -> str:
        """Updates to the end of an epoch; why it is the last one, if numbers are not finite."""
        schedule = self.training.schedule
        batches = self.rows.batches(
            self.batch, seed=self.training.seed, epoch=self.epoch, skip=self.done, like=self.like
        )
        for v in batches:
            self.learner.update(v, schedule(self.updates / self.total))
            self.updates += 1
            self.done += 1
            if self.updates % CHECKED == 0:
                if not self._finite():
                    return self._diverged(f"before update {self.updates}")
                self.good = self._snapshot()
                self._tell()
        return "" if self._finite() else self._diverged(f"before update {self.updates}")

    def _reading(self) -> str:
        """Look at the machine; why it is the last time, if it ran away."""
        self.epoch, self.done = self.epoch + 1, 0
        reading = self.monitor.read(self.epoch, self.updates)
        if self.monitor.is_lost(reading, self.first):
            return self._diverged(f"in epoch {self.epoch}, where data are less likely than by tossing coins")
        self.readings.append(reading)
        self.good = self.sound = self._snapshot()
        self._tell()
        return ""

    def _diverged(self, when: str) -> str:
        """Go back to where the machine was last looked at."""
        self.good = self.sound
        self._go_back()
        self._keep()
        rule = self.training.rule
        what = "the learning rate or the penalty" if rule.l1 or rule.l2 else "the learning rate"
        return f"diverged {when}: lower {what}; the last good machine is kept"

    def _finite(self) -> bool:
        return all(bool(torch.isfinite(p.sum())) for p in self.machine.parameters())

    def _tell(self) -> None:
        if self.progress is not None and self.learner.leads:
            last = f": {self.monitor.told(self.readings[-1])}" if self.readings else ""
            epoch = min(self.epoch + 1, self.training.epochs)
            self.progress(f"epoch {epoch} of {self.training.epochs}{last}", self.updates, self.total)

    def _patience(self) -> str:
        scores = [(self.monitor.score(r), r.epoch) for r in self.readings]
        known = [(score, epoch) for score, epoch in scores if not math.isnan(score)]
        if not self.training.patience or not scores or self.done or math.isnan(scores[-1][0]):
            return ""
        _, best = max(known, key=lambda pair: pair[0])
        if self.epoch - best >= self.training.patience:
            return f"no better {self.monitor.judged_by} since epoch {best}"
        return ""

    # -- what is kept -------------------------------------------------------------------------------

    def _snapshot(self) -> Snapshot:
        return self.learner.state(), (self.epoch, self.done, self.updates)

    def _go_back(self) -> None:
        """To the last snapshot."""
        state, (self.epoch, self.done, self.updates) = self.good
        self.learner.restore(state)
        self.readings = self.readings[: self.epoch]

    def _keep(self) -> None:
        """Write the last snapshot."""
        if self.path is None or not self.learner.leads:
            return
        state, (epoch, done, updates) = self.good
        facts = {
            "mark": self.mark,
            "machine": self.machine.spec,
            "epoch": epoch,
            "done": done,
            "updates": updates,
            "first": self.first.to_dict(),
            "readings": [r.to_dict() for r in self.readings],
        }
        checkpoint.write(self.path, state, facts)

    def _take_up(self, path: Path) -> None:
        state, facts = checkpoint.read(path)
        fix = "name another file, or remove it to start again"
        if facts.get("mark") != self.mark:
            raise InputError("the file of this training", f"{path} of another machine, data or option", fix)
        self.learner.restore(state)
        self.epoch, self.done, self.updates = facts["epoch"], facts["done"], facts["updates"]
        self.first = self.monitor.again(facts["first"])
        self.readings = [self.monitor.again(row) for row in facts["readings"]]

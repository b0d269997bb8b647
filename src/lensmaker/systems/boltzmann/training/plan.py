"""How a machine is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from lensmaker.core import InputError
from lensmaker.systems.boltzmann.phases import ModelPhase, PersistentContrastiveDivergence
from lensmaker.systems.boltzmann.training.looks import Looks
from lensmaker.systems.boltzmann.training.rule import Rule
from lensmaker.systems.boltzmann.training.schedule import Schedule


@dataclass(frozen=True)
class Plan:
    """What every training is told: how long, how fast, and from which seed.

    Attributes
    ----------
    epochs
        Passes over the data.
    batch
        Rows of an update.
    learning_rate
        A number, or a schedule.
    rule
        Momentum, penalties, centering.
    seed
        Of the order of rows and all samples.
    patience
        Epochs without a better score of the monitor, of rows held out where there are some, after which it stops; 0 for
        never.
    """

    epochs: int = 20
    batch: int = 128
    learning_rate: float | Schedule = 0.01
    rule: Rule = field(default_factory=Rule)
    seed: int = 0
    patience: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch"):
            if not (isinstance(getattr(self, name), int) and getattr(self, name) >= 1):
                got = f"{getattr(self, name)}"
                raise InputError(f"{name} of 1 or more, a whole number", got, f"pass {name}=10")
        if not (isinstance(self.seed, int) and self.seed >= 0):
            raise InputError("a seed of 0 or more", f"{self.seed}", "pass seed=0")
        if self.patience < 0:
            raise InputError("a patience of 0 or more", f"{self.patience}", "pass patience=0 to never stop")
        _ = self.schedule

    @property
    def schedule(self) -> Schedule:
        """The rate as a schedule."""
        rate = self.learning_rate
        return rate if isinstance(rate, Schedule) else Schedule(float(rate))

    def told(self) -> dict[str, Any]:
        """All of it as plain facts."""
        return asdict(self)


@dataclass(frozen=True)
class Training(Plan):
    """How a restricted machine is trained.

    Attributes
    ----------
    phase
        The estimator of the model's half of the gradient.
    operands
        What factors of products are rounded to, if at all: see `Rounded`.
    looks
        How often the monitor estimates the mixing time, and the log-likelihood, which is then the judge in place of the
        pseudo-likelihood.
    """

    phase: ModelPhase = field(default_factory=PersistentContrastiveDivergence)
    operands: torch.dtype | None = None
    looks: Looks = field(default_factory=Looks)

    def told(self) -> dict[str, Any]:
        return super().told() | {"phase": [self.phase.name, asdict(self.phase)]}

"""The model's half of the gradient: what a machine believes, estimated in one way or another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from lensmaker.core import InputError, Reference
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine

State = dict[str, Tensor]
"""What an estimator keeps between updates: chains."""


class Gradient(NamedTuple):
    """Of a, b and W, in their shapes."""

    visible: Tensor
    hidden: Tensor
    weights: Tensor

    def add_rows_(
        self, machine: RestrictedBoltzmannMachine, v: Tensor, h: Tensor, scale: float, keep: float = 1.0
    ) -> None:
        """Keep so much of what is there, and add scale times the means over rows of v, h and their products."""
        share = scale / len(v)
        machine.weights.add_products_(self.weights, v, h, share, keep)
        for part, rows in ((self.visible, v), (self.hidden, h)):
            kept(part, keep).add_(rows.sum(0), alpha=share)


def kept(into: Tensor, keep: float) -> Tensor:
    """So much of what is there; nothing at all for 0, even of what is no number."""
    return into.mul_(keep) if keep else into.zero_()


class Buffers:
    """Tensors by name that are made once, and overwritten at each update."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, tuple[int, ...]], Tensor] = {}

    def __call__(self, name: str, like: Tensor, *shape: int) -> Tensor:
        """A tensor of this name and shape, whatever is in it."""
        key = (name, shape)
        if key not in self._known:
            self._known[key] = like.new_empty(shape)
        return self._known[key]


class Update(NamedTuple):
    """What an estimator finds at an update.

    Attributes
    ----------
    machine, state
        What is learning, and what the estimator keeps, which it moves.
    hidden
        A sample of the hidden layer given the data, (n, hidden), which may be overwritten.
    generator, buffers
        Of random numbers, and of tensors.
    """

    machine: RestrictedBoltzmannMachine
    state: State
    hidden: Tensor
    generator: torch.Generator
    buffers: Buffers


@dataclass(frozen=True)
class ModelPhase(ABC):
    """Base of all estimators: a subclass says what it keeps, and gives rows of both layers.

    Attributes
    ----------
    name
        Under which files and the command line know it.
    bias
        One sentence on what the estimate is off by.
    references
        The sources it rests on.
    """

    name: ClassVar[str]
    bias: ClassVar[str]
    references: ClassVar[tuple[Reference, ...]]

    def start(self, machine: RestrictedBoltzmannMachine, batch: int, generator: torch.Generator) -> State:
        """What it keeps, at the beginning."""
        return {}

    @abstractmethod
    def rows(self, at: Update) -> tuple[Tensor, Tensor]:
        """Samples of the visible layer and means of the hidden one."""

    def subtract_(self, gradient: Gradient, at: Update, scale: float) -> None:
        """Take scale times the model's moments from the gradient."""
        v, h = self.rows(at)
        gradient.add_rows_(at.machine, v, h, -scale)


def positive(count: int, what: str) -> None:
    """Raise if there is not one at least.

    Raises
    ------
    InputError
        If so.
    """
    if count < 1:
        raise InputError(f"one {what} or more", f"{count}", "pass 1")

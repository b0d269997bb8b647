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
"""What an estimator keeps between updates: chains, which are along the first dimension."""


class Gradient(NamedTuple):
    """Of a, b and W, in their shapes."""

    visible: Tensor
    hidden: Tensor
    weights: Tensor


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
        A sample of the hidden layer given the data, (n, hidden), which may be overwritten; nothing for estimators whose
        chains do not begin there.
    generator, buffers
        Of random numbers, and of tensors.
    """

    machine: RestrictedBoltzmannMachine
    state: State
    hidden: Tensor | None
    generator: torch.Generator
    buffers: Buffers


@dataclass(frozen=True)
class ModelPhase(ABC):
    """Base of all estimators: a subclass says what it keeps, and gives rows of the visible layer.

    Attributes
    ----------
    name
        Under which files and the command line know it.
    bias
        One sentence on what the estimate is off by.
    references
        The sources it rests on.
    from_data
        Whether chains begin at a sample of the hidden layer given the data.
    """

    name: ClassVar[str]
    bias: ClassVar[str]
    references: ClassVar[tuple[Reference, ...]]
    from_data: ClassVar[bool] = False

    def start(self, machine: RestrictedBoltzmannMachine, batch: int, generator: torch.Generator) -> State:
        """What it keeps, at the beginning."""
        return {}

    @abstractmethod
    def rows(self, state: State, batch: int) -> int:
        """How many rows it gives for a batch; 0 for one that needs none."""

    @abstractmethod
    def visible(self, at: Update, out: Tensor) -> None:
        """`out`, (rows, visible), becomes samples of the visible layer."""

    def settle(self, at: Update, fields: Tensor) -> None:
        """Fields of the hidden layer over these rows become its means; chains may take a sample."""
        at.machine.hidden.mean_(fields)

    def samples(
        self, machine: RestrictedBoltzmannMachine, state: State, generator: torch.Generator
    ) -> Tensor | None:
        """Visible layers of the chains that it keeps, (n, visible), as they are; nothing where it keeps none."""
        return None

    def moments(self, machine: RestrictedBoltzmannMachine) -> Gradient | None:
        """⟨v⟩, ⟨h⟩ and ∂ ln Z/∂W, where they are known without rows."""
        return None


def positive(count: int, what: str) -> None:
    """Raise if there is not one at least.

    Raises
    ------
    InputError
        If so.
    """
    if count < 1:
        raise InputError(f"one {what} or more", f"{count}", "pass 1")

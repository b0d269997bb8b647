"""The contract of what learns: an update from a batch, and all that the next one needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.boltzmann.phases import State
from lensmaker.systems.boltzmann.training.shares import Shares


class Learner(ABC):
    """A machine that changes with each batch, in place.

    Attributes
    ----------
    machine
        What learns.
    generator
        Of all random numbers, those of the rows of this process.
    shares
        The processes that learn together.
    chains
        What an estimator of the model's half keeps: the share of this process.
    """

    machine: Any
    generator: torch.Generator
    shares: Shares
    chains: State

    def share_out(self, shares: Shares, chains: State, generator: torch.Generator) -> None:
        """Keep the share of this process of all chains, and random numbers that begin as those of all."""
        self.shares, self.chains, self.generator = shares, shares.of(chains), shares.generator(generator)
        self._counts = {f"chains.{name}": len(t) for name, t in chains.items() if t.ndim}

    @property
    def all_chains(self) -> int:
        """How many chains all processes keep together."""
        return next(iter(self._counts.values()), 0)

    @abstractmethod
    def update(self, v: Tensor, rate: float) -> None:
        """Learn from a batch, (n, visible)."""

    @abstractmethod
    def kept(self) -> dict[str, Tensor]:
        """What it needs beside the machine's parameters, by name: the tensors themselves."""

    @property
    def leads(self) -> bool:
        """Whether it is this process that writes files and tells of progress."""
        return self.shares.rank == 0

    def whole(self, name: str, kept: Tensor) -> Tensor:
        """A tensor as it would be in one process, from the shares of all."""
        return self.shares.gathered(kept, self._counts[name]) if name in self._counts else kept

    def share(self, name: str, whole: Tensor) -> Tensor:
        """What this process needs of it."""
        return whole[self.shares.part(len(whole))] if name in self._counts else whole

    def state(self) -> dict[str, Tensor]:
        """A copy of all that changes, of all processes."""
        copies = {name: self.whole(name, t.detach().clone()) for name, t in self._all().items()}
        return copies | {"generator": self.generator.get_state()}

    @torch.no_grad()
    def restore(self, state: dict[str, Tensor]) -> None:
        """Be again as `state` said.

        Raises
        ------
        InputError
            If the random numbers are those of another device.
        """
        for name, tensor in self._all().items():
            tensor.copy_(self.share(name, state[name]))
        try:
            self.generator.set_state(state["generator"])
        except RuntimeError as error:
            got = f"the random numbers of another device than {self.generator.device}"
            fix = "go on where it began, or name another file"
            raise InputError("a training that was kept on this device", got, fix) from error

    def _all(self) -> dict[str, Tensor]:
        return {f"machine.{n}": p for n, p in self.machine.named_parameters()} | self.kept()

"""The model's half of the gradient of a deep machine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from lensmaker.core import Reference
from lensmaker.core.bibliography import ACKLEY_1985
from lensmaker.systems.boltzmann.deep.exact import ExactDeep
from lensmaker.systems.boltzmann.deep.machine import DeepBoltzmannMachine, Layers
from lensmaker.systems.boltzmann.phases.base import State, positive


class Moments(NamedTuple):
    """Of each b_k and W_k, in their shapes."""

    layers: list[Tensor]
    weights: list[Tensor]

    def add_rows_(self, machine: DeepBoltzmannMachine, states: Sequence[Tensor], scale: float) -> None:
        """Add scale times the sums over rows of all layers and of the products of neighbours."""
        for part, rows in zip(self.layers, states, strict=True):
            part.add_(rows.sum(0), alpha=scale)
        for k, (w, part) in enumerate(zip(machine.weights, self.weights, strict=True)):
            w.add_products_(part, states[k], states[k + 1], scale)


def no_moments(machine: DeepBoltzmannMachine) -> Moments:
    """Zeros of all shapes."""
    biases: Layers = [torch.zeros_like(b) for b in machine.biases]
    return Moments(biases, [torch.zeros_like(w.parameter) for w in machine.weights])


@dataclass(frozen=True)
class DeepPhase(ABC):
    """Base of the estimators: a subclass says what it keeps, and gives rows of all layers, or moments.

    Attributes
    ----------
    name
        Under which files know it.
    bias
        One sentence on what the estimate is off by.
    references
        The sources it rests on.
    """

    name: ClassVar[str]
    bias: ClassVar[str]
    references: ClassVar[tuple[Reference, ...]]

    def start(self, machine: DeepBoltzmannMachine, batch: int, generator: torch.Generator) -> State:
        """What it keeps, at the beginning."""
        return {}

    @abstractmethod
    def rows(self, machine: DeepBoltzmannMachine, state: State, generator: torch.Generator) -> Layers:
        """Rows of all layers, one for each chain, which it moves; none where it needs none.

        The model's moments are the means over rows of the layers and of the products of neighbours.
        """

    def moments(self, machine: DeepBoltzmannMachine) -> Moments | None:
        """Those of the model, where they are known without rows."""
        return None


@dataclass(frozen=True)
class PersistentChains(DeepPhase):
    """Chains of all layers that go on from one update to the next, k sweeps each.

    Products of neighbours are samples of even layers times means of odd ones given these.

    Parameters
    ----------
    steps
        k.
    chains
        How many; as many as a batch has rows where nothing is said.
    """

    steps: int = 5
    chains: int | None = None

    name = "persistent_chains"
    bias = "Off by how far the machine moves while its chains mix: small for small learning rates."
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "salakhutdinov2009",
            "R. Salakhutdinov, G. Hinton",
            "Deep Boltzmann machines",
            2009,
            "Proc. 12th Int. Conf. Artificial Intelligence and Statistics, 448",
        ),
    )

    def __post_init__(self) -> None:
        positive(self.steps, "sweep")
        if self.chains is not None:
            positive(self.chains, "chain")

    def start(self, machine: DeepBoltzmannMachine, batch: int, generator: torch.Generator) -> State:
        states = machine.gibbs(machine.random(self.chains or batch, generator), 1, generator)
        return {str(k): s for k, s in enumerate(states)}

    def rows(self, machine: DeepBoltzmannMachine, state: State, generator: torch.Generator) -> Layers:
        states = machine.gibbs([state[str(k)] for k in range(len(state))], self.steps, generator)
        for k, s in enumerate(states):
            state[str(k)].copy_(s)
        for k in range(1, len(states), 2):
            states[k] = machine.layers[k].mean_(machine.field(k, states))
        return states


@dataclass(frozen=True)
class ExactDeepMoments(DeepPhase):
    """All configurations of the even layers, or of the odd ones: no samples at all."""

    name = "exact"
    bias = "None."
    references: ClassVar[tuple[Reference, ...]] = (ACKLEY_1985,)

    def rows(self, machine: DeepBoltzmannMachine, state: State, generator: torch.Generator) -> Layers:
        return []

    def moments(self, machine: DeepBoltzmannMachine) -> Moments | None:
        return Moments(*ExactDeep(machine).moments)


DEEP_PHASES: tuple[type[DeepPhase], ...] = (PersistentChains, ExactDeepMoments)
"""Every estimator there is."""

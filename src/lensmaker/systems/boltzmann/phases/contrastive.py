"""Contrastive divergence: chains from the data, or chains that go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lensmaker.core import Reference
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.phases.base import ModelPhase, State, Update, positive


@dataclass(frozen=True)
class ContrastiveDivergence(ModelPhase):
    """Chains of k sweeps from the data."""

    steps: int = 1

    name = "contrastive_divergence"
    from_data = True
    bias = "Off by what k sweeps from the data do not forget, so that modes far from data are not seen."
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "hinton2002",
            "G. E. Hinton",
            "Training products of experts by minimizing contrastive divergence",
            2002,
            "Neural Comput. 14, 1771",
        ),
    )

    def __post_init__(self) -> None:
        positive(self.steps, "sweep")

    def rows(self, state: State, batch: int) -> int:
        return batch

    def visible(self, at: Update, out: Tensor) -> None:
        assert at.hidden is not None
        sweep(at, at.hidden, self.steps, out)


@dataclass(frozen=True)
class PersistentContrastiveDivergence(ModelPhase):
    """Chains that go on from one update to the next, k sweeps each.

    Parameters
    ----------
    steps
        k.
    chains
        How many; as many as a batch has rows where nothing is said.
    """

    steps: int = 1
    chains: int | None = None

    name = "persistent_contrastive_divergence"
    bias = "Off by how far the machine moves while its chains mix: small for small learning rates."
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "tieleman2008",
            "T. Tieleman",
            "Training restricted Boltzmann machines using approximations to the likelihood gradient",
            2008,
            "Proc. 25th Int. Conf. Machine Learning, 1064",
        ),
    )

    def __post_init__(self) -> None:
        positive(self.steps, "sweep")
        if self.chains is not None:
            positive(self.chains, "chain")

    def start(self, machine: RestrictedBoltzmannMachine, batch: int, generator: torch.Generator) -> State:
        v = machine.random(self.chains or batch, generator)
        h = machine.hidden.sample_(machine.weights.up(v, machine.hidden_bias), generator)
        return {"chains": h}

    def rows(self, state: State, batch: int) -> int:
        return len(state["chains"])

    def visible(self, at: Update, out: Tensor) -> None:
        sweep(at, at.state["chains"], self.steps, out)

    def settle(self, at: Update, fields: Tensor) -> None:
        noise = at.buffers("noise h", fields, *fields.shape)
        at.machine.hidden.mean_and_sample_(fields, at.state["chains"], at.generator, noise)

    def samples(
        self, machine: RestrictedBoltzmannMachine, state: State, generator: torch.Generator
    ) -> Tensor | None:
        return machine.visible.sample_(machine.visible_field(state["chains"]), generator)


def sweep(at: Update, hidden: Tensor, sweeps: int, out: Tensor) -> None:
    """`out` becomes the visible layer after so many sweeps from a hidden sample."""
    machine, generator, buffers = at.machine, at.generator, at.buffers
    noise = buffers("noise v", out, *out.shape)
    h, below = (buffers(name, hidden, *hidden.shape) for name in ("sweep h", "noise h"))
    for k in range(sweeps):
        machine.weights.down(hidden if k == 0 else h, machine.visible_bias, out=out)
        machine.visible.sample_(out, generator, noise)
        if k < sweeps - 1:
            machine.weights.up(out, machine.hidden_bias, out=h)
            machine.hidden.sample_(h, generator, below)

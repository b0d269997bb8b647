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

    def rows(self, at: Update) -> tuple[Tensor, Tensor]:
        v, h = swept(at, at.hidden, self.steps, sample_last=False)
        return v, h


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

    def rows(self, at: Update) -> tuple[Tensor, Tensor]:
        v, h = swept(at, at.state["chains"], self.steps, sample_last=True)
        return v, h


def swept(at: Update, hidden: Tensor, sweeps: int, *, sample_last: bool) -> tuple[Tensor, Tensor]:
    """V and ⟨h⟩ after so many sweeps from a hidden sample, which moves along if `sample_last`, in place."""
    machine, generator, buffers = at.machine, at.generator, at.buffers
    weights, n = machine.weights, len(hidden)
    v = buffers("v", hidden, n, machine.visible.size)
    h = buffers("h", hidden, n, machine.hidden.size)
    noise = buffers("noise v", hidden, n, machine.visible.size)
    below = buffers("noise h", hidden, n, machine.hidden.size)
    source = hidden
    for k in range(sweeps):
        weights.down(source, machine.visible_bias, out=v)
        machine.visible.sample_(v, generator, noise)
        weights.up(v, machine.hidden_bias, out=h)
        if k < sweeps - 1:
            source = machine.hidden.sample_(h, generator, below)
    if sample_last:
        machine.hidden.mean_and_sample_(h, hidden, generator, below)
    else:
        machine.hidden.mean_(h)
    return v, h

"""Parallel tempering: chains at all temperatures, for machines of several modes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lensmaker.core import InputError, Reference
from lensmaker.numerics.draws import uniform_
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.phases.base import ModelPhase, State, Update, positive


@dataclass(frozen=True)
class TemperedChains(ModelPhase):
    """Parallel tempering: chains at inverse temperatures from 0 to 1, which exchange; those at 1 are the samples.

    At β the weights and b are multiplied by β, and a is left: at β = 0 the visible units are independent.

    Parameters
    ----------
    chains
        How many at β = 1.
    levels
        How many inverse temperatures, evenly from 0 to 1.
    steps
        Sweeps at each update.
    """

    chains: int = 100
    levels: int = 10
    steps: int = 1

    name = "tempered_chains"
    bias = (
        "As persistent chains, but modes are reached by way of the hot ones: exact for small learning rates."
    )
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "desjardins2010",
            "G. Desjardins, A. Courville, Y. Bengio, P. Vincent, O. Delalleau",
            "Tempered Markov chain Monte Carlo for training of restricted Boltzmann machines",
            2010,
            "Proc. 13th Int. Conf. Artificial Intelligence and Statistics, 145",
        ),
    )

    def __post_init__(self) -> None:
        positive(self.steps, "sweep")
        positive(self.chains, "chain")
        if self.levels < 2:
            raise InputError("two levels or more", f"{self.levels}", "pass levels=10")

    def start(self, machine: RestrictedBoltzmannMachine, batch: int, generator: torch.Generator) -> State:
        v = machine.random(self.chains * self.levels, generator).view(self.chains, self.levels, -1)
        return {"chains": v, "turn": v.new_zeros(())}

    def rows(self, state: State, batch: int) -> int:
        return len(state["chains"])

    def visible(self, at: Update, out: Tensor) -> None:
        machine, v = at.machine, at.state["chains"]
        beta = torch.linspace(0, 1, self.levels, dtype=v.dtype, device=v.device)
        nothing = torch.zeros_like(machine.visible_bias)
        for _ in range(self.steps):
            fields = machine.hidden_field(v).mul_(beta[:, None])
            h = machine.hidden.sample_(fields, at.generator)
            fields = machine.weights.down(h.flatten(0, 1), nothing).view_as(v)
            v.copy_(
                machine.visible.sample_(fields.mul_(beta[:, None]).add_(machine.visible_bias), at.generator)
            )
        self._exchange(at, beta)
        out.copy_(v[:, -1])

    def samples(
        self, machine: RestrictedBoltzmannMachine, state: State, generator: torch.Generator
    ) -> Tensor | None:
        return state["chains"][:, -1].clone()

    def _exchange(self, at: Update, beta: Tensor) -> None:
        """Even neighbours on the ladder and odd ones in turns, with min(1, P_k(v′)P_l(v)/(P_k(v)P_l(v′)))."""
        v, turn = at.state["chains"], at.state["turn"]
        fields = at.machine.hidden_field(v)
        parity = int(turn)
        turn.fill_(1 - parity)
        u = uniform_(v.new_empty(len(v), self.levels), at.generator).log_()
        for k in range(parity, self.levels - 1, 2):
            low, high = beta[k], beta[k + 1]

            def weight(at_beta: Tensor, level: int) -> Tensor:
                return at.machine.hidden.log_partition(at_beta * fields[:, level])

            gain = weight(low, k + 1) + weight(high, k) - weight(low, k) - weight(high, k + 1)
            swap = u[:, k] < gain
            v[swap, k], v[swap, k + 1] = v[swap, k + 1], v[swap, k]

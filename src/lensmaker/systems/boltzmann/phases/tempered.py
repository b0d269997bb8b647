"""Parallel tempering: chains at all temperatures, for machines of several modes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lensmaker.core import InputError, Reference
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
        v = machine.random(self.levels * self.chains, generator)
        return {"chains": v, "accepted": v.new_zeros(self.levels - 1), "turn": v.new_zeros(1)}

    def rows(self, at: Update) -> tuple[Tensor, Tensor]:
        machine, state, generator = at.machine, at.state, at.generator
        v = state["chains"]
        beta = torch.linspace(0, 1, self.levels, dtype=v.dtype, device=v.device)
        rows = beta.repeat_interleave(self.chains)[:, None]
        nothing = torch.zeros_like(machine.visible_bias)
        for _ in range(self.steps):
            fields = machine.weights.up(v, machine.hidden_bias).mul_(rows)
            h = machine.hidden.sample_(fields, generator)
            fields = machine.weights.down(h, nothing).mul_(rows).add_(machine.visible_bias)
            v.copy_(machine.visible.sample_(fields, generator))
        self._exchange(machine, state, beta, generator)
        best = v[-self.chains :]
        h = machine.hidden.mean_(machine.weights.up(best, machine.hidden_bias))
        return best, h

    def _exchange(
        self, machine: RestrictedBoltzmannMachine, state: State, beta: Tensor, generator: torch.Generator
    ) -> None:
        """Even neighbours on the ladder and odd ones in turns, with min(1, P_k(v′)P_l(v)/(P_k(v)P_l(v′)))."""
        v = state["chains"].view(self.levels, self.chains, -1)
        fields = machine.weights.up(state["chains"], machine.hidden_bias).view(self.levels, self.chains, -1)
        parity = int(state["turn"])
        state["turn"].fill_(1 - parity)
        for k in range(parity, self.levels - 1, 2):
            low, high = beta[k], beta[k + 1]

            def weight(at: Tensor, row: int) -> Tensor:
                return machine.hidden.log_partition(at * fields[row])

            gain = weight(low, k + 1) + weight(high, k) - weight(low, k) - weight(high, k + 1)
            u = torch.rand(self.chains, generator=generator, dtype=v.dtype, device=v.device)
            swap = u.log() < gain
            state["accepted"][k] = 0.99 * state["accepted"][k] + 0.01 * swap.to(v.dtype).mean()
            one, two = v[k].clone(), v[k + 1].clone()
            v[k][swap], v[k + 1][swap] = two[swap], one[swap]

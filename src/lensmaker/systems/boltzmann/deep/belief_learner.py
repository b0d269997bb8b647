"""One update of a deep belief network: awake and asleep."""

from __future__ import annotations

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.boltzmann.deep.belief import DeepBeliefNetwork
from lensmaker.systems.boltzmann.deep.tuning import Tuning
from lensmaker.systems.boltzmann.phases import Buffers, Gradient, Update
from lensmaker.systems.boltzmann.training.learner import Learner
from lensmaker.systems.boltzmann.training.rule import Rule
from lensmaker.systems.boltzmann.training.shares import ALONE, Shares


class BeliefLearner(Learner):
    """A network with what its fine-tuning needs from one update to the next.

    Parameters
    ----------
    network
        Changed in place; its way up gets weights of its own.
    tuning
        Where dreams begin.
    rule
        Momentum and penalties.
    generator
        Of all random numbers.
    batch
        Rows of an update, those of all processes together.
    shares
        The processes that learn together.

    Attributes
    ----------
    change
        Δ of each parameter, by its name.

    Raises
    ------
    InputError
        If centering is asked for.
    """

    def __init__(
        self,
        network: DeepBeliefNetwork,
        tuning: Tuning,
        rule: Rule,
        generator: torch.Generator,
        batch: int,
        shares: Shares = ALONE,
    ) -> None:
        if rule.centering:
            raise InputError(
                "a rule without centering", "one with it", "fine-tune with Rule(centering=False)"
            )
        network.untie()
        self.machine, self.phase, self.rule = network, tuning.phase, rule
        self.buffers = Buffers()
        with torch.no_grad():
            self.change = self._zeros()
            self.share_out(shares, self.phase.start(network.top, batch, generator), generator)

    def _zeros(self) -> dict[str, Tensor]:
        return {name: torch.zeros_like(p) for name, p in self.machine.named_parameters()}

    def kept(self) -> dict[str, Tensor]:
        found = {f"change.{n}": t for n, t in self.change.items()}
        return found | {f"chains.{n}": t for n, t in self.chains.items()}

    @torch.no_grad()
    def update(self, v: Tensor, rate: float) -> None:
        slope = self._slope(v)
        for name, parameter in self.machine.named_parameters():
            change = self.change[name].mul_(self.rule.momentum)
            if name.endswith("parameter"):  # weights, not biases
                if self.rule.l2:
                    slope[name].add_(parameter, alpha=-self.rule.l2)
                if self.rule.l1:
                    slope[name].add_(parameter.sign(), alpha=-self.rule.l1)
            change.add_(slope[name], alpha=rate)
            if parameter.requires_grad:
                parameter.add_(change)

    def _slope(self, v: Tensor) -> dict[str, Tensor]:
        """By name, of all processes, of biases that are tied the sum."""
        network, slope, total = self.machine, self._zeros(), len(v)
        dreamt = total if self.phase.from_data else self.all_chains
        self.shares.begin_at(self.generator, total)
        states = network.up(v[self.shares.part(total)], self.generator)
        self._awake_(slope, states, total)
        self.shares.begin_at(self.generator, dreamt)
        dreams = self._top_(slope, states[-1], total, dreamt)
        self._asleep_(slope, network.down(dreams, self.generator), dreamt)
        self.shares.sum_(*slope.values())
        for k, machine in enumerate(network.stack):
            for side in ("visible", "hidden"):
                if machine.weights.is_tied:
                    kinds = machine.weights.alike(side, slope[f"machines.{k}.{side}_bias"])
                    kinds.copy_(kinds.sum(1, keepdim=True).expand_as(kinds))
        return slope

    def _awake_(self, slope: dict[str, Tensor], states: list[Tensor], total: int) -> None:
        """Of ln P(s_k | s_{k+1}): s_k less its mean, times s_{k+1}; of all rows the share of these."""
        for k, machine in enumerate(self.machine.lower):
            expected = machine.visible.mean_(self.machine.generative_field(k, states[k + 1]))
            missing = states[k] - expected
            into = slope[f"machines.{k}.weights.parameter"]
            machine.weights.add_products_(into, missing, states[k + 1], 1 / total)
            slope[f"machines.{k}.visible_bias"].add_(missing.sum(0).div_(total))

    def _asleep_(self, slope: dict[str, Tensor], states: list[Tensor], total: int) -> None:
        """Of ln q(s_{k+1} | s_k): s_{k+1} less its mean, times s_k; of all dreams the share of these."""
        for k, machine in enumerate(self.machine.lower):
            expected = machine.hidden.mean_(self.machine.recognition_field(k, states[k]))
            missing = states[k + 1] - expected
            into = slope[f"recognition.{k}.parameter"]
            self.machine.upwards(k).add_products_(into, states[k], missing, 1 / total)
            slope[f"machines.{k}.hidden_bias"].add_(missing.sum(0).div_(total))

    def _top_(self, slope: dict[str, Tensor], s: Tensor, total: int, dreamt: int) -> Tensor:
        """Both halves of the top machine; the rows of its visible layer where dreams begin."""
        top, name = self.machine.top, f"machines.{len(self.machine.lower)}"
        parts = ("visible_bias", "hidden_bias", "weights.parameter")
        gradient = Gradient(*(slope[f"{name}.{part}"] for part in parts))
        h = top.weights.up(s, top.hidden_bias)
        sample = None
        if self.phase.from_data:
            sample = torch.empty_like(h)
            top.hidden.mean_and_sample_(h, sample, self.generator)
        else:
            top.hidden.mean_(h)
        at = Update(top, self.chains, sample, self.generator, self.buffers)
        dreams = s.new_empty(self.phase.rows(self.chains, len(s)), top.visible.size)
        self.phase.visible(at, dreams)
        means = top.weights.up(dreams, top.hidden_bias)
        self.phase.settle(at, means)
        for v, hidden, sign, n in ((s, h, 1.0, total), (dreams, means, -1.0, dreamt)):
            top.weights.add_products_(gradient.weights, v, hidden, sign / n)
            gradient.visible.add_(v.sum(0).div_(n), alpha=sign)
            gradient.hidden.add_(hidden.sum(0).div_(n), alpha=sign)
        return dreams

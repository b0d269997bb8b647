"""One update of a deep machine: mean fields of the data against chains of the model."""

from __future__ import annotations

import torch
from torch import Tensor

from lensmaker.systems.boltzmann.deep.machine import DeepBoltzmannMachine
from lensmaker.systems.boltzmann.deep.mean_field import Relaxation, mean_field
from lensmaker.systems.boltzmann.deep.phases import DeepPhase, Moments, no_moments
from lensmaker.systems.boltzmann.training.learner import Learner
from lensmaker.systems.boltzmann.training.rule import Rule
from lensmaker.systems.boltzmann.training.shares import ALONE, Shares


class DeepLearner(Learner):
    """A deep machine with what its learning needs from one update to the next.

    The slope of the mean bound: ⟨s_k s_{k+1}⟩ with mean fields in the place of hidden units, less that of the model.
    At rest the mean fields are at a maximum of the bound, so that their own change does not count.

    Parameters
    ----------
    machine
        Changed in place.
    phase
        The estimator of the model's half.
    rule
        Momentum, penalties, centering.
    relaxation
        Of the mean fields.
    generator
        Of all random numbers.
    batch
        Rows of an update, those of all processes together.
    shares
        The processes that learn together.

    Attributes
    ----------
    change
        Δ of all b_k and W_k.
    offsets
        Running means of all layers, where they are asked for.
    """

    def __init__(
        self,
        machine: DeepBoltzmannMachine,
        phase: DeepPhase,
        rule: Rule,
        relaxation: Relaxation,
        generator: torch.Generator,
        batch: int,
        shares: Shares = ALONE,
    ) -> None:
        rule.check(machine.biased)
        self.machine, self.phase, self.rule, self.relaxation = machine, phase, rule, relaxation
        with torch.no_grad():
            self.change = no_moments(machine)
            self.share_out(shares, phase.start(machine, batch, generator), generator)
            self.offsets = [torch.full_like(b, 0.5) for b in machine.biases] if rule.centering else []

    def kept(self) -> dict[str, Tensor]:
        found = {f"change.bias.{k}": t for k, t in enumerate(self.change.layers)}
        found |= {f"change.weights.{k}": t for k, t in enumerate(self.change.weights)}
        found |= {f"chains.{n}": t for n, t in self.chains.items()}
        return found | {f"offset.{k}": t for k, t in enumerate(self.offsets)}

    @torch.no_grad()
    def update(self, v: Tensor, rate: float) -> None:
        machine, slope = self.machine, self._slope(v)
        weights = [w.parameter for w in machine.weights]
        for W, part in zip(weights, slope.weights, strict=True):
            if self.rule.l2:
                part.add_(W, alpha=-self.rule.l2)
            if self.rule.l1:
                part.add_(W.sign(), alpha=-self.rule.l1)
        for parameters, parts, changes in (
            (machine.biases, slope.layers, self.change.layers),
            (weights, slope.weights, self.change.weights),
        ):
            for parameter, part, change in zip(parameters, parts, changes, strict=True):
                change.mul_(self.rule.momentum).add_(part, alpha=rate)
                if parameter.requires_grad:
                    parameter.add_(change)

    def _slope(self, v: Tensor) -> Moments:
        """The gradient alone, of all processes, centred if that is asked for, of biases that are tied the sum."""
        machine, slope, total = self.machine, no_moments(self.machine), len(v)
        v = v[self.shares.part(total)]
        states = [v, *mean_field(machine, v, self.relaxation, self.shares).means]
        slope.add_rows_(machine, states, 1 / total)
        self.shares.begin_at(self.generator, self.all_chains)
        if model := self.phase.rows(machine, self.chains, self.generator):
            slope.add_rows_(machine, model, -1 / self.all_chains)
        means = [rows.sum(0).div_(total) for rows in states] if self.rule.centering else []
        self.shares.sum_(*slope.layers, *slope.weights, *means)
        for parts, moments in zip(slope, self.phase.moments(machine) or (), strict=False):
            for part, moment in zip(parts, moments, strict=True):
                part.sub_(moment.to(part.dtype))
        if self.rule.centering:
            for k, (offset, mean) in enumerate(zip(self.offsets, means, strict=True)):
                for kinds in self._alike(k, mean):
                    kinds.copy_(kinds.mean(1, keepdim=True).expand_as(kinds))
                offset.lerp_(mean, self.rule.slide)
            self._centre_weights_(slope)
        for k, part in enumerate(slope.layers):
            for kinds in self._alike(k, part):
                kinds.copy_(kinds.sum(1, keepdim=True).expand_as(kinds))
        if self.rule.centering:
            self._centre_biases_(slope)
        return slope

    def _centre_weights_(self, slope: Moments) -> None:
        """δ(s_k s_{k+1}) − μ_k δ(s_{k+1}) − δ(s_k) μ_{k+1}, with δ = ⟨·⟩_data − ⟨·⟩_model.

        G. Montavon, K.-R. Müller, in Neural Networks: Tricks of the Trade, Springer 2012, 621.
        """
        μ = self.offsets
        for k, (w, part) in enumerate(zip(self.machine.weights, slope.weights, strict=True)):
            w.add_outer_(part, μ[k], slope.layers[k + 1], -1.0)
            w.add_outer_(part, slope.layers[k], μ[k + 1], -1.0)

    def _centre_biases_(self, slope: Moments) -> None:
        """δ(s_k) − W'_k μ_{k+1} − W'_{k−1}ᵀ μ_{k−1}, W' the centred slopes of the weights."""
        μ = self.offsets
        for k, (w, part) in enumerate(zip(self.machine.weights, slope.weights, strict=True)):
            slope.layers[k].sub_(w.applied_down(part, μ[k + 1]))
            slope.layers[k + 1].sub_(w.applied_up(part, μ[k]))

    def _alike(self, k: int, values: Tensor) -> list[Tensor]:
        """Values of a layer as (kinds, units of the kind), where a symmetry makes units alike: their biases are one."""
        sides = [(w, "visible") for w in self.machine.weights[k : k + 1]]
        sides += [(w, "hidden") for w in self.machine.weights[max(k - 1, 0) : k]]
        return [w.alike(side, values) for w, side in sides if w.is_tied][:1]

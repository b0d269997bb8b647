"""One update of a restricted machine from a batch of data: the inner loop, on buffers that are made once."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.phases import Buffers, Gradient, ModelPhase, Update
from lensmaker.systems.boltzmann.training.learner import Learner
from lensmaker.systems.boltzmann.training.rule import Rule
from lensmaker.systems.boltzmann.training.shares import ALONE, Shares
from lensmaker.systems.boltzmann.weights import Rounded, Weights


class Table(NamedTuple):
    """Rows of data, and after them those of the model.

    Attributes
    ----------
    visible
        (rows, visible).
    hidden
        Means over them, times their factors.
    factors
        1 for data and −(number of data)/(rows of the model) for the model: a difference of means is a sum over rows.
    data
        How many rows are data.
    """

    visible: Tensor
    hidden: Tensor
    factors: Tensor
    data: int


class RestrictedLearner(Learner):
    """A machine with what its learning needs from one update to the next.

    Rows of data and of the model stand in one table, so that an update of a dense machine is three matrix products:
    down to the visible layer of the chains, up from both, and the difference of both halves of the gradient, added to
    the parameters where they are. The change of momentum is in their units: Δ ← μ Δ + ε (⟨·⟩_data − ⟨·⟩_model).

    Parameters
    ----------
    machine
        Changed in place.
    phase
        The estimator of the model's half.
    rule
        Momentum, penalties, centering.
    generator
        Of all random numbers.
    batch
        Rows of an update, those of all processes together.
    operands
        What factors of products are rounded to, if at all.
    shares
        The processes that learn together.

    Attributes
    ----------
    change
        Δ of a, b and W, where there is momentum.
    offsets
        Running means of both layers, where they are asked for.
    """

    def __init__(
        self,
        machine: RestrictedBoltzmannMachine,
        phase: ModelPhase,
        rule: Rule,
        generator: torch.Generator,
        batch: int,
        operands: torch.dtype | None = None,
        shares: Shares = ALONE,
    ) -> None:
        rule.check(machine.biased)
        self.machine, self.phase, self.rule = machine, phase, rule
        self.buffers = Buffers()
        self._fast = machine if operands is None else _sharing(machine, Rounded(machine.weights, operands))
        with torch.no_grad():
            self.share_out(shares, phase.start(machine, batch, generator), generator)
            self.change = (
                Gradient(*(torch.zeros_like(p) for p in self._parameters)) if rule.momentum else None
            )
            self.offsets = [torch.full_like(p, 0.5) for p in self._parameters[:2]] if rule.centering else []

    @property
    def _parameters(self) -> Gradient:
        m = self.machine
        return Gradient(m.visible_bias, m.hidden_bias, m.weights.parameter)

    def kept(self) -> dict[str, Tensor]:
        found = {f"chains.{n}": t for n, t in self.chains.items()}
        if self.change is not None:
            found |= {f"change.{n}": t for n, t in zip(self.change._fields, self.change, strict=True)}
        return found | {f"offset.{k}": t for k, t in enumerate(self.offsets)}

    @torch.no_grad()
    def samples(self, generator: torch.Generator) -> Tensor | None:
        """Visible layers of the chains of all processes, (n, visible), as they are; nothing where there are none."""
        every = {name: self.whole(f"chains.{name}", t) for name, t in self.chains.items()}
        return self.phase.samples(self.machine, every, generator)

    @torch.no_grad()
    def update(self, v: Tensor, rate: float) -> None:
        """Learn from a batch, (n, visible)."""
        total, v = len(v), v[self.shares.part(len(v))]
        table = self._table(v, total)
        into, keep = (self._parameters, 1.0) if self.change is None else (self.change, self.rule.momentum)
        if self._needs_slope or len(table.visible) == len(v):
            slope = self._slope(table, total)
            self._decay(slope.weights, 1.0)
            for part, found in zip(self._learning(into), self._learning(slope), strict=True):
                part.mul_(keep).add_(found, alpha=rate)
        else:
            if self.change is None:
                self._decay(into.weights, rate)
            add = self._add_centred if self.rule.centering else self._add
            add(into, table, rate / total, keep)
            if self.change is not None:
                self._decay(into.weights, rate)
        if self.change is not None:
            for parameter, part in zip(self._learning(self._parameters), self._learning(into), strict=True):
                parameter.add_(part)

    @property
    def _needs_slope(self) -> bool:
        return self.machine.weights.is_tied or self.shares.several

    def _table(self, v: Tensor, total: int) -> Table:
        """Data and model, of an update from `total` rows in all processes together."""
        machine, phase, n = self._fast, self.phase, len(v)
        given = phase.rows(self.chains, n)
        rows = self.buffers("rows", v, n + given, machine.visible.size)
        h = self.buffers("h", v, n + given, machine.hidden.size)
        all_given = total if phase.from_data else self.all_chains
        self.shares.begin_at(self.generator, all_given)
        rows[:n].copy_(v)
        sample = None
        if phase.from_data:
            sample, noise = (self.buffers(name, v, n, machine.hidden.size) for name in ("sample", "noise"))
            machine.weights.up(v, machine.hidden_bias, out=h[:n])
            machine.hidden.mean_and_sample_(h[:n], sample, self.generator, noise)
        at = Update(machine, self.chains, sample, self.generator, self.buffers)
        phase.visible(at, rows[n:])
        fresh = n if phase.from_data else 0
        machine.weights.up(rows[fresh:], machine.hidden_bias, out=h[fresh:])
        if not phase.from_data:
            machine.hidden.mean_(h[:n])
        phase.settle(at, h[n:])
        sign = self.buffers("sign", v, n + given).fill_(1.0)
        if given:
            sign[n:] = -total / all_given
            h[n:].mul_(-total / all_given)
        return Table(rows, h, sign, n)

    def _add(self, into: Gradient, table: Table, scale: float, keep: float) -> None:
        """Into ← keep · into + scale · (sums over rows)."""
        rows, h, s, _ = table
        self._fast.weights.add_products_(into.weights, rows, h, scale, keep)
        if self.machine.biased or self.rule.centering:
            into.visible.addmv_(rows.t(), s, beta=keep, alpha=scale)
            (into.hidden.mul_(keep) if keep else into.hidden.zero_()).add_(h.sum(0), alpha=scale)

    def _add_centred(self, into: Gradient, table: Table, scale: float, keep: float) -> None:
        """The same about running means μ and λ; with factors s, the sum of which is 0, W: Σ s (v − μ)(h − λ), and

        a: Σ (v − μ)(s − s (h − λ)·λ), b: Σ s (h − λ)(1 − (v − μ)·μ).
        """
        rows, h, s, n = table
        self._slide([part[:n].mean(0) for part in (rows, h)])
        μ, λ = self.offsets
        rows.sub_(μ)
        h.addr_(s, λ, alpha=-1.0)
        self._fast.weights.add_products_(into.weights, rows, h, scale, keep)
        if self.machine.biased:
            into.visible.addmv_(rows.t(), s - h @ λ, beta=keep, alpha=scale)
            into.hidden.addmv_(h.t(), 1 - rows @ μ, beta=keep, alpha=scale)

    def _slide(self, means: list[Tensor]) -> None:
        """Move the running means to those of a batch, which are one for all units of a kind where weights are tied."""
        weights = self.machine.weights
        for layer, offset, mean in zip(("visible", "hidden"), self.offsets, means, strict=True):
            if weights.is_tied:
                kinds = weights.alike(layer, mean)
                kinds.copy_(kinds.mean(1, keepdim=True).expand_as(kinds))
            offset.lerp_(mean, self.rule.slide)

    def _slope(self, table: Table, total: int) -> Gradient:
        """The gradient alone, of all processes, centred if that is asked for, of biases that are tied the sum.

        With δ = ⟨·⟩_data − ⟨·⟩_model: W: δ(v h) − μ δ(h) − δ(v) λ, a: δ(v) − W' λ, b: δ(h) − W'ᵀ μ, W' that of W.
        Where biases are tied, so are μ and λ; δ of a and b are summed over a kind, of which W' λ is one number.
        """
        weights, parameters = self.machine.weights, enumerate(self._parameters)
        slope = Gradient(*(self.buffers(f"slope {k}", p, *p.shape).zero_() for k, p in parameters))
        self._add(slope, table, 1 / total, 0.0)
        means = [part[: table.data].sum(0) / total for part in table[:2]] if self.rule.centering else []
        self.shares.sum_(*slope, *means)
        for part, moment in zip(slope, self.phase.moments(self.machine) or (), strict=False):
            part.sub_(moment.to(part.dtype))
        if self.rule.centering:
            self._slide(means)
            μ, λ = self.offsets
            weights.add_outer_(slope.weights, μ, slope.hidden, -1.0)
            weights.add_outer_(slope.weights, slope.visible, λ, -1.0)
        if weights.is_tied:
            for layer, part in (("visible", slope.visible), ("hidden", slope.hidden)):
                kinds = weights.alike(layer, part)
                kinds.copy_(kinds.sum(1, keepdim=True).expand_as(kinds))
        if self.rule.centering:
            slope.visible.sub_(weights.applied_down(slope.weights, λ))
            slope.hidden.sub_(weights.applied_up(slope.weights, μ))
        return slope

    def _decay(self, into: Tensor, rate: float) -> None:
        """Penalties of W, before W moves by the gradient."""
        W = self.machine.weights.parameter
        if self.rule.l2:
            into.add_(W, alpha=-rate * self.rule.l2)
        if self.rule.l1:
            into.add_(W.sign(), alpha=-rate * self.rule.l1)

    def _learning(self, of: Gradient) -> tuple[Tensor, ...]:
        """Those parts that learn."""
        return tuple(of) if self.machine.biased else (of.weights,)


def _sharing(machine: RestrictedBoltzmannMachine, weights: Weights) -> RestrictedBoltzmannMachine:
    """The same machine with other weights."""
    twin = RestrictedBoltzmannMachine(machine.visible, machine.hidden, weights, biased=machine.biased)
    twin.visible_bias, twin.hidden_bias = machine.visible_bias, machine.hidden_bias
    return twin

"""One update of a machine from a batch of data: the inner loop, on buffers that are made once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.phases import Buffers, Gradient, ModelPhase, State, Update


@dataclass(frozen=True)
class Rule:
    """How a gradient becomes a change.

    Attributes
    ----------
    momentum
        What is left of the last change.
    l1, l2
        Strength of the penalties l1 Σ|W| and ½ l2 Σ W².
    centering
        Whether products are taken about running means of both layers, which makes learning independent of whether
        units are called 0 and 1 or ±1. J. Melchior, A. Fischer, L. Wiskott, J. Mach. Learn. Res. 17, 1 (2016).
    slide
        Weight of the latest batch in the running means.
    """

    momentum: float = 0.0
    l1: float = 0.0
    l2: float = 0.0
    centering: bool = False
    slide: float = 0.01

    def __post_init__(self) -> None:
        if not 0 <= self.momentum < 1:
            raise InputError("a momentum from 0 to below 1", f"{self.momentum}", "pass momentum=0.5")
        for name in ("l1", "l2"):
            if not getattr(self, name) >= 0:
                raise InputError("a penalty of 0 or more", f"{name}={getattr(self, name)}", "pass 0")
        if not 0 < self.slide <= 1:
            raise InputError("a weight above 0 and up to 1", f"slide={self.slide}", "pass slide=0.01")


class Learner:
    """A machine with what its learning needs from one update to the next.

    The change of momentum is kept in units of the parameters: Δ ← μ Δ + ε (⟨·⟩_data − ⟨·⟩_model), and both halves are
    added to it where it is. An update of a dense machine is five matrix products.

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

    Attributes
    ----------
    chains
        What the estimator keeps.
    change
        Δ of a, b and W.
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
    ) -> None:
        self.machine, self.phase, self.rule, self.generator = machine, phase, rule, generator
        self.buffers = Buffers()
        with torch.no_grad():
            self.change = Gradient(*(torch.zeros_like(p) for p in self._parameters))
            self.chains: State = phase.start(machine, batch, generator)
            self.offsets = [torch.full_like(p, 0.5) for p in self._parameters[:2]] if rule.centering else []

    @property
    def _parameters(self) -> tuple[Tensor, Tensor, Tensor]:
        m = self.machine
        return m.visible_bias, m.hidden_bias, m.weights.parameter

    @torch.no_grad()
    def update(self, v: Tensor, rate: float) -> None:
        """Learn from a batch, (n, visible)."""
        machine, buffers = self.machine, self.buffers
        h = buffers("data h", v, len(v), machine.hidden.size)
        sample = buffers("data s", v, len(v), machine.hidden.size)
        noise = buffers("data noise", v, len(v), machine.hidden.size)
        machine.weights.up(v, machine.hidden_bias, out=h)
        machine.hidden.mean_and_sample_(h, sample, self.generator, noise)
        keep = self.rule.momentum
        if self.rule.centering or machine.weights.is_tied:
            for change, slope in zip(self.change, self._slope(v, h, sample), strict=True):
                change.mul_(keep).add_(slope, alpha=rate)
        else:
            self.change.add_rows_(machine, v, h, rate, keep)
            self._subtract(self.change, sample, rate)
        self._decay(rate)
        for parameter, change in zip(self._parameters, self.change, strict=True):
            if machine.biased or parameter is machine.weights.parameter:
                parameter.add_(change)

    def _subtract(self, gradient: Gradient, sample: Tensor, scale: float) -> None:
        at = Update(self.machine, self.chains, sample, self.generator, self.buffers)
        self.phase.subtract_(gradient, at, scale)

    def _slope(self, v: Tensor, h: Tensor, sample: Tensor) -> Gradient:
        """The gradient alone, centred if that is asked for, of biases that are tied the sum.

        With δ = ⟨·⟩_data − ⟨·⟩_model: W: δ(v h) − μ δ(h) − δ(v) λ, a: δ(v) − W' λ, b: δ(h) − W'ᵀ μ, W' that of W.
        """
        weights = self.machine.weights
        slope = Gradient(*(self.buffers(f"slope {k}", p, *p.shape) for k, p in enumerate(self._parameters)))
        slope.add_rows_(self.machine, v, h, 1.0, 0.0)
        self._subtract(slope, sample, 1.0)
        if self.rule.centering:
            for offset, rows in zip(self.offsets, (v, h), strict=True):
                offset.lerp_(rows.mean(0), self.rule.slide)
            μ, λ = self.offsets
            weights.add_outer_(slope.weights, μ, slope.hidden, -1.0)
            weights.add_outer_(slope.weights, slope.visible, λ, -1.0)
            slope.visible.sub_(weights.applied_down(slope.weights, λ))
            slope.hidden.sub_(weights.applied_up(slope.weights, μ))
        if weights.is_tied:
            for layer, part in (("visible", slope.visible), ("hidden", slope.hidden)):
                kinds = weights.alike(layer, part)
                kinds.copy_(kinds.sum(1, keepdim=True).expand_as(kinds))
        return slope

    def _decay(self, rate: float) -> None:
        """Penalties of W."""
        W = self.machine.weights.parameter
        if self.rule.l2:
            self.change.weights.add_(W, alpha=-rate * self.rule.l2)
        if self.rule.l1:
            self.change.weights.add_(W.sign(), alpha=-rate * self.rule.l1)

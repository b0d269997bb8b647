"""Weak weights: the free energy of a machine at given means, by powers of its weights."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from lensmaker.core import InputError, Reference, Regime
from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.units import Units
from lensmaker.theories.boltzmann.theory import BoltzmannTheory, Solution, Value

STRONG = 0.4
"""|W| Δv Δh/4 of one pair up to which its orders fall: βJ of two spins."""

APART = 1e-4
"""The difference of a probability by which two solutions are two states."""

STARTS = 8
"""Random starts beside that from the biases."""


@dataclass(frozen=True)
class Plefka(BoltzmannTheory):
    """ln Z at given means, to first (naive mean field), second (TAP) or third order of W, where it is stationary.

    ln Z = S(m) + a·m_v + b·m_h + m_v·W·m_h + ½ Σ W² κ₂ κ₂ + ⅙ Σ W³ κ₃ κ₃, κ₂ and κ₃ the second and third cumulants of
    a unit with its mean. First order is a lower bound of ln Z; the others are none. The errors are what a pair does to
    each other beyond the order, rings of four, by their weight other solutions that are found from other starts, and of
    ⟨E⟩ and S what the means of another order change.

    Parameters
    ----------
    order
        1, 2 or 3.
    iterations, tolerance, damping
        Of the fixed point.

    Raises
    ------
    InputError
        If the order is none of these.

    Examples
    --------
    >>> from lensmaker.systems.boltzmann.subject import Subject
    >>> found = Plefka().predict(Subject(RestrictedBoltzmannMachine(3, 2)))
    >>> [abs(round(p.value / math.log(2), 9)) for p in found]  # ln Z, ⟨E⟩, S of five free units
    [5.0, 0.0, 5.0]
    """

    order: int = 3
    iterations: int = 5000
    tolerance: float = 1e-10
    damping: float = 0.5

    name = "plefka"
    summary = "The partition function of a Boltzmann machine with many weak weights, by powers of them."
    assumptions = (
        "units have two states",
        "weights are many and weak",
        "the states that chains are in are those that the equations find",
    )
    references = (
        Reference(
            "plefka1982",
            "T. Plefka",
            "Convergence condition of the TAP equation for the infinite-ranged Ising spin glass model",
            1982,
            "J. Phys. A 15, 1971",
        ),
        Reference(
            "gabrie2015",
            "M. Gabrié, E. W. Tramel, F. Krzakala",
            "Training restricted Boltzmann machines via the Thouless–Anderson–Palmer free energy",
            2015,
            "NeurIPS",
            "arXiv:1506.02914",
        ),
    )

    def __post_init__(self) -> None:
        if self.order not in (1, 2, 3):
            raise InputError("an order of 1, 2 or 3", f"{self.order}", "pass order=3")

    def refusal(self, machine: RestrictedBoltzmannMachine) -> str:
        pairs = all(len(units.states) == 2 for units in (machine.visible, machine.hidden))
        return "" if pairs else "its units are not of two states"

    def solve(self, machine: RestrictedBoltzmannMachine) -> Solution:
        states, converged = self._states(machine)
        best = max(states, key=lambda s: s.log_partition)
        weights = torch.tensor([s.log_partition - best.log_partition for s in states]).exp()
        share = weights / weights.sum()
        others = float(weights.sum().log())
        moved = float(sum(p * abs(s.energy - best.energy) for p, s in zip(share, states, strict=True)))
        moved += self._moved(best)  # ln Z is stationary in the means, ⟨E⟩ is not
        (free, own), rings = best.bonds, abs(best.rings)
        log_z = Value(best.log_partition, _size(free) + rings + others)
        energy = Value(best.energy, _size(own) + 4 * rings + moved)
        S = best.log_partition + best.energy
        entropy = Value(S, _size(free + own) + 3 * rings + others + moved)
        reason = best.outside if converged else "the equations do not converge"
        return Solution(log_z, energy, entropy, Regime(reason))

    def _states(self, machine: RestrictedBoltzmannMachine) -> tuple[list[_State], bool]:
        """Solutions that differ, from the biases and from random means; and whether one was reached."""
        v, h = (
            _Layer(units, bias)
            for units, bias in (
                (machine.visible, machine.visible_bias),
                (machine.hidden, machine.hidden_bias),
            )
        )
        eye = torch.eye(machine.visible.size, dtype=torch.float64)
        W = machine.weights.up(eye, torch.zeros_like(machine.hidden_bias))
        generator = stream("starts of mean fields", 0)
        starts = [torch.sigmoid(h.step * h.bias)]
        starts += [torch.rand(h.bias.shape, generator=generator, dtype=torch.float64) for _ in range(STARTS)]
        states: list[_State] = []
        reached = []
        for start in starts:
            p, q, converged = self._fixed_point(W, v, h, start)
            reached.append(converged)
            new = all(float((q - s.q).abs().max()) > APART for s in states)
            if new and (converged or not states):
                states.append(_State(self.order, W, v, h, p, q))
        return states, any(reached)

    def _moved(self, state: _State) -> float:
        """By how much ⟨E⟩ is another at the means of the third order; for that, of the second."""
        other = replace(self, order=3 if self.order < 3 else 2)
        p, q, _ = other._fixed_point(state.W, state.v, state.h, state.q)
        return abs(replace(state, p=p, q=q).energy - state.energy)

    def _fixed_point(self, W: Tensor, v: _Layer, h: _Layer, q: Tensor) -> tuple[Tensor, Tensor, bool]:
        """P(high state) of both layers."""
        p = torch.sigmoid(v.push(W, h, q, torch.full_like(v.bias, 0.5), self.order))
        for _ in range(self.iterations):
            new_p = torch.sigmoid(v.push(W, h, q, p, self.order))
            new_q = torch.sigmoid(h.push(W.t(), v, new_p, q, self.order))
            change = max(float((new_p - p).abs().max()), float((new_q - q).abs().max()))
            if change < self.tolerance:
                return new_p, new_q, True
            p = torch.lerp(new_p, p, self.damping)
            q = torch.lerp(new_q, q, self.damping)
        return p, q, False


def _size(parts: Tensor) -> float:
    """Of a sum, not to be fooled by parts that happen to cancel: √((Σx)² + Σx²)."""
    return math.hypot(float(parts.sum()), float(parts.square().sum().sqrt()))


@dataclass(frozen=True, eq=False)
class _Layer:
    """Units of two states by the probability p of the higher one."""

    units: Units
    bias: Tensor

    @property
    def step(self) -> float:
        low, high = self.units.states
        return high - low

    def mean(self, p: Tensor) -> Tensor:
        return self.units.states[0] + self.step * p

    def second(self, p: Tensor) -> Tensor:
        """κ₂."""
        return self.step**2 * p * (1 - p)

    def third(self, p: Tensor) -> Tensor:
        """κ₃."""
        return self.step**3 * p * (1 - p) * (1 - 2 * p)

    def push(self, W: Tensor, other: _Layer, q: Tensor, p: Tensor, order: int) -> Tensor:
        """∂/∂p of all but the entropy: the logit of p."""
        x = self.step * (self.bias + W @ other.mean(q))
        if order >= 2:
            x = x + self.step**2 * (1 - 2 * p) * (W**2 @ other.second(q)) / 2
        if order >= 3:
            x = x + self.step**3 * (1 - 6 * p + 6 * p**2) * (W**3 @ other.third(q)) / 6
        return x


@dataclass(frozen=True, eq=False)
class _State:
    """A solution."""

    order: int
    W: Tensor
    v: _Layer
    h: _Layer
    p: Tensor
    q: Tensor

    @cached_property
    def _orders(self) -> tuple[float, float, float]:
        """The terms of each order of all parameters: fields and W, ½ΣW²κκ, ⅙ΣW³κκ; 0 beyond the order."""
        m, n = self.v.mean(self.p), self.h.mean(self.q)
        first = self.v.bias @ m + self.h.bias @ n + m @ self.W @ n
        second = self.v.second(self.p) @ self.W**2 @ self.h.second(self.q) / 2
        third = self.v.third(self.p) @ self.W**3 @ self.h.third(self.q) / 6
        return float(first), float(second) * (self.order >= 2), float(third) * (self.order >= 3)

    @cached_property
    def log_partition(self) -> float:
        """S + all orders."""
        entropy = -sum(float((torch.xlogy(x, x) + torch.xlogy(1 - x, 1 - x)).sum()) for x in (self.p, self.q))
        return entropy + sum(self._orders)

    @property
    def energy(self) -> float:
        """−∂ ln Z/∂λ of all parameters times λ."""
        return -sum(k * term for k, term in enumerate(self._orders, 1))

    @cached_property
    def bonds(self) -> tuple[Tensor, Tensor]:
        """What each pair at these means adds to ln Z and ⟨E⟩ beyond the order: W cov + S(pair) − S − S′, and −W cov."""
        ω = self.W * self.v.step * self.h.step
        p = self.p[:, None].expand_as(ω)
        q = torch.where(ω >= 0, self.q.expand_as(ω), 1 - self.q.expand_as(ω))  # the other way round: ω > 0
        r = ω.abs().exp()
        A = 1 + (r - 1) * (p + q)
        both = 2 * r * p * q / (A + (A**2 - 4 * r * (r - 1) * p * q).clamp(min=0).sqrt())
        joint = torch.stack([both, p - both, q - both, 1 - p - q + both]).clamp(min=0)
        gain = ω.abs() * (both - p * q)
        alone = sum(torch.xlogy(x, x) + torch.xlogy(1 - x, 1 - x) for x in (p, q))
        free = gain - torch.xlogy(joint, joint).sum(0) + alone
        second, third = (
            self.W**k * torch.outer(of_v(self.p), of_h(self.q)) * ((self.order >= k) / math.factorial(k))
            for k, of_v, of_h in ((2, self.v.second, self.h.second), (3, self.v.third, self.h.third))
        )
        return free - second - third, 2 * second + 3 * third - gain

    @cached_property
    def _A(self) -> Tensor:
        """√κ₂ W √κ₂."""
        return self.v.second(self.p).sqrt()[:, None] * self.W * self.h.second(self.q).sqrt()

    @cached_property
    def rings(self) -> float:
        """Rings of four pairs, each once: Σ A_ij A_kj A_kl A_il over i < k, j < l."""
        squares = self._A**2
        walks = float((self._A.t() @ self._A).square().sum())
        turning = float(squares.sum(0).square().sum() + squares.sum(1).square().sum())
        return (walks - turning + float(squares.square().sum())) / 4

    @property
    def outside(self) -> str:
        """Why the expansion does not hold, "" where it does."""
        strongest = float(self.W.abs().max()) * self.v.step * self.h.step / 4
        if strongest > STRONG:
            return f"a weight is too strong for it: |W| Δv Δh/4 is {strongest:.2g}, beyond {STRONG:g}"
        unstable = float(torch.linalg.matrix_norm(self._A**2, 2))
        if unstable > 1:
            return f"the weights are too strong for it: the norm of W² κ₂ κ₂ is {unstable:.2g}, beyond 1"
        return ""

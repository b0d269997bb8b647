"""The path from independent units to a machine, along which it is annealed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine


@dataclass(frozen=True, eq=False)
class Path:
    """ln P*_β(v) = [(1 − β) a₀ + β a]·v − e(v) + ln Z_h(β (b + Wᵀv)), β = 0 … 1.

    At β = 0 the units are independent, with Z₀ = Z_v(a₀) Z_h(0); at β = 1 they are the machine.

    Attributes
    ----------
    machine
        What is annealed.
    base
        a₀, (visible,).
    rows
        Visible layers that are roughly the machine's, (n, visible), where there are some.
    """

    machine: RestrictedBoltzmannMachine
    base: Tensor
    rows: Tensor | None = None

    @property
    def log_base_partition(self) -> float:
        """Ln Z₀."""
        m, zero = self.machine, torch.zeros_like(self.machine.hidden_bias)
        return float(m.visible.log_partition(self.base.double()) + m.hidden.log_partition(zero.double()))

    def log_weight(self, v: Tensor, fields: Tensor, beta: Tensor) -> Tensor:
        """Ln P*_β(v) + e(v) of rows whose hidden fields b + Wᵀv are known, (n,)."""
        bias = torch.lerp(self.base, self.machine.visible_bias, beta)
        return v @ bias + self.machine.hidden.log_partition(beta * fields)

    def fields(self, v: Tensor) -> Tensor:
        """B + Wᵀv, (n, hidden)."""
        return self.machine.weights.up(v, self.machine.hidden_bias)

    def slope(self, v: Tensor, fields: Tensor, beta: Tensor) -> Tensor:
        """∂ ln P*_β(v)/∂β, (n,)."""
        means = self.machine.hidden.mean(beta * fields)
        return v @ (self.machine.visible_bias - self.base) + (fields * means).sum(-1)

    def sweep(self, v: Tensor, fields: Tensor, beta: Tensor, generator: torch.Generator) -> Tensor:
        """One sweep at β: hidden given visible, visible given hidden."""
        m = self.machine
        h = m.hidden.sample(beta * fields, generator)
        bias = torch.lerp(self.base, m.visible_bias, beta)
        return m.visible.sample_(m.weights.down(beta * h, bias), generator)

    def start(self, rows: int, generator: torch.Generator) -> Tensor:
        """Samples at β = 0, (rows, visible)."""
        return self.machine.visible.sample(self.base.expand(rows, -1), generator)


ROWS = 256
"""That are annealed to see where the machine is."""

UP, AFTER = 100, 50
"""Sweeps on their way from independent units to the machine, and there."""


@torch.no_grad()
def path_to(machine: RestrictedBoltzmannMachine, *, seed: int) -> Path:
    """The path that starts at the means of annealed rows, or at those of no fields where these run away.

    The means are those of visible units given hidden ones, which are exact where nothing couples. The means of data
    will not do: a path that starts in one mode of the machine does not see the others.
    """
    bias = machine.visible_bias.detach()
    even = Path(machine, torch.zeros_like(bias))
    generator = stream("annealed rows", seed, bias.device)
    v = even.start(ROWS, generator)
    for beta in torch.linspace(0, 1, UP + 1, dtype=bias.dtype, device=bias.device)[1:]:
        v = even.sweep(v, even.fields(v), beta, generator)
    v = machine.gibbs(v, AFTER, generator)
    h = machine.hidden.sample_(even.fields(v), generator)
    mean = machine.visible.mean_(machine.weights.down(h, bias)).double().mean(0)
    if not bool(torch.isfinite(v).all() and torch.isfinite(mean).all()):
        return even
    return Path(machine, machine.visible.field_of_mean(mean).to(bias.dtype), v)

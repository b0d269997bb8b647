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
    """

    machine: RestrictedBoltzmannMachine
    base: Tensor

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


@torch.no_grad()
def annealed(machine: RestrictedBoltzmannMachine, *, seed: int, rows: int = 256) -> Tensor:
    """Visible layers that were annealed from independent units to the machine, (rows, visible): roughly its own."""
    generator = stream("annealed rows", seed, machine.visible_bias.device)
    path = path_to(machine)
    v = path.start(rows, generator)
    for beta in _levels(path):
        v = path.sweep(v, path.fields(v), beta, generator)
    return v


def _levels(path: Path) -> Tensor:
    """β of `annealed`: up, and then a while at 1."""
    up = torch.linspace(0, 1, 101, dtype=path.base.dtype, device=path.base.device)
    return torch.cat([up, up[-1:].expand(50)])


def path_to(machine: RestrictedBoltzmannMachine, data: Tensor | None = None) -> Path:
    """The path that starts at the means of data, or at those of no fields where there are none.

    Raises
    ------
    InputError
        If data do not fit the visible units.
    """
    with torch.no_grad():
        bias = machine.visible_bias.detach()
        if data is None:
            return Path(machine, torch.zeros_like(bias))
        machine.visible.check_means(data)
        mean = data.to(torch.float64).mean(0)
        return Path(machine, machine.visible.field_of_mean(mean).to(bias.dtype))

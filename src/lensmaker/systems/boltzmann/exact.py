"""Sums over all configurations of the smaller layer."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.units import Units

MOST_BITS = 24
"""log₂ of the most configurations that are summed over."""

BLOCK = 1 << 23
"""Numbers at a time."""


@dataclass(frozen=True, eq=False)
class Exact:
    """What can be known of a machine one of whose layers is small: the other one is summed in closed form.

    Raises
    ------
    InputError
        If both layers have more than 2²⁴ configurations.

    Examples
    --------
    >>> round(Exact(RestrictedBoltzmannMachine(3, 2)).log_partition / math.log(2), 6)
    5.0
    """

    machine: RestrictedBoltzmannMachine

    def __post_init__(self) -> None:
        bits = self._units.log_states / math.log(2)
        if bits > MOST_BITS + 1e-6:
            got = f"2^{bits:.4g} in the smaller one" if math.isfinite(bits) else "a continuum in both"
            expected = f"a layer of no more than 2^{MOST_BITS} configurations"
            raise InputError(expected, got, "estimate ln Z by annealing instead")

    @property
    def _of_hidden(self) -> bool:
        return self.machine.hidden.log_states <= self.machine.visible.log_states

    @property
    def _units(self) -> Units:
        return self.machine.hidden if self._of_hidden else self.machine.visible

    @cached_property
    def _wide(self) -> RestrictedBoltzmannMachine:
        """In double precision."""
        return copy.deepcopy(self.machine).double()

    def _blocks(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Configurations of the summed layer, and the logarithms of their weights."""
        free = self._wide.hidden_free_energy if self._of_hidden else self._wide.free_energy
        total = round(math.exp(self._units.log_states))
        with torch.no_grad():
            step = max(1, BLOCK // (self.machine.visible.size + self.machine.hidden.size))
            for first in range(0, total, step):
                block = self._units.configurations(first, min(first + step, total))
                yield block, -free(block)

    @cached_property
    def log_partition(self) -> float:
        """Ln Z."""
        return float(torch.stack([weights.logsumexp(0) for _, weights in self._blocks()]).logsumexp(0))

    def log_likelihood(self, v: Tensor) -> Tensor:
        """Ln P(v) of each row, (n,).

        Raises
        ------
        InputError
            If rows do not fit the visible units.
        """
        self.machine.visible.check(v)
        with torch.no_grad():
            return -self._wide.free_energy(v.double()) - self.log_partition

    @cached_property
    def moments(self) -> tuple[Tensor, Tensor, Tensor]:
        """⟨v⟩, ⟨h⟩ and ∂ ln Z/∂W, in the shapes of a, b and W."""
        machine = self._wide
        v_mean, h_mean = (
            torch.zeros_like(machine.visible_bias.data),
            torch.zeros_like(machine.hidden_bias.data),
        )
        products = torch.zeros_like(machine.weights.parameter.data)
        with torch.no_grad():
            for block, weights in self._blocks():
                p = (weights - self.log_partition).exp()[:, None]
                if self._of_hidden:
                    v, h = machine.visible.mean(machine.visible_field(block)), block
                else:
                    v, h = block, machine.hidden.mean(machine.hidden_field(block))
                v_mean += (p * v).sum(0)
                h_mean += (p * h).sum(0)
                machine.weights.add_products_(products, p * v, h, 1.0)
        return v_mean, h_mean, products

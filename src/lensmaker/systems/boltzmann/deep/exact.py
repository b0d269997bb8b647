"""Sums over all configurations of every second layer of a deep machine."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import torch
from torch import Tensor

from lensmaker.systems.boltzmann.deep.halves import Joined, Woven, halves
from lensmaker.systems.boltzmann.deep.machine import DeepBoltzmannMachine
from lensmaker.systems.boltzmann.exact import Exact


@dataclass(frozen=True, eq=False)
class ExactDeep:
    """What can be known of a deep machine whose even layers, or odd ones, are small together.

    Raises
    ------
    InputError
        If both have more than 2²⁴ configurations.

    Examples
    --------
    >>> found = ExactDeep(DeepBoltzmannMachine(3, 2, 2))
    >>> round(found.log_likelihood(torch.zeros(1, 3)).exp().item(), 9)  # one of eight
    0.125
    """

    machine: DeepBoltzmannMachine

    def __post_init__(self) -> None:
        _ = self._halves

    @cached_property
    def _halves(self) -> Exact:
        return Exact(halves(self.machine))

    @property
    def log_partition(self) -> float:
        """Ln Z."""
        return self._halves.log_partition

    @torch.no_grad()
    def log_likelihood(self, v: Tensor) -> Tensor:
        """Ln P(v) of each row, (n,): the hidden layers in the fields of a row are a machine with a Z of their own."""
        wide = copy.deepcopy(self.machine).double()
        v = v.double()
        fields = wide.weights[0].up(v, wide.biases[1])
        own = v @ wide.biases[0] - wide.visible.energy(v) - self.log_partition
        if len(wide.layers) == 2:
            return own + wide.layers[1].log_partition(fields)
        above = DeepBoltzmannMachine(*wide.layers[1:], weights=wide.weights[1:])
        for bias, source in zip(above.biases, wide.biases[1:], strict=True):
            bias.copy_(source)
        clamped = halves(above)  # the first hidden layer is an even one now, and comes first
        found = []
        for row in fields:
            clamped.visible_bias[: len(row)] = row
            found.append(Exact(clamped).log_partition)
        return own + own.new_tensor(found)

    @cached_property
    def moments(self) -> tuple[list[Tensor], list[Tensor]]:
        """⟨s_k⟩ of each layer, and ∂ ln Z/∂W_k, in the shapes of b_k and W_k."""
        v, h, products = self._halves.moments
        machine = self._halves.machine
        even = cast(Joined, machine.visible).parts(v)
        odd = cast(Joined, machine.hidden).parts(h)
        means = [(even, odd)[k % 2][k // 2] for k in range(len(self.machine.layers))]
        return means, cast(Woven, machine.weights).shared_out(products)

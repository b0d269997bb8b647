"""The majority rule, and the one that asks it with a weight."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lensmaker.core import InputError, Reference
from lensmaker.core.bibliography import KADANOFF_1976, SWENDSEN_1979
from lensmaker.numerics.draws import uniform_
from lensmaker.systems.spins.coarse_graining.blocks import BlockRule


@dataclass(frozen=True)
class MajorityRule(BlockRule):
    """μ = sign Σ s over the block, and a tossed coin where the sum is zero.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import chain
    >>> MajorityRule(3).apply(torch.tensor([[1, -1, 1, -1, -1, 1]]), chain(6), torch.Generator()).tolist()
    [[1, -1]]
    """

    name = "majority rule"
    references: ClassVar[tuple[Reference, ...]] = (SWENDSEN_1979,)

    def of_blocks(self, blocks: Tensor, generator: torch.Generator) -> Tensor:
        total = blocks.sum(-1, dtype=torch.int32)
        sign = total.sign()
        if self._may_tie(blocks):
            coin = uniform_(torch.empty(sign.shape, device=sign.device), generator) < 0.5
            sign = torch.where(total == 0, 2 * coin.to(sign.dtype) - 1, sign)
        return sign

    def up(self, blocks: Tensor) -> Tensor:
        return (1 + blocks.sum(-1, dtype=torch.int32).sign().double()) / 2

    @staticmethod
    def _may_tie(blocks: Tensor) -> bool:
        return blocks.shape[-1] % 2 == 0


@dataclass(frozen=True)
class TunableMajority(BlockRule):
    """P(μ|s) = e^(pμM)/(2 cosh pM) with M = Σ s over the block: Kadanoff's weight, the majority for p → ∞.

    Parameters
    ----------
    weight
        p ≥ 0.

    Raises
    ------
    InputError
        If the weight is negative or no number.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import square
    >>> up = torch.ones(20_000, 16, dtype=torch.int8)
    >>> rule = TunableMajority(weight=0.25)  # P(+|all up) = 1/(1 + e^(−2))
    >>> found = rule.apply(up, square(4), torch.Generator().manual_seed(0))
    >>> round((found == 1).double().mean().item(), 2), round(1 / (1 + math.exp(-2)), 2)
    (0.88, 0.88)
    """

    weight: float = 1.0

    name = "tunable majority rule"
    references: ClassVar[tuple[Reference, ...]] = (KADANOFF_1976,)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.weight >= 0:
            raise InputError("a weight from 0 on", f"{self.weight}", "pass weight=1.0")

    def of_blocks(self, blocks: Tensor, generator: torch.Generator) -> Tensor:
        if math.isinf(self.weight):
            return MajorityRule(self.factor).of_blocks(blocks, generator)
        up = self.up(blocks)
        return 2 * (uniform_(torch.empty_like(up), generator) < up).to(torch.int8) - 1

    def up(self, blocks: Tensor) -> Tensor:
        if math.isinf(self.weight):
            return MajorityRule(self.factor).up(blocks)
        return torch.sigmoid(2 * self.weight * blocks.sum(-1, dtype=torch.int32).double())

    def __str__(self) -> str:
        return f"{super().__str__()}, weight {self.weight:g}"

"""A block spin in the field of a weighted sum of its block: what real-space mutual information learns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lensmaker.core import InputError, Reference
from lensmaker.core.bibliography import KOCH_JANUSZ_2018
from lensmaker.numerics.draws import uniform_
from lensmaker.systems.spins.coarse_graining.blocks import BlockRule


@dataclass(frozen=True)
class LearnedFilter(BlockRule):
    """P(μ|s) = e^(μ Λ·s)/(2 cosh Λ·s): a hidden unit of a Boltzmann machine of spins, once for each block.

    With equal weights it is the tunable majority rule; the longer Λ, the more it is the sign of Λ·s.

    Parameters
    ----------
    weights
        Λ, one for each site of a block, that of its corner first, the last axis fastest.

    Raises
    ------
    InputError
        If there are none, one is no number, or their number is not that of a block's sites.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import chain
    >>> rule = LearnedFilter(2, (50.0, 1.0))  # the first spin of each pair
    >>> rule.apply(torch.tensor([[1, -1, -1, 1]]), chain(4), torch.Generator()).tolist()
    [[1, -1]]
    """

    weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)

    name = "learned filter"
    references: ClassVar[tuple[Reference, ...]] = (KOCH_JANUSZ_2018,)

    def __post_init__(self) -> None:
        super().__post_init__()
        d = round(math.log(max(len(self.weights), 1), self.factor))
        if d < 1 or self.factor**d != len(self.weights) or not all(map(math.isfinite, self.weights)):
            expected = f"finite weights for a block of side {self.factor}: {self.factor}, {self.factor**2} …"
            raise InputError(expected, f"{self.weights}", "pass one for each site of a block")

    def of_blocks(self, blocks: Tensor, generator: torch.Generator) -> Tensor:
        up = self.up(blocks)
        return 2 * (uniform_(torch.empty_like(up), generator) < up).to(torch.int8) - 1

    def up(self, blocks: Tensor) -> Tensor:
        if blocks.shape[-1] != len(self.weights):
            raise InputError(
                f"blocks of {len(self.weights)} sites",
                f"{blocks.shape[-1]}",
                "take the lattice it learned on",
            )
        weights = torch.tensor(self.weights, dtype=torch.float64, device=blocks.device)
        return torch.sigmoid(2 * (blocks.double() @ weights))

    def __str__(self) -> str:
        return f"{super().__str__()}, weights {', '.join(f'{w:.3g}' for w in self.weights)}"

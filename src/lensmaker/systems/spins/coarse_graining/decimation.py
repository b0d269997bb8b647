"""Decimation: of each block one spin stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lensmaker.core import Reference
from lensmaker.core.bibliography import KADANOFF_1975
from lensmaker.systems.spins.coarse_graining.blocks import BlockRule


@dataclass(frozen=True)
class DecimationRule(BlockRule):
    """μ = s at the corner of the block.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import chain
    >>> DecimationRule().apply(torch.tensor([[1, -1, -1, 1]]), chain(4), torch.Generator()).tolist()
    [[1, -1]]
    """

    name = "decimation"
    references: ClassVar[tuple[Reference, ...]] = (KADANOFF_1975,)

    def of_blocks(self, blocks: Tensor, generator: torch.Generator) -> Tensor:
        return blocks[..., 0]

    def up(self, blocks: Tensor) -> Tensor:
        return (blocks[..., 0] > 0).double()

"""Decimation: of each block one spin stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lensmaker.core import Reference
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
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "kadanoff1975",
            "L. P. Kadanoff, A. Houghton",
            "Numerical evaluations of the critical properties of the two-dimensional Ising model",
            1975,
            "Phys. Rev. B 11, 377",
        ),
    )

    def of_blocks(self, blocks: Tensor, generator: torch.Generator) -> Tensor:
        return blocks[..., 0]

    def up(self, blocks: Tensor) -> Tensor:
        return (blocks[..., 0] > 0).double()

"""A user's function as a coarse-grainer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.spins.coarse_graining.base import CoarseGrainer
from lensmaker.systems.spins.lattices import Lattice


@dataclass(frozen=True, eq=False)
class FunctionRule(CoarseGrainer):
    """Block spins by a function of one's own.

    Parameters
    ----------
    function
        From spins, (n, N), of which it is given a copy, and a generator to block spins of ±1, (n, M).
    fine, blocks
        The lattices of the spins and of the block spins.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import chain
    >>> rule = FunctionRule(lambda s, generator: s[:, ::2] * s[:, 1::2], chain(8), chain(4))
    >>> rule.apply(torch.tensor([[1, 1, 1, -1, -1, -1, -1, 1]]), chain(8), torch.Generator()).tolist()
    [[1, -1, 1, -1]]
    """

    function: Callable[[Tensor, torch.Generator], Tensor]
    fine: Lattice
    blocks: Lattice

    name = "function"

    def coarse(self, lattice: Lattice) -> Lattice:
        if (lattice.name, lattice.shape, lattice.periodic) != (
            self.fine.name,
            self.fine.shape,
            self.fine.periodic,
        ):
            raise InputError(
                f"spins on {self.fine}", str(lattice), "name that lattice as the rule's fine one"
            )
        return self.blocks

    def draw(self, spins: Tensor, lattice: Lattice, generator: torch.Generator) -> Tensor:
        found: object = self.function(spins.clone(), generator)
        if not isinstance(found, Tensor):
            got = f"{type(found).__name__}"
            raise InputError(
                f"a tensor of block spins from {self}", got, "return torch.where(sums > 0, 1, -1)"
            )
        return found

    def __str__(self) -> str:
        return getattr(self.function, "__name__", "function")

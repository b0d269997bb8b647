"""A lattice cut into blocks of b sites along each axis, and the lattice of the blocks."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.spins.coarse_graining.base import CoarseGrainer
from lensmaker.systems.spins.lattices import Lattice, chain, cubic, hypercubic, square, triangular

_MADE: dict[str, Callable[..., Lattice]] = {
    "chain": lambda sites, periodic: chain(sites, periodic=periodic[0]),
    "square": square,
    "triangular": triangular,
    "cubic": cubic,
    "hypercubic": lambda *shape, periodic: hypercubic(shape, periodic=periodic),
}


def coarse_lattice(lattice: Lattice, factor: int) -> Lattice:
    """The same lattice with sides b times shorter.

    Raises
    ------
    InputError
        If it has no blocks of b sites along each axis.

    Examples
    --------
    >>> print(coarse_lattice(square(6, 4), 2))
    square 3 × 2, periodic
    """
    make = _MADE.get(lattice.name)
    if make is None:
        raise InputError(
            f"one of the lattices {', '.join(_MADE)}", f"a {lattice.name} lattice", "take a square one"
        )
    short = [
        n for n, closed in zip(lattice.shape, lattice.periodic, strict=True) if n < (1 + closed) * factor
    ]
    if short or any(n % factor for n in lattice.shape):
        expected = f"sides that are multiples of {factor}, and two blocks or more along a periodic one"
        raise InputError(expected, str(lattice), "choose another side, or another factor")
    return make(*(n // factor for n in lattice.shape), periodic=lattice.periodic)


@dataclass(frozen=True)
class BlockRule(CoarseGrainer):
    """Base of the rules that give each block of b sites along each axis one spin of its own.

    Parameters
    ----------
    factor
        b: how much longer a unit of length becomes.

    Raises
    ------
    InputError
        If b is no whole number from 2 on.
    """

    factor: int = 2

    def __post_init__(self) -> None:
        if not isinstance(self.factor, int) or self.factor < 2:
            raise InputError("a whole factor from 2 on", f"{self.factor!r}", "pass factor=2")

    def coarse(self, lattice: Lattice) -> Lattice:
        return coarse_lattice(lattice, self.factor)

    def draw(self, spins: Tensor, lattice: Lattice, generator: torch.Generator) -> Tensor:
        b, d = self.factor, len(lattice.shape)
        shape: list[Any] = [len(spins)]
        for n in lattice.shape:
            shape += [n // b, b]
        cut = spins.reshape(shape).permute(0, *range(1, 2 * d, 2), *range(2, 2 * d + 1, 2))
        count = math.prod(n // b for n in lattice.shape)  # no −1, which no rows would leave open
        return self.of_blocks(cut.reshape(len(spins), count, b**d), generator)

    @abstractmethod
    def of_blocks(self, blocks: Tensor, generator: torch.Generator) -> Tensor:
        """The spin of each block: (n, M, bᵈ) → (n, M), the first site of a block being its corner."""

    def up(self, blocks: Tensor) -> Tensor:
        """P(μ = 1) of each block, (…, bᵈ) → (…) in double precision.

        Raises
        ------
        InputError
            If the rule does not tell it.
        """
        raise InputError("a rule that tells its probabilities", str(self), "draw from it instead")

    def __str__(self) -> str:
        return f"{self.name} of blocks of {self.factor}"

"""Fields that are averaged over blocks, b × b sites for one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.core import InputError, Where
from lensmaker.systems.fields.gaussian_field import LARGEST, GaussianField


def block_averaged(fields: Tensor, block: int) -> Tensor:
    """φ′(X) = Σ φ(x)/b² over the b × b sites of the block X: (…, N, N) → (…, N/b, N/b).

    Raises
    ------
    InputError
        If the fields are no squares of whole blocks.

    Examples
    --------
    >>> block_averaged(torch.tensor([[1.0, 3.0], [5.0, 7.0]]), 2).tolist()
    [[4.0]]
    """
    if fields.ndim < 2 or fields.shape[-1] != fields.shape[-2]:
        raise InputError("fields (…, N, N)", f"a shape {tuple(fields.shape)}", "pass square fields")
    side = fields.shape[-1]
    _check(side, block)
    kept = side // block
    return fields.reshape(*fields.shape[:-2], kept, block, kept, block).mean((-3, -1))


@dataclass(frozen=True)
class BlockAverage:
    """A Gaussian field that is seen through the averages of its b × b blocks, which are the new sites.

    Attributes
    ----------
    field
        Before.
    block
        b, in sites.

    Raises
    ------
    InputError
        If blocks of this side do not tile the grid.

    Examples
    --------
    >>> BlockAverage(GaussianField(12, (1.0, 1.0)), 3).side
    4
    """

    field: GaussianField
    block: int

    def __post_init__(self) -> None:
        _check(self.field.side, self.block)

    @property
    def side(self) -> int:
        """N/b, in blocks."""
        return self.field.side // self.block

    def where(self, direction: str, order: int) -> Where:
        """The place of the coefficient of |q|^(2·order) along a direction."""
        return _where(self.block, direction, order)

    def sample(self, n: int, generator: torch.Generator) -> AveragedFields:
        """Averages of n independent fields, drawn in parts that fit."""
        part = max(1, min(n, LARGEST // 16 // self.field.side**2))
        sizes = [part] * (n // part) + [n % part] * (n % part > 0)
        drawn = [block_averaged(self.field.sample(size, generator), self.block) for size in sizes]
        if not drawn:
            raise InputError("a number of fields of 1 or more", f"{n}", "draw some")
        return AveragedFields(torch.cat(drawn), self.block)


@dataclass(frozen=True, eq=False)
class AveragedFields:
    """Independent fields that were drawn and averaged.

    Attributes
    ----------
    fields
        (n, N/b, N/b), their means not taken off.
    block
        b of the averages; 1 if there was none.

    Raises
    ------
    InputError
        If they are no stack of squares, not finite, or all one number.
    """

    fields: Tensor
    block: int = 1

    def __post_init__(self) -> None:
        shape = tuple(self.fields.shape)
        if len(shape) != 3 or shape[1] != shape[2] or not self.fields.numel():
            raise InputError(
                "fields (n, N, N)", f"a shape {shape}", "stack square fields along the first axis"
            )
        if self.block < 1:
            raise InputError("blocks of one site or more", f"b = {self.block}", "pass 1 for no average")
        if not bool(torch.isfinite(self.fields).all()):
            raise InputError("finite fields", "infinities or nan", "leave them out")
        if not bool((self.fields != self.fields[0, 0, 0]).any()):
            raise InputError("fields that vary", "one number everywhere", "draw some")

    def where(self, direction: str, order: int) -> Where:
        """The place of the coefficient of |q|^(2·order) along a direction."""
        return _where(self.block, direction, order)


def _where(block: int, direction: str, order: int) -> Where:
    return Where(direction, coordinates=(("block", float(block)), ("order", float(order))))


def _check(side: int, block: int) -> None:
    if block < 1 or side % block:
        raise InputError(f"blocks that tile {side} sites", f"b = {block}", f"choose a divisor of {side}")

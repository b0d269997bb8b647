"""Rows of data in batches, from memory or from files larger than memory, in an order that a seed fixes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.numerics.seeding import stream_seed
from lensmaker.systems.boltzmann.units import Units

BLOCK = 1 << 26
"""Numbers that are read at a time."""


@dataclass(frozen=True, eq=False)
class Rows:
    """A table of rows: a tensor, an array, a memory map, a zarr array or a sparse matrix of scipy, (n, size).

    An epoch takes blocks of neighbouring rows in a random order, and the rows of each block in a random order: a table
    that fits into one block is shuffled as a whole, a larger one is read along, never all of it at once.

    Attributes
    ----------
    source
        What is indexed.
    block
        Rows at a time.
    means
        Whether they are means of units rather than states.
    """

    source: Any
    block: int
    means: bool = False

    def __len__(self) -> int:
        return int(self.source.shape[0])

    @property
    def size(self) -> int:
        """Numbers of a row."""
        return int(self.source.shape[1])

    def check(self, units: Units, block: Tensor, first: int) -> None:
        """Raise what is wrong for units with a block of these, of which `first` is the number of its first row.

        Raises
        ------
        InputError
            If they do not fit.
        """
        check = units.check_means if self.means else units.check
        numbers = getattr(self.source, "rows", None)  # in the table that these are chosen from
        try:
            check(block, first)
        except InputError:
            if numbers is not None:
                for row, number in zip(block, numbers[first : first + len(block)], strict=True):
                    check(row[None], int(number))
            raise

    def read(self, first: int, last: int, dtype: torch.dtype) -> Tensor:
        """Rows first … last − 1."""
        part = self.source[first:last]
        return (part.detach() if isinstance(part, Tensor) else _tensor(part)).to(dtype)

    def blocks(self, dtype: torch.dtype) -> Iterator[tuple[int, Tensor]]:
        """All rows in order, a block at a time, with the number of its first row."""
        for first in range(0, len(self), self.block):
            yield first, self.read(first, min(first + self.block, len(self)), dtype)

    def batches(self, size: int, *, seed: int, epoch: int, skip: int, like: Tensor) -> Iterator[Tensor]:
        """Batches of `size` rows of an epoch from number `skip` on; what is left over at the end of a block is a batch.

        The order depends on seed and epoch alone. Each batch overwrites the one before.
        """
        order = np.random.default_rng([stream_seed("order of rows", seed), epoch])
        starts = np.arange(0, len(self), self.block)
        order.shuffle(starts)
        out, number = like.new_empty(size, self.size), 0
        for start in starts:
            end = min(int(start) + self.block, len(self))
            rows = torch.from_numpy(order.permutation(end - int(start)))
            count = -(-len(rows) // size)
            if number + count <= skip:
                number += count
                continue
            block = self.read(int(start), end, like.dtype).to(like.device)
            for chosen in rows.to(like.device).split(size):
                number += 1
                if number > skip:
                    yield torch.index_select(block, 0, chosen, out=out[: len(chosen)])

    def per_epoch(self, size: int) -> int:
        """Batches of an epoch."""
        whole, rest = divmod(len(self), self.block)
        return whole * -(-self.block // size) + -(-rest // size)


def rows_of(data: Any) -> Rows:
    """Data as a table of rows.

    Raises
    ------
    InputError
        If they are no table of numbers, or an empty one.

    Examples
    --------
    >>> len(rows_of(np.zeros((5, 3))))
    5
    """
    if isinstance(data, Rows):
        return data
    source = data.spins if hasattr(data, "spins") else data
    if isinstance(source, np.ma.MaskedArray) and np.ma.is_masked(source):
        raise InputError("a table without gaps", "a masked array", "fill or leave out what is masked")
    if not hasattr(source, "shape") or hasattr(source, "to_numpy"):
        source = np.asarray(source)
    if hasattr(source, "tocsr"):  # the one sparse format of scipy that is cut along rows
        source = source.tocsr()
    if len(source.shape) != 2 or not all(source.shape):
        got = f"shape {tuple(source.shape)}"
        raise InputError("a table of one row or more, (n, units)", got, "flatten each sample to a row")
    if isinstance(source, Tensor):
        if source.layout != torch.strided:
            raise InputError("a dense tensor", f"a tensor of layout {source.layout}", "call to_dense first")
        kind = "c" if source.is_complex() else "f"
    else:
        kind = source.dtype.kind if isinstance(getattr(source, "dtype", None), np.dtype) else "f"
    if kind not in "fiub":
        raise InputError("real numbers", f"data of type {source.dtype}", "convert them")
    return Rows(source, max(1, BLOCK // int(source.shape[1])))


def _tensor(part: Any) -> Tensor:
    """Rows as torch has them: dense, of no more than double precision, in this machine's order of bytes."""
    block = part.toarray() if hasattr(part, "toarray") else np.array(part)
    if block.dtype.kind == "f" and block.dtype.itemsize > 8:
        block = block.astype(np.float64)
    return torch.from_numpy(block.astype(block.dtype.newbyteorder("="), copy=False))

"""Tables of rows that are changed while they are read, so that they may be larger than memory."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import InputError
from lensmaker.numerics.seeding import stream_seed

STRETCH = 1 << 24
"""Numbers of a table that are read at a time for those rows of it that are chosen."""


class Changed(ABC):
    """What is sliced as the table behind it, (n, size)."""

    source: Any
    dtype: Any = np.dtype(np.float32)

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Rows, and numbers of a row."""

    @abstractmethod
    def __getitem__(self, part: slice) -> NDArray[Any]: ...


@dataclass(frozen=True, eq=False)
class Flat(Changed):
    """Each sample as a row: (n, …) → (n, size).

    Examples
    --------
    >>> Flat(np.zeros((5, 2, 3))).shape
    (5, 6)
    """

    source: Any

    @property
    def shape(self) -> tuple[int, int]:
        n, *rest = self.source.shape
        return int(n), math.prod(map(int, rest))

    @property
    def dtype(self) -> Any:
        kind = getattr(self.source, "dtype", None)
        return kind if isinstance(kind, np.dtype) else np.dtype(np.float32)

    def __getitem__(self, part: slice) -> NDArray[Any]:
        block = np.asarray(self.source[part])
        return block.reshape(len(block), -1)


@dataclass(frozen=True, eq=False)
class Binarised(Changed):
    """Numbers above a threshold become `high`, and others `low`.

    Examples
    --------
    >>> Binarised(np.array([[0.2, 0.7]]), 0.5, -1.0, 1.0)[0:1].tolist()
    [[-1.0, 1.0]]
    """

    source: Any
    threshold: float
    low: float
    high: float

    @property
    def shape(self) -> tuple[int, int]:
        return self.source.shape[0], self.source.shape[1]

    def __getitem__(self, part: slice) -> NDArray[Any]:
        block = self.source[part]
        bad = ~np.isfinite(block).all(1)
        if bad.any():  # a comparison would make a state of it
            row = part.indices(self.shape[0])[0] + int(bad.argmax())
            raise InputError("finite data", f"a number that is not finite in row {row}", "remove or mend it")
        return np.where(block > self.threshold, self.high, self.low).astype(np.float32)


@dataclass(frozen=True, eq=False)
class OneHot(Changed):
    """States 0 … q − 1 become q numbers, one of them 1: (n, sites) → (n, sites · q).

    Examples
    --------
    >>> OneHot(np.array([[2, 0]]), 3)[0:1].tolist()
    [[0.0, 0.0, 1.0, 1.0, 0.0, 0.0]]
    """

    source: Any
    q: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.source.shape[0], self.source.shape[1] * self.q

    def __getitem__(self, part: slice) -> NDArray[Any]:
        block = self.source[part]
        strange = ~np.isin(block, np.arange(self.q))
        if strange.any():
            row = part.indices(self.shape[0])[0] + int(strange.any(1).argmax())
            got = f"{block[strange][0]:g} in row {row}"
            raise InputError(f"states 0 to {self.q - 1}", got, "pass --states, or other units")
        return np.eye(self.q, dtype=np.float32)[block.astype(np.int64)].reshape(len(block), -1)


@dataclass(frozen=True, eq=False)
class Chosen(Changed):
    """Some of the rows, in the order of the table, which is read in stretches: of few rows it is never read at once.

    Attributes
    ----------
    source, rows
        The table, and the numbers in it of the rows that are chosen, in order.

    Examples
    --------
    >>> Chosen(np.arange(8).reshape(4, 2), np.array([1, 3]))[0:2].tolist()
    [[2, 3], [6, 7]]
    """

    source: Any
    rows: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.rows), self.source.shape[1]

    @property
    def dtype(self) -> Any:
        return self.source.dtype

    def __getitem__(self, part: slice) -> NDArray[Any]:
        rows = self.rows[part]
        if not len(rows):
            return np.asarray(self.source[0:0])
        out, k = np.empty((len(rows), self.shape[1]), self.dtype), 0
        span = max(1, STRETCH // self.shape[1])
        while k < len(rows):
            first = int(rows[k])
            end = int(np.searchsorted(rows, first + span))
            out[k:end] = self.source[first : int(rows[end - 1]) + 1][rows[k:end] - first]
            k = end
        return out


def parted(table: Any, share: float, seed: int) -> tuple[Chosen, Chosen]:
    """Rows to learn from, and a share that is drawn at random and held out.

    Raises
    ------
    InputError
        If either is empty.
    """
    n = int(table.shape[0])
    count = round(share * n) if 0 < share < 1 else 0
    if not 0 < count < n:
        got = f"{share:g} of {n} rows"
        raise InputError("a share of rows that leaves one or more to both sides", got, "pass --held-out 0.1")
    order = np.random.default_rng(stream_seed("rows held out", seed)).permutation(n)
    return Chosen(table, np.sort(order[count:])), Chosen(table, np.sort(order[:count]))

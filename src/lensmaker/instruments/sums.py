"""Sums over samples, a block of the tensor at a time: only numbers per sample remain.

Small tensors are added up in double precision. In large ones of single precision a block is added up as it is,
and the blocks in double precision: an error of 1e-6, of which only double precision remains where numbers leave the
range of single precision, or a variance nearly cancels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.numerics.resampling import Estimate, jackknife_error

BLOCK = 1 << 18
"""Entries that are in double precision at a time: 2 MiB, about a processor's cache."""

LARGE = 1 << 16
"""Entries of single precision from which on blocks are added up as they are."""

_SHORT, _LONG = 1e-13, 1e13
"""Lengths of rows between which squares in single precision neither vanish nor overflow."""


def blocks(rows: torch.Tensor) -> Iterator[torch.Tensor]:
    """A few rows at a time."""
    yield from rows.split(max(1, BLOCK // max(1, rows.shape[1])))


def squares(rows: torch.Tensor) -> NDArray[np.float64]:
    """Mean square (of the modulus) of each row.

    Examples
    --------
    >>> squares(torch.tensor([[3.0, 4.0], [0.0, 2.0**-100]])).tolist()  # single precision ends at 2⁻¹⁴⁹
    [12.5, 3.11...e-61]
    """
    n = rows.shape[1]
    if _is_large(rows):
        found = torch.stack([torch.linalg.vector_norm(x, dim=1) for x in _columns(rows)]).double()
        if bool(((found > _SHORT) & (found < _LONG)).all()):
            return numbers(found.square().sum(0) / n)
    parts = torch.view_as_real(rows).flatten(1) if rows.is_complex() else rows
    return numbers(torch.cat([torch.linalg.vecdot(x, x) for x in map(_double, blocks(parts))]) / n)


@dataclass(frozen=True)
class Cosines:
    """What the mean cosine between n different vectors needs: S = Σ x̂ᵢ over unit vectors.

    Attributes
    ----------
    square
        |S|².
    projections
        x̂ᵢ·S of each vector that is not zero, shape (n,).

    Examples
    --------
    >>> x, y, z = torch.eye(3, dtype=torch.float64)
    >>> Cosines.of(torch.stack([x, 5 * x, y])).estimate().value  # cosines 1, 0, 0
    0.333...
    """

    square: float
    projections: NDArray[np.float64]

    @classmethod
    def of(cls, rows: torch.Tensor) -> Cosines:
        """Read the rows of a matrix."""
        total = torch.zeros(rows.shape[1], dtype=torch.float64, device=rows.device)
        inverse = []
        for x in map(_double, blocks(rows)):
            inverse.append(_inverse_norm(torch.linalg.vecdot(x, x)))
            total += inverse[-1] @ x
        return cls.from_sum(rows, total, torch.cat(inverse))

    @classmethod
    def from_sum(cls, rows: torch.Tensor, total: torch.Tensor, inverse: torch.Tensor) -> Cosines:
        """From the sum S and the inverse norms of the rows, where they are known already."""
        # The projections serve the error alone: single precision does.
        single = rows.dtype if rows.dtype in (torch.float32, torch.float64) else torch.float32
        projections = torch.cat([x.to(single) @ total.to(single) for x in blocks(rows)]).double() * inverse
        return cls(float(total @ total), numbers(projections[inverse != 0]))

    def estimate(self) -> Estimate:
        """Mean cosine over the n(n−1) pairs, c = (|S|² − n)/(n(n−1)), with its jackknife error.

        Without vector i: |S − x̂ᵢ|² = |S|² − 2 x̂ᵢ·S + 1 over n − 1 vectors. Zero vectors have no direction and
        are left out; fewer than two others have no pair, and the value is nan.
        """
        n = len(self.projections)
        if n < 2:
            return Estimate(float("nan"), float("inf"))
        value = (self.square - n) / (n * (n - 1))
        if n < 3:
            return Estimate(value, float("inf"))
        without = (self.square - 2 * self.projections + 1 - (n - 1)) / ((n - 1) * (n - 2))
        return Estimate(value, jackknife_error(without))


@dataclass(frozen=True)
class RowSums:
    """One number a row: ⟨x²⟩, ⟨x⟩, the fraction of zeros; and the cosines between rows.

    `token_cosines` holds the mean cosine between the positions of each row, where rows are made of positions.
    """

    second_moment: NDArray[np.float64]
    mean: NDArray[np.float64]
    zero_fraction: NDArray[np.float64]
    cosines: Cosines
    token_cosines: NDArray[np.float64] | None = None


def row_sums(rows: torch.Tensor, tokens: int | None = None) -> RowSums:
    """All sums of a matrix of rows; `tokens` says of how many positions a row is made."""
    if _is_large(rows) and (sums := _single_sums(rows, tokens)) is not None:
        return sums
    total = torch.zeros(rows.shape[1], dtype=torch.float64, device=rows.device)
    second, first, zero, inverse, token = [], [], [], [], []
    for block in blocks(rows):
        x = _double(block)
        first.append(x.sum(1))
        second.append(torch.linalg.vecdot(x, x))
        zero.append(torch.eq(block, 0, out=torch.empty(block.shape, device=block.device)).sum(1))
        inverse.append(_inverse_norm(second[-1]))
        total += inverse[-1] @ x
        if tokens:
            token.append(_mean_cosine(x.unflatten(1, (tokens, -1))))
    n = rows.shape[1]
    return RowSums(
        numbers(torch.cat(second) / n),
        numbers(torch.cat(first) / n),
        numbers(torch.cat(zero).double() / n),
        Cosines.from_sum(rows, total, torch.cat(inverse)),
        numbers(torch.cat(token)) if tokens else None,
    )


def _single_sums(rows: torch.Tensor, tokens: int | None) -> RowSums | None:
    """`row_sums` of blocks in single precision; None where that does not do."""
    n = rows.shape[1]
    lengths, firsts, zeros = [], [], []
    for x in _columns(rows):
        lengths.append(torch.linalg.vector_norm(x, dim=1))
        firsts.append(x.sum(1))
        zeros.append(torch.eq(x, 0, out=torch.empty(x.shape, device=x.device)).sum(1))
    length = torch.stack(lengths).double()
    second = length.square().sum(0)
    first, zero = (torch.stack(parts).double().sum(0) for parts in (firsts, zeros))
    in_range = ((length > _SHORT) & (length < _LONG)).all(0) | (zero == n)
    if not bool(in_range.all()) or bool((first.square() > _NEARLY * n * second).any()):
        return None
    inverse = _inverse_norm(second)
    single = inverse.float()
    square, projections = 0.0, torch.zeros_like(second)
    for x in _columns(rows):
        total = single @ x
        square += float(total.double().square().sum())
        projections += x @ total
    return RowSums(
        numbers(second / n),
        numbers(first / n),
        numbers(zero / n),
        Cosines(square, numbers((projections * inverse)[inverse != 0])),
        numbers(_mean_cosine(rows.unflatten(1, (tokens, -1)))) if tokens else None,
    )


_NEARLY = 0.9
"""Share of ⟨x⟩² in ⟨x²⟩ from which on their difference is left to double precision."""


def _is_large(rows: torch.Tensor) -> bool:
    return rows.dtype == torch.float32 and rows.numel() >= LARGE


def _columns(rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """A few columns at a time."""
    return rows.split(max(1, BLOCK // len(rows)), dim=1)


def _mean_cosine(x: torch.Tensor) -> torch.Tensor:
    """Mean cosine over pairs of the T vectors in each (T, D) of x, nan where fewer than two are not zero."""
    inverse = _inverse_norm(torch.linalg.vecdot(x, x).double())
    total = (inverse.to(x.dtype).unsqueeze(-2) @ x).squeeze(-2).double()
    n = (inverse != 0).sum(-1)
    return (torch.linalg.vecdot(total, total) - n) / (n * (n - 1))


def _inverse_norm(square: torch.Tensor) -> torch.Tensor:
    """1/|x|; 0 for a vector without direction, nan for one that is not finite."""
    return torch.where(square == 0, 0.0, square.rsqrt() + 0 * square)


def _double(x: torch.Tensor) -> torch.Tensor:
    return x.to(torch.float64)


def numbers(x: torch.Tensor) -> NDArray[np.float64]:
    """A tensor as an array of its own."""
    return np.array(x.detach().cpu().numpy(), dtype=np.float64)

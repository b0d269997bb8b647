"""Sums over samples in double precision, a block of the tensor at a time: only numbers per sample remain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.numerics.resampling import Estimate, jackknife_error

BLOCK = 1 << 18
"""Entries that are in double precision at a time: 2 MiB, about a processor's cache."""


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
    """All sums of a matrix of rows in one reading; `tokens` says of how many positions a row is made."""
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


def _mean_cosine(x: torch.Tensor) -> torch.Tensor:
    """Mean cosine over pairs of the T vectors in each (T, D) of x, nan where fewer than two are not zero."""
    inverse = _inverse_norm(torch.linalg.vecdot(x, x))
    total = (inverse.unsqueeze(-2) @ x).squeeze(-2)
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

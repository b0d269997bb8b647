"""From each lane to the one a block further on: shifts of words, and words that change places."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lensmaker.systems.spins.sampling.tables.packing import strides
from lensmaker.systems.spins.sampling.walks.lanes import load, spread, turned

Words = NDArray[np.uint64]

_FULL = 2**64 - 1
_PLAIN = 0
_TURNS = {(2, 1): 1, (4, 1): 2, (8, 1): 3, (2, -1): 4, (4, -1): 5, (8, -1): 6}


def lane_steps(blocks: tuple[int, ...]) -> Words:
    """What `across` needs for each step, (1 + 2d, 5): two turns, two shifts and a mask.

    With x of the lanes as they are, y = (turn₁(x) ≫ r) & m | (turn₂(x) ≪ l) & ~m.
    """
    rows = [(_PLAIN, _PLAIN, 0, 0, _FULL)]
    for stride, pieces in zip(strides(blocks), blocks, strict=True):
        rows += [_forth(stride, pieces), _back(stride, pieces)]
    return np.array(rows, np.uint64)


def _forth(stride: int, pieces: int) -> tuple[int, int, int, int, int]:
    """Lane λ from λ + stride, around in pieces·stride lanes."""
    if pieces == 1:
        return _PLAIN, _PLAIN, 0, 0, _FULL
    around = stride * pieces
    if around <= 64:
        return _PLAIN, _PLAIN, stride, around - stride, _bits(lambda b: b % around < around - stride)
    turn = _TURNS[around // 64, 1]
    if stride == 64:
        return turn, _PLAIN, 0, 0, _FULL
    return _PLAIN, turn, stride, 64 - stride, _bits(lambda b: b < 64 - stride)


def _back(stride: int, pieces: int) -> tuple[int, int, int, int, int]:
    """Lane λ from λ − stride."""
    if pieces == 1:
        return _PLAIN, _PLAIN, 0, 0, _FULL
    around = stride * pieces
    if around <= 64:
        return _PLAIN, _PLAIN, around - stride, stride, _bits(lambda b: b % around < stride)
    turn = _TURNS[around // 64, -1]
    if stride == 64:
        return turn, _PLAIN, 0, 0, _FULL
    return turn, _PLAIN, 64 - stride, stride, _bits(lambda b: b < stride)


def _bits(chosen: Callable[[int], bool]) -> int:
    return sum(1 << b for b in range(64) if chosen(b))


@njit(inline="always")
def _turn(x, kind):  # type: ignore[no-untyped-def]
    if kind == 0:
        return x
    if kind == 1:
        return turned(x, 2, 1)
    if kind == 2:
        return turned(x, 4, 1)
    if kind == 3:
        return turned(x, 8, 1)
    if kind == 4:
        return turned(x, 2, -1)
    if kind == 5:
        return turned(x, 4, -1)
    return turned(x, 8, -1)


@njit
def across(spins, site, step, steps):  # type: ignore[no-untyped-def]
    """The spins at `site` of the lanes a step away from each."""
    x = load(spins, site)
    if step == 0:
        return x
    mask = spread(steps[step, 4])
    right, left = _turn(x, steps[step, 0]) >> steps[step, 2], _turn(x, steps[step, 1]) << steps[step, 3]
    return (right & mask) | (left & ~mask)

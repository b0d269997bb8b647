"""How chains are laid into 512 lanes of bits: a lane is a chain, or a block of one whose lattice is cut up."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensmaker.systems.spins.lattices import Lattice
from lensmaker.systems.spins.sampling.rule import Spins
from lensmaker.systems.spins.sampling.tables.colouring import colours
from lensmaker.systems.spins.sampling.tables.equal_pairs import Pairs

Integers = NDArray[np.int64]
Words = NDArray[np.uint64]

LANES = 512
"""Bits that are moved at a time."""

_CACHED = 8192
"""Sites of 64 bytes that stay in a core's own cache."""


@dataclass(frozen=True, eq=False)
class Packing:
    r"""Lane c·B + b holds block b of chain c; in all lanes site ℓ of a block is moved at the same time.

    Blocks are cut along periodic axes into powers of two. A bond that leaves a block leads to the same bit of a
    word at another place: to another lane, one step along one axis.

    Attributes
    ----------
    blocks
        Pieces that each axis of the lattice is cut into; their product is B. Empty where nothing is cut.
    site_of
        The site that is ℓ in block b, (B, n).
    near
        The other ends of the bonds at ℓ, numbers of sites inside of a block, (n, z), filled up with −1.
    step
        The lane that each leads to: 0 for the same, 2a + 1 for the next block along axis a, 2a + 2 for the one before.
    negative
        Bonds with σ = −1, (n, z).
    first
        Whether the bond is counted at this end, (n, z).
    classes
        Where each class of sites ends that no bond joins, (classes + 1,); sites are numbered class after class.
    """

    blocks: tuple[int, ...]
    site_of: Integers
    near: Integers
    step: Integers
    negative: NDArray[np.bool_]
    first: NDArray[np.bool_]
    classes: Integers

    @property
    def chains(self) -> int:
        """Chains in a group of 512 lanes."""
        return LANES // len(self.site_of)

    @property
    def sites(self) -> int:
        """Sites of a block, n."""
        return self.site_of.shape[1]

    def packed(self, spins: Spins) -> Words:
        """(chains, N) → (groups, n, 8); the last group is filled up with copies."""
        groups = -(-len(spins) // self.chains)
        filled = spins[np.arange(groups * self.chains) % len(spins)].reshape(groups, self.chains, -1)
        found = np.empty((groups, self.sites, LANES // 64), np.uint64)
        for group, chains in zip(found, filled, strict=True):
            lanes = (chains[:, self.site_of] > 0).reshape(LANES, self.sites)
            bytes_ = np.packbits(lanes.T, axis=1, bitorder="little")
            group[:] = np.ascontiguousarray(bytes_).view("<u8")
        return found

    def unpacked(self, words: Words, count: int) -> Spins:
        """(groups, n, 8) → the first so many chains, (chains, N)."""
        found = np.empty((len(words), self.chains, self.site_of.size), np.int8)
        for chains, group in zip(found, words, strict=True):
            lanes = self.lanes(group)
            chains[:, self.site_of] = 2 * lanes.T.reshape(self.chains, *self.site_of.shape).view(np.int8) - 1
        return found.reshape(-1, self.site_of.size)[:count]

    @staticmethod
    def lanes(words: Words) -> NDArray[np.uint8]:
        """The bits of each row, (n, 8) → (n, 512)."""
        bytes_ = np.ascontiguousarray(words).astype("<u8", copy=False).view(np.uint8)
        return np.unpackbits(bytes_.reshape(len(words), -1), axis=1, bitorder="little")


def packing(pairs: Pairs, chains: int) -> Packing:
    """The layout in which a sweep of so many chains moves the fewest words; of equal ones, that with most chains.

    Lattices are cut where lanes would stay empty, and where 512 of them are more than the cache holds.
    """
    options = []
    for b in range(10):
        blocks = cuts(pairs.lattice, 2**b) if b else ()
        if blocks is not None:
            n = pairs.sites // 2**b
            work = -(-chains * 2**b // LANES) * n * (2 if n > _CACHED else 1)
            options.append((work, b, blocks))
    return next(found for _, _, blocks in sorted(options) if (found := cut(pairs, blocks)) is not None)


def cuts(lattice: Lattice | None, count: int) -> tuple[int, ...] | None:
    """Pieces along each axis, `count` in all, so that the longest sides are halved first; None if it cannot be.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import square
    >>> cuts(square(64), 512), cuts(square(6), 8)
    ((16, 32), None)
    """
    if lattice is None:
        return None
    pieces = [1] * len(lattice.shape)
    while math.prod(pieces) < count:
        sides = [
            (n // k, a)
            for a, (n, k, periodic) in enumerate(zip(lattice.shape, pieces, lattice.periodic, strict=True))
            if periodic and n % (2 * k) == 0 and n // k >= 4
        ]
        if not sides:
            return None
        pieces[max(sides)[1]] *= 2
    return tuple(pieces)


def strides(blocks: tuple[int, ...]) -> tuple[int, ...]:
    """How far apart in lanes the next block along each axis is: axes with few pieces first."""
    found, at = [0] * len(blocks), 1
    for axis in sorted(range(len(blocks)), key=lambda a: blocks[a]):
        found[axis] = at
        at *= blocks[axis]
    return tuple(found)


def cut(pairs: Pairs, blocks: tuple[int, ...]) -> Packing | None:
    """The layout with these pieces; None where blocks are not alike, or a bond leads further than one step."""
    ends, signs = pairs.ends, pairs.signs
    count = math.prod(blocks)
    if count == 1:
        zero = np.zeros(len(ends), np.int64)
        return _tables((), np.arange(pairs.sites)[None], ends, zero, zero, signs)
    assert pairs.lattice is not None
    if (
        any(s > 64 for s, k in zip(strides(blocks), blocks, strict=True) if k > 1)
        or (signs != signs[0]).any()
    ):
        return None
    shape, basis = pairs.lattice.shape, pairs.lattice.basis
    inner = tuple(n // k for n, k in zip(shape, blocks, strict=True))
    cell = np.stack(np.unravel_index(np.arange(pairs.sites) // basis, shape), 1)
    block, inside = cell // inner, cell % inner
    lane = block @ np.array(strides(blocks))
    local = np.ravel_multi_index(tuple(inside.T), inner) * basis + np.arange(pairs.sites) % basis
    site_of = np.empty((count, pairs.sites // count), np.int64)
    site_of[lane, local] = np.arange(pairs.sites)
    away = (block[ends[:, 1]] - block[ends[:, 0]]) % np.array(blocks)
    n = pairs.sites // count
    code = (local[ends[:, 0]] * n + local[ends[:, 1]]) * count + np.ravel_multi_index(tuple(away.T), blocks)
    kinds, alike = np.unique(code, return_counts=True)
    if (alike % count).any():
        return None
    kinds = np.repeat(kinds, alike // count)
    there = np.array([_step(away, blocks) for away in np.ndindex(*blocks)])
    forth, between = there[kinds % count], np.stack([kinds // count // n, kinds // count % n], 1)
    if (forth < 0).any() or (between[:, 0] == between[:, 1]).any():
        return None
    back = np.where(forth > 0, (forth - 1 ^ 1) + 1, 0)
    return _tables(blocks, site_of, between, forth, back, np.full(len(kinds), signs[0]))


def _step(away: tuple[int, ...], blocks: tuple[int, ...]) -> int:
    """The number of a step to the block so far away; −1 if it is none along one axis."""
    axes = [a for a, by in enumerate(away) if by]
    if not axes:
        return 0
    if len(axes) > 1 or away[axes[0]] not in (1, blocks[axes[0]] - 1):
        return -1
    return 2 * axes[0] + (1 if away[axes[0]] == 1 else 2)


def _tables(
    blocks: tuple[int, ...],
    site_of: Integers,
    ends: Integers,
    forth: Integers,
    back: Integers,
    signs: Integers,
) -> Packing:
    """Bonds as seen from both ends, a row for each site; sites in the order of their colours."""
    n = site_of.shape[1]
    colour = colours(n, ends)
    by_colour = np.argsort(colour, kind="stable")
    site_of, ends = site_of[:, by_colour], np.argsort(by_colour)[ends]
    at, to = np.concatenate([ends[:, 0], ends[:, 1]]), np.concatenate([ends[:, 1], ends[:, 0]])
    order = np.argsort(at, kind="stable")
    degree = np.bincount(at, minlength=n)
    column = np.arange(len(at)) - np.repeat(np.cumsum(degree) - degree, degree)
    width = int(degree.max(initial=0))
    slots = at[order], column
    first = np.arange(len(at)) < len(ends)
    return Packing(
        blocks,
        site_of,
        _filled((n, width), slots, to[order], -1),
        _filled((n, width), slots, np.concatenate([forth, back])[order], 0),
        _filled((n, width), slots, (np.concatenate([signs, signs]) < 0)[order].astype(np.int64), 0) > 0,
        _filled((n, width), slots, first[order].astype(np.int64), 0) > 0,
        np.concatenate([[0], np.cumsum(np.bincount(colour))]),
    )


def _filled(
    shape: tuple[int, int], slots: tuple[Integers, Integers], values: Integers, rest: int
) -> Integers:
    found = np.full(shape, rest, np.int64)
    found[slots] = values
    return found

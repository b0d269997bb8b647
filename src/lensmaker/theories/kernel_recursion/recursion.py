"""The recursion of one network: its laws in order, run over blocks of pairs of inputs that stay in the cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.numerics.shared_out import shared_out
from lensmaker.theories.kernel_recursion.duals import Dual
from lensmaker.theories.kernel_recursion.laws import GRAIN, ElementWise, Geometry, Law, Pair, Space, slabs

_BLOCK_OF_POSITIONS = 250_000
"""Numbers in a block where inputs come with all pairs of positions; others have at most `GRAIN`."""


Matrices = dict[int, tuple[Tensor, Tensor | None]]
"""Value of the train → its NNGP and tangent kernel."""


@dataclass(frozen=True)
class Step:
    """A law, the values that it takes, the value that it makes."""

    law: Law | ElementWise
    inputs: tuple[int, ...]
    output: int


@dataclass(frozen=True)
class Recursion:
    """What happens to the kernels in one network.

    Attributes
    ----------
    sources
        Value → how it follows from the inputs of the network, as (n, units, *space).
    steps
        In order.
    spaces
        Value → sizes of its axes of positions.
    full
        Whether all pairs of positions matter: where positions are averaged before they meet a weight.
    """

    sources: dict[int, Callable[[Tensor], Tensor]]
    steps: tuple[Step, ...]
    spaces: dict[int, Space]
    full: bool

    def matrices(
        self, x1: Tensor, x2: Tensor | None, wanted: Collection[int], tangent: bool
    ) -> tuple[Matrices, str]:
        """Kernels of all pairs, of each value in `wanted`, positions averaged, and a reason to doubt them."""
        with torch.no_grad():
            data = {v: read(x1 if x2 is None else torch.cat([x1, x2])) for v, read in self.sources.items()}
            run = _Run(self, data, frozenset(wanted), Geometry(self.full, tangent))
            own = run.own()
            found = run.across(len(x1), x2 is None)
            if x2 is None:
                halves = [both for v in found for both in zip(found[v], own[v], strict=True)]
                shared_out(_mirror, halves)
        return found, run.doubt


@dataclass
class _Run:
    recursion: Recursion
    data: dict[int, Tensor]
    wanted: frozenset[int]
    geometry: Geometry

    def __post_init__(self) -> None:
        self.last_use = {v: i for i, step in enumerate(self.recursion.steps) for v in step.inputs}
        self.profiles: dict[int, Tensor] = {}
        self.doubt = ""
        first = next(iter(self.data.values()))
        self.count, self.dtype = len(first), first.dtype
        positions = max(math.prod(space) for space in self.recursion.spaces.values())
        self.numbers = positions**2 if self.geometry.full else positions

    # -- an input with itself -----------------------------------------------------------------------

    def own(self) -> Matrices:
        """The diagonals, (n,), for each wanted value; on the way the variances that activations need."""
        some = max(1, _BLOCK_OF_POSITIONS // self.numbers) if self.geometry.full else self.count
        parts = shared_out(self._own_part, [slice(i, i + some) for i in range(0, self.count, some)])
        for i in parts[0][1]:
            a = torch.cat([variances[i] for _, variances in parts])
            self.profiles[i] = self._dual(i).profile(a)
            self.doubt = self.doubt or self._dual(i).doubt(a)
        found: Matrices = {}
        for v in self.wanted:
            K, Θ = zip(*(matrices[v] for matrices, _ in parts), strict=True)
            found[v] = torch.cat(K).flatten(), torch.cat(Θ).flatten() if self.geometry.tangent else None
        return found

    def _own_part(self, rows: slice) -> tuple[Matrices, dict[int, Tensor]]:
        variances: dict[int, Tensor] = {}

        def activate(i: int, x: Pair) -> Pair:
            space = self.recursion.spaces[self.recursion.steps[i].output]
            variances[i] = self.geometry.same(x.K, space).squeeze(1).clone()
            return self._own_activation(i, x, variances[i], space)

        blocks = {v: self._gram(X[rows], X[rows], paired=True) for v, X in self.data.items()}
        return self._walk(blocks, activate), variances

    def _own_activation(self, i: int, x: Pair, a: Tensor, space: Space) -> Pair:
        dual = self._dual(i)
        M, χ = dual.own(a)
        M, χ = M.unsqueeze(1), χ.unsqueeze(1)
        if self.geometry.full:
            profile = dual.profile(a)
            rows, columns = (self._placed(profile, side, 2, space) for side in (0, 1))
            diagonal = None if x.Θ is None else self.geometry.same(x.Θ, space) * χ
            x = _activated(dual, x, rows, columns)
            self.geometry.same(x.K, space).copy_(M)
            if x.Θ is not None and diagonal is not None:
                self.geometry.same(x.Θ, space).copy_(diagonal)
            return x
        return Pair(M, None if x.Θ is None else x.Θ.mul_(χ))

    # -- pairs of different inputs ------------------------------------------------------------------

    def across(self, rows: int, symmetric: bool) -> Matrices:
        """(rows, columns) of each wanted value: all pairs, or at least those above the diagonal."""
        columns = rows if symmetric else self.count - rows
        offset = 0 if symmetric else rows
        found: Matrices = {v: self._empty(rows, columns) for v in self.wanted}

        def fill(block: tuple[int, int, int, int]) -> None:
            top, bottom, left, right = block
            here, there = slice(top, bottom), slice(offset + left, offset + right)
            blocks = {v: self._gram(X[here], X[there], paired=False) for v, X in self.data.items()}
            for v, parts in self._walk(blocks, lambda i, x: self._activation(i, x, here, there)).items():
                for whole, part in zip(found[v], parts, strict=True):
                    if whole is not None and part is not None:
                        whole[top:bottom, left:right] = part

        shared_out(fill, list(self._blocks(rows, columns, symmetric)))
        return found

    def _blocks(self, rows: int, columns: int, symmetric: bool) -> Iterator[tuple[int, int, int, int]]:
        if self.geometry.full:
            high, wide, beyond = 1, max(1, _BLOCK_OF_POSITIONS // self.numbers), 1
        else:
            pairs = max(1, GRAIN // self.numbers)
            wide = min(columns, max(1, 2 * math.isqrt(pairs // 2)))
            high, beyond = max(1, pairs // wide), 0
        for top in range(0, rows, high):
            bottom = min(top + high, rows)
            for left in range(top + beyond if symmetric else 0, columns, wide):
                yield top, bottom, left, min(left + wide, columns)

    def _activation(self, i: int, x: Pair, rows: slice, columns: slice) -> Pair:
        space = self.recursion.spaces[self.recursion.steps[i].output]
        profile = self.profiles[i]
        return _activated(
            self._dual(i),
            x,
            self._placed(profile[:, rows], 0, 2, space),
            self._placed(profile[:, columns], 1, 1, space),
        )

    # -- both ---------------------------------------------------------------------------------------

    def _walk(self, blocks: dict[int, Pair], activate: Callable[[int, Pair], Pair]) -> Matrices:
        live, found = dict(blocks), {}

        def taken(v: int, i: int) -> Pair:
            if self.last_use[v] == i:
                return live.pop(v)
            x = live[v]
            return Pair(x.K.clone(), None if x.Θ is None else x.Θ.clone())

        for i, step in enumerate(self.recursion.steps):
            pairs = [taken(v, i) for v in step.inputs]
            law = step.law
            x = activate(i, pairs[0]) if isinstance(law, ElementWise) else law(pairs, self.geometry)
            live[step.output] = x
            if step.output in self.wanted:
                flat = (
                    self.geometry.flat(K, self.recursion.spaces[step.output])
                    for K in (x.K, x.Θ)
                    if K is not None
                )
                K, *Θ = (k.clone() for k in flat)
                zero = torch.zeros_like(K) if self.geometry.tangent else None
                found[step.output] = (K, Θ[0] if Θ else zero)
            if step.output not in self.last_use:
                del live[step.output]
        return found

    def _gram(self, X: Tensor, Y: Tensor, paired: bool) -> Pair:
        """⟨x xᵀ⟩ over the units, of all pairs or of each input with itself."""
        space = X.ndim - 2
        here, there = "abc"[:space], "ABC"[:space] if self.geometry.full else "abc"[:space]
        sides = "".join(p + q for p, q in zip(here, there, strict=True)) if self.geometry.full else here
        K = torch.einsum(f"iu{here},{'i' if paired else 'j'}u{there}->i{'' if paired else 'j'}{sides}", X, Y)
        return Pair((K.unsqueeze(1) if paired else K).div_(X.shape[1]))

    def _placed(self, profile: Tensor, side: int, axis: int, space: Space) -> Tensor:
        """(m, n, *space) spread along the axes of a block that are the other input's."""
        profile = profile.unsqueeze(axis)
        if self.geometry.full:
            for i in range(len(space)):
                profile = profile.unsqueeze(3 + 2 * i + (1 - side))
        return profile

    def _dual(self, i: int) -> Dual:
        law = self.recursion.steps[i].law
        assert isinstance(law, ElementWise)
        return law.dual

    def _empty(self, rows: int, columns: int) -> tuple[Tensor, Tensor | None]:
        K = torch.zeros(rows, columns, dtype=self.dtype)
        return K, K.clone() if self.geometry.tangent else None


def _activated(dual: Dual, x: Pair, rows: Tensor, columns: Tensor) -> Pair:
    """K → M, Θ → Θχ, slab by slab."""
    for slab in slabs(x.K):
        # of a profile, the first axis is its own; an axis that it does not have is broadcast
        sides = (
            s if s.shape[3:4] == (1,) or s.ndim < 4 else s[(slice(None), *slab)] for s in (rows, columns)
        )
        M, χ = dual.pairs(x.K[slab], *sides)
        x.K[slab] = M
        if x.Θ is not None:
            x.Θ[slab].mul_(χ)
    return x


def _mirror(half: tuple[Tensor | None, Tensor | None]) -> None:
    """The upper triangle below the diagonal as well, which is known by itself."""
    matrix, diagonal = half
    if matrix is not None and diagonal is not None:
        matrix.triu_(1)
        matrix += matrix.T.clone()
        matrix.diagonal().copy_(diagonal)

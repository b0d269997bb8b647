"""The laws: what an element of the train does to the kernels of a block of pairs of inputs.

A block holds the covariances K of I × J pairs of inputs, at the same position of both, (I, J, *space), or at
all pairs of positions, (I, J, h, h′, w, w′): the two positions' coordinates along one axis of space lie side by
side. Θ has the same shape; None stands for zero, before the first parameter.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.theories.kernel_recursion.duals import Dual

Space = tuple[int, ...]

GRAIN = 64_000
"""Numbers that an operation is given at once: a few such tensors stay in the cache from one pass to the next."""


@dataclass
class Pair:
    """The two kernels of a block; a law may overwrite those that it is given."""

    K: Tensor
    Θ: Tensor | None = None


@dataclass(frozen=True)
class Geometry:
    """How positions lie in a block.

    Attributes
    ----------
    full
        Whether all pairs of positions are there, or only pairs of equal positions.
    tangent
        Whether Θ is wanted.
    """

    full: bool
    tangent: bool

    def axes(self, space: Space) -> list[tuple[int, ...]]:
        """The axes of a block that belong to each axis of space."""
        width = 2 if self.full else 1
        return [tuple(range(2 + width * i, 2 + width * (i + 1))) for i in range(len(space))]

    def same(self, K: Tensor, space: Space) -> Tensor:
        """(I, J, *space): pairs of equal positions."""
        if self.full:
            for _ in space:
                K = K.diagonal(dim1=2, dim2=3)
        return K

    def flat(self, K: Tensor, space: Space) -> Tensor:
        """(I, J): the mean over pairs of equal positions, which a layer on all of them sees."""
        return self.same(K, space).flatten(2).mean(2) if space else K


class Law(ABC):
    """An element's action on blocks."""

    @abstractmethod
    def __call__(self, pairs: list[Pair], geometry: Geometry) -> Pair:
        """The kernels that leave the element, given those that enter it."""


@dataclass(frozen=True)
class Scales:
    """σ_w², σ_b², and what the parameters add to Θ: for each ⟨x x′⟩ by weights, and by biases."""

    weight: float
    bias: float
    learning_weight: float
    learning_bias: float

    def __call__(self, averaged: Pair, tangent: bool) -> Pair:
        """K → σ_w² K + σ_b²,  Θ → σ_w² Θ + η_w K + η_b."""
        K, Θ = averaged.K, averaged.Θ
        if tangent and Θ is None:
            Θ = torch.zeros_like(K)
        for slab in slabs(K):
            k = K[slab]
            if Θ is not None:
                Θ[slab].mul_(self.weight).add_(k, alpha=self.learning_weight)
                if self.learning_bias:
                    Θ[slab].add_(self.learning_bias)
            k.mul_(self.weight)
            if self.bias:
                k.add_(self.bias)
        return Pair(K, Θ)


@dataclass(frozen=True)
class Dense(Law):
    """A random matrix on the units, at each position by itself or, where they are flattened, on all at once."""

    scales: Scales
    flattened: Space = ()

    def __call__(self, pairs: list[Pair], geometry: Geometry) -> Pair:
        (x,) = pairs
        if self.flattened:
            x = _both(x, lambda K: geometry.flat(K, self.flattened))
        return self.scales(x, geometry.tangent)


@dataclass(frozen=True)
class Convolution(Law):
    """Random kernels: ⟨y(p) y(p′)⟩ = σ_w²/k Σ_δ ⟨x(ps + δ) x(p′s + δ)⟩ + σ_b², k offsets, zeros beyond the border.

    The sum runs along the diagonals of the two positions, one axis of space after the other.
    """

    scales: Scales
    space: Space
    kernel: Space
    stride: Space
    padding: tuple[tuple[int, int], ...]
    dilation: Space

    def __call__(self, pairs: list[Pair], geometry: Geometry) -> Pair:
        (x,) = pairs
        return self.scales(_both(x, lambda K: self._averaged(K, geometry)), geometry.tangent)

    def _averaged(self, K: Tensor, geometry: Geometry) -> Tensor:
        axes = geometry.axes(self.space)
        if not geometry.full or K.numel() < GRAIN:
            for axis, dims in enumerate(axes):
                K = self._along(axis, dims, K)
            return K
        rows = []
        for o in range(self._size(0)):  # the first position's coordinate by itself keeps each operation small
            row = self._row(K, o)
            for axis, dims in enumerate(axes[1:], 1):
                row = self._along(axis, dims, row)
            rows.append(row)
        return torch.cat(rows, 2)

    def _row(self, K: Tensor, o: int) -> Tensor:
        """The sum along the first axis of space, where the first position's output coordinate is o."""
        shape = list(K.shape)
        shape[2:4] = [1, self._size(0)]
        total = torch.zeros(shape, dtype=K.dtype)
        for offset, first, last in self._offsets(0):
            i = o * self.stride[0] + offset
            if first <= o <= last:
                self._shifted(0, (3,), total, K.narrow(2, i, 1), offset, first, last)
        return total

    def _along(self, axis: int, dims: tuple[int, ...], K: Tensor) -> Tensor:
        """The sum along one axis of space."""
        if (self.kernel[axis], self.stride[axis], self.padding[axis]) == (1, 1, (0, 0)):
            return K
        shape = list(K.shape)
        for dim in dims:
            shape[dim] = self._size(axis)
        total = torch.zeros(shape, dtype=K.dtype)
        for offset, first, last in self._offsets(axis):
            self._shifted(axis, dims, total, K, offset, first, last)
        return total

    def _shifted(
        self, axis: int, dims: tuple[int, ...], total: Tensor, K: Tensor, offset: int, first: int, last: int
    ) -> None:
        stride = self.stride[axis]
        for dim in dims:
            total = total.narrow(dim, first, last - first + 1)
            K = K.narrow(dim, first * stride + offset, (last - first) * stride + 1)
            K = K if stride == 1 else K[(slice(None),) * dim + (slice(None, None, stride),)]
        total.add_(K, alpha=1 / self.kernel[axis])

    def _offsets(self, axis: int) -> list[tuple[int, int, int]]:
        """Offsets of the kernel, with the first and the last output that meets an input there."""
        n, k, s, d = self.space[axis], self.kernel[axis], self.stride[axis], self.dilation[axis]
        found = []
        for offset in range(-self.padding[axis][0], k * d - self.padding[axis][0], d):
            first, last = max(0, -(offset // s)), min(self._size(axis) - 1, (n - 1 - offset) // s)
            if first <= last:
                found.append((offset, first, last))
        return found

    def _size(self, axis: int) -> int:
        reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1
        return (self.space[axis] + sum(self.padding[axis]) - reach) // self.stride[axis] + 1


@dataclass(frozen=True)
class Pooling(Law):
    """Averages over windows: both positions of a pair run over a window each."""

    space: Space
    kernel: Space
    stride: Space

    def __call__(self, pairs: list[Pair], geometry: Geometry) -> Pair:
        (x,) = pairs
        return _both(x, lambda K: self._pooled(K, geometry))

    def _pooled(self, K: Tensor, geometry: Geometry) -> Tensor:
        if self.kernel == self.space:
            sums = [K[slab].sum(tuple(range(2, K.ndim)), keepdim=True) for slab in slabs(K)]
            return torch.stack(sums).sum(0).div_(math.prod(K.shape[2:]))
        for axis, dims in enumerate(geometry.axes(self.space)):
            for dim in dims:
                K = K.unfold(dim, self.kernel[axis], self.stride[axis]).mean(-1)
        return K


@dataclass(frozen=True)
class Rearranged(Law):
    """Positions selected, reordered or folded otherwise; units may change places, which no kernel sees."""

    space: Space
    chosen: tuple[int, ...] | None
    onto: Space

    def __call__(self, pairs: list[Pair], geometry: Geometry) -> Pair:
        (x,) = pairs
        return _both(x, lambda K: self._moved(K, geometry))

    def _moved(self, K: Tensor, geometry: Geometry) -> Tensor:
        axes, count = geometry.axes(self.space), len(self.onto)
        K = K.permute(0, 1, *(dims[side] for side in range(1 + geometry.full) for dims in axes))
        K = K.reshape(*K.shape[:2], *[math.prod(self.space)] * (1 + geometry.full))
        if self.chosen is not None:
            index = torch.tensor(self.chosen)
            for side in range(1 + geometry.full):
                K = K.index_select(2 + side, index)
        K = K.reshape(*K.shape[:2], *self.onto * (1 + geometry.full))
        order = [2 + i + side * count for i in range(count) for side in range(1 + geometry.full)]
        return K.permute(0, 1, *order).contiguous()


@dataclass(frozen=True)
class Sum(Law):
    """Signals that are uncorrelated over the weights add up."""

    def __call__(self, pairs: list[Pair], geometry: Geometry) -> Pair:
        x, y = pairs
        Θ = x.Θ.add_(y.Θ) if x.Θ is not None and y.Θ is not None else x.Θ if y.Θ is None else y.Θ
        return Pair(x.K.add_(y.K), Θ)


@dataclass(frozen=True)
class Multiple(Law):
    """The signal times a number."""

    factor: float

    def __call__(self, pairs: list[Pair], geometry: Geometry) -> Pair:
        (x,) = pairs
        return _both(x, lambda K: K.mul_(self.factor**2))


@dataclass(frozen=True)
class ElementWise:
    """An activation function: K → M(K), Θ → Θ χ(K). It needs the variances of both inputs, which others do not."""

    dual: Dual


def slabs(K: Tensor) -> list[tuple[slice, ...]]:
    """Parts of a block, cut along its first axis of positions, of at most `GRAIN` numbers where they can be."""
    if K.numel() <= GRAIN or K.ndim < 3:
        return [(slice(None),)]
    rows = max(1, GRAIN * K.shape[2] // K.numel())
    return [(slice(None), slice(None), slice(i, i + rows)) for i in range(0, K.shape[2], rows)]


def _both(x: Pair, act: Callable[[Tensor], Tensor]) -> Pair:
    return Pair(act(x.K), None if x.Θ is None else act(x.Θ))

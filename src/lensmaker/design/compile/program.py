"""Polynomials as a program of products: which values are multiplied, in which layer, and what is added up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

Place = tuple[int, tuple[int, ...]]
"""A value and the steps to the site that it is taken from, () where there is no lattice."""

Combination = tuple[tuple[Place, float], ...]
"""Places with their weights: a sum."""


@dataclass(frozen=True)
class Product:
    """One product of two sums; the sum of |weights| of each is at most 1, so that all values stay within ±1.

    Attributes
    ----------
    left, right
        What is multiplied; alike for a square.
    level
        The layer of products it is in, from 1.
    """

    left: Combination
    right: Combination
    level: int

    @property
    def is_square(self) -> bool:
        """Whether both are the same."""
        return self.left == self.right


@dataclass(frozen=True)
class Program:
    """Values 0 … n−1 are the inputs x_i/a_i, then the products in their order; P_k = constant_k + Σ output_k.

    Attributes
    ----------
    scales
        a_i, the largest |x_i| of the domain.
    products
        In an order in which each has what it needs.
    outputs, constants
        Each P_k; on a lattice the sum of this over all sites.
    sides
        Of the lattice, () where there is none.
    """

    scales: tuple[float, ...]
    products: tuple[Product, ...]
    outputs: tuple[Combination, ...]
    constants: tuple[float, ...]
    sides: tuple[int, ...] = ()

    @property
    def output(self) -> Combination:
        """That of the first polynomial."""
        return self.outputs[0]

    @property
    def constant(self) -> float:
        """That of the first polynomial."""
        return self.constants[0]

    @property
    def inputs(self) -> int:
        """Number of inputs (of a site)."""
        return len(self.scales)

    @cached_property
    def depth(self) -> int:
        """Layers of products."""
        return max((p.level for p in self.products), default=0)

    def level(self, value: int) -> int:
        """The layer that a value comes from, 0 for inputs."""
        return 0 if value < self.inputs else self.products[value - self.inputs].level

    def at(self, level: int) -> list[tuple[int, Product]]:
        """The products of a layer with the values that they are."""
        return [(self.inputs + k, p) for k, p in enumerate(self.products) if p.level == level]

    @cached_property
    def last_use(self) -> tuple[int, ...]:
        """For each value the last layer of products that takes it; depth + 1 if the output does, 0 if nothing."""
        last = [0] * (self.inputs + len(self.products))
        for p in self.products:
            for (value, _), _ in (*p.left, *p.right):
                last[value] = max(last[value], p.level)
        for value in values_of(self.outputs):
            last[value] = self.depth + 1
        return tuple(last)

    @property
    def squares(self) -> int:
        """Products of a value with itself."""
        return sum(p.is_square for p in self.products)

    @property
    def shared(self) -> int:
        """Products whose value goes to more than one place."""
        uses = [0] * (self.inputs + len(self.products))
        for p in self.products:
            for (value, _), _ in p.left if p.is_square else (*p.left, *p.right):
                uses[value] += 1
        for output in self.outputs:
            for (value, _), _ in output:
                uses[value] += 1
        return sum(n > 1 for n in uses[self.inputs :])


def values_of(parts: Iterable[Combination]) -> set[int]:
    """The values that some sums take."""
    return {value for part in parts for (value, _), _ in part}

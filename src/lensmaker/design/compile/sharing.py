"""Monomials → products: what is common is multiplied once, in ⌈log₂ degree⌉ layers."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence

from lensmaker.design.compile.program import Combination, Place, Product, Program
from lensmaker.systems.polynomials.lattice import minus, signed, wrapped

Word = Counter[Place]
"""A product that is still to be made: values with their powers."""

Pair = tuple[int, int, tuple[int, ...]]
"""Two values, and the steps from the first to the second."""

Edges = dict[Pair, float]
"""Products of two values that go to the output alone, with their coefficients."""


def share(
    terms: Iterable[tuple[Sequence[tuple[Place, int]], float]],
    scales: Sequence[float],
    constant: float = 0.0,
    sides: tuple[int, ...] = (),
) -> Program:
    """The program of Σ_t c_t ∏ values^powers + constant.

    In each round the values of all products are paired, the pair first that serves most products at least cost, a
    square costing half; what pairs make is the value that goes into the next round. So ⌈log₂ degree⌉ layers do.
    Products of two that are left for the output alone are not made one by one: those that have a value in common are
    that value times a sum, and few values are chosen that are in all of them.

    Parameters
    ----------
    terms
        Products of places of inputs, with their coefficients.

    Examples
    --------
    >>> xyz, xyw = ([((i, ()), 1) for i in at] for at in ((0, 1, 2), (0, 1, 3)))
    >>> program = share([(xyz, 1.0), (xyw, 2.0)], [1.0] * 4)
    >>> len(program.products), program.depth  # xy, and xy (z + 2w)
    (2, 2)
    """
    return _Maker(scales, sides).program(terms, constant)


class _Maker:
    """The products made so far."""

    def __init__(self, scales: Sequence[float], sides: tuple[int, ...]) -> None:
        self.scales, self.sides = tuple(scales), sides
        self.products: list[Product] = []
        self.levels = [0] * len(self.scales)
        self.made: dict[Pair, int] = {}

    def program(self, terms: Iterable[tuple[Sequence[tuple[Place, int]], float]], constant: float) -> Program:
        words: list[Word] = []
        coefficients: list[float] = []
        output: dict[Place, float] = {}
        for factors, value in terms:
            word: Word = Counter()
            for place, power in factors:
                word[place] += power
                value *= self.scales[place[0]] ** power
            words.append(word)
            coefficients.append(value)
        while any(word.total() > 2 for word in words):
            words = self._round(words)
        edges: Edges = {}
        for word, value in zip(words, coefficients, strict=True):
            if word.total() == 0:
                constant += value
            elif word.total() == 1:
                _add(output, (next(iter(word))[0], self._nowhere), value)
            else:
                pair, _ = self._pair(*word.elements())
                if pair in self.made:
                    _add(output, (self.made[pair], self._nowhere), value)
                else:
                    edges[pair] = edges.get(pair, 0.0) + value
        for place, weight in self._stars(edges):
            _add(output, place, weight)
        return Program(
            self.scales,
            tuple(self.products),
            tuple((p, w) for p, w in output.items() if w),
            constant,
            self.sides,
        )

    @property
    def _nowhere(self) -> tuple[int, ...]:
        return (0,) * len(self.sides)

    def _pair(self, p: Place, q: Place) -> tuple[Pair, tuple[int, ...]]:
        """The same for all translations of two places, and where its first value is."""
        if not self.sides:
            (a, b) = sorted((p[0], q[0]))
            return (a, b, ()), ()
        there = (p[0], q[0], wrapped(minus(q[1], p[1]), self.sides))
        back = (q[0], p[0], wrapped(minus(p[1], q[1]), self.sides))
        pair, base = (there, p[1]) if there <= back else (back, q[1])
        return (pair[0], pair[1], signed(pair[2], self.sides)), base

    def _round(self, words: list[Word]) -> list[Word]:
        """All products with their values paired, but those of two or fewer."""
        left = [Counter(word) if word.total() > 2 else Counter() for word in words]
        after = [Counter() if word.total() > 2 else Counter(word) for word in words]
        serves: dict[Pair, list[tuple[int, Place, Place]]] = {}
        bonus: Counter[Pair] = Counter()
        for k, word in enumerate(words):
            places = sorted(word)
            for i, p in enumerate(places):
                for q in places[i:]:
                    if p == q and word[p] < 2:
                        continue
                    pair, _ = self._pair(p, q)
                    if word.total() > 2:
                        serves.setdefault(pair, []).append((k, p, q))
                    else:
                        bonus[pair] += 1

        def gain(pair: Pair) -> float:
            taken = sum(_times(left[k], p, q) for k, p, q in serves[pair])
            if not taken:
                return 0.0
            if pair in self.made:
                return 1e9 + taken
            square = pair[0] == pair[1] and not any(pair[2])
            return (taken + 0.5 * bonus[pair]) * (2 if square else 1)

        heap = [(-gain(pair), pair) for pair in serves]
        heapq.heapify(heap)
        while heap:
            old, pair = heapq.heappop(heap)
            new = gain(pair)
            if not new:
                continue
            if new < -old:
                heapq.heappush(heap, (-new, pair))
                continue
            for k, p, q in serves[pair]:
                if times := _times(left[k], p, q):
                    left[k].subtract({p: 2 * times} if p == q else {p: times, q: times})
                    after[k][self._multiplied(p, q)] += times
        return [one + +rest for one, rest in zip(after, left, strict=True)]

    def _multiplied(self, p: Place, q: Place) -> Place:
        """The place of the product of two places."""
        pair, base = self._pair(p, q)
        if pair not in self.made:
            first = (((pair[0], self._nowhere), 1.0),)
            second = (((pair[1], pair[2]), 1.0),)
            self.made[pair] = self._new(first, second)
        return self.made[pair], wrapped(base, self.sides)

    def _new(self, left: Combination, right: Combination) -> int:
        level = 1 + max(self.levels[value] for (value, _), _ in (*left, *right))
        self.products.append(Product(left, right, level))
        self.levels.append(level)
        return len(self.levels) - 1

    def _stars(self, edges: Edges) -> list[tuple[Place, float]]:
        """Products of two, each value times the sum of all that it is multiplied with."""
        touching: dict[int, set[Pair]] = {}
        for pair in edges:
            touching.setdefault(pair[0], set()).add(pair)
            touching.setdefault(pair[1], set()).add(pair)
        found = []
        heap = [(-len(pairs), centre) for centre, pairs in touching.items()]
        heapq.heapify(heap)
        left = set(edges)
        while heap:
            size, centre = heapq.heappop(heap)
            pairs = touching[centre] & left
            if not pairs:
                continue
            if len(pairs) < -size:
                heapq.heappush(heap, (-len(pairs), centre))
                continue
            left -= pairs
            others: dict[Place, float] = {}
            for a, b, step in sorted(pairs):
                back = signed(tuple(-s for s in step), self.sides)
                _add(others, (b, step) if a == centre else (a, back), edges[a, b, step])
            total = sum(abs(w) for w in others.values())
            if not total:
                continue
            middle = (((centre, self._nowhere), 1.0),)
            sum_of = tuple((place, w / total) for place, w in others.items())
            if len(sum_of) == 1:
                total, sum_of = total * sum_of[0][1], ((sum_of[0][0], 1.0),)
            found.append(((self._new(middle, sum_of), self._nowhere), total))
        return found


def _times(word: Word, p: Place, q: Place) -> int:
    """How often a pair can be taken out of a product."""
    return word[p] // 2 if p == q else min(word[p], word[q])


def _add(table: dict[Place, float], place: Place, value: float) -> None:
    table[place] = table.get(place, 0.0) + value

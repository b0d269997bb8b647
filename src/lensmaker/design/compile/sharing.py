"""Monomials → products: what is common is multiplied once, in ⌈log₂ degree⌉ layers."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lensmaker.design.compile.program import Combination, Place, Product, Program
from lensmaker.systems.polynomials.lattice import minus, signed, wrapped

Word = Counter[Place]
"""A product that is still to be made: values with their powers."""

Pair = tuple[int, int, tuple[int, ...]]
"""Two values, and the steps from the first to the second."""

Edges = dict[Pair, float]
"""Products of two values that go to the output alone, with their coefficients."""

ALIKE = 2.0**-51
"""By how much coefficients in proportion may be off, relatively."""

ROUNDINGS = 8
"""Of coefficients that are taken to be in proportion: `ALIKE`, a quotient and two products."""


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
    return share_all([terms], scales, [constant], sides)


def share_all(
    polynomials: Sequence[Iterable[tuple[Sequence[tuple[Place, int]], float]]],
    scales: Sequence[float],
    constants: Sequence[float] | None = None,
    sides: tuple[int, ...] = (),
) -> Program:
    """One program for several polynomials in the same inputs: a monomial that some of them have is made once.

    Products of two that are left for outputs alone are gathered: those together whose coefficients in all outputs are
    in proportion, such as one energy at two temperatures, or else for each output by itself, whichever takes fewer
    neurons.

    Examples
    --------
    >>> both = [([((0, ()), 1), ((1, ()), 1)], 1.0), ([((0, ()), 1), ((2, ()), 1)], 2.0)]
    >>> other = [(factors, 3 * c) for factors, c in both]
    >>> program = share_all([both, other], [1.0] * 3)
    >>> len(program.products), [output[0][1] for output in program.outputs]
    (1, [3.0, 9.0])
    """
    found: dict[tuple[tuple[Place, int], ...], list[float]] = {}
    for k, terms in enumerate(polynomials):
        for factors, value in terms:
            found.setdefault(tuple(factors), [0.0] * len(polynomials))[k] += value
    found = {factors: values for factors, values in found.items() if any(values)}
    before = [0.0] * len(polynomials) if constants is None else list(constants)
    return _Maker(scales, sides).program(found, before)


class _Maker:
    """The products made so far."""

    def __init__(self, scales: Sequence[float], sides: tuple[int, ...]) -> None:
        self.scales, self.sides = tuple(scales), sides
        self.products: list[Product] = []
        self.levels = [0] * len(self.scales)
        self.made: dict[Pair, int] = {}

    def program(
        self, terms: Mapping[tuple[tuple[Place, int], ...], Sequence[float]], constants: list[float]
    ) -> Program:
        words: list[Word] = []
        coefficients: list[list[float]] = []
        for factors, values in terms.items():
            word: Word = Counter()
            for place, power in factors:
                word[place] += power
                values = [value * _power(self.scales[place[0]], power) for value in values]
            words.append(word)
            coefficients.append(list(values))
        while any(word.total() > 2 for word in words):
            words = self._round(words)
        outputs: list[dict[Place, float]] = [{} for _ in constants]
        edges: list[Edges] = [{} for _ in constants]
        for word, values in zip(words, coefficients, strict=True):
            for k, value in enumerate(values):
                if word.total() == 0:
                    constants[k] += value
                elif not value:
                    continue
                elif word.total() == 1:
                    _add(outputs[k], (next(iter(word))[0], self._nowhere), value)
                else:
                    pair, _ = self._pair(*word.elements())
                    if pair in self.made:
                        _add(outputs[k], (self.made[pair], self._nowhere), value)
                    else:
                        edges[k][pair] = edges[k].get(pair, 0.0) + value
        self._last(edges, outputs)
        return Program(
            self.scales,
            tuple(self.products),
            tuple(tuple((p, w) for p, w in output.items() if w) for output in outputs),
            tuple(constants),
            self.sides,
        )

    def _last(self, edges: Sequence[Edges], outputs: Sequence[dict[Place, float]]) -> None:
        """Products of two for the outputs alone, in the way that takes fewer neurons."""
        ways = [_by_direction(edges), [Form(own, {k: 1.0}) for k, own in enumerate(edges)]]
        made = [[(form, list(_stars(form.edges, self.sides))) for form in way] for way in ways]
        costs = [sum(2 if s.is_square else 4 for _, stars in way for s in stars) for way in made]
        for form, stars in made[costs.index(min(costs))]:
            for star in stars:
                place = self._new((((star.centre, self._nowhere), 1.0),), star.others), self._nowhere
                for k, factor in form.factors.items():
                    _add(outputs[k], place, factor * star.weight)

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
            return (taken + 0.5 * bonus[pair]) * (2 if _is_square(pair) else 1)

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


class Form(NamedTuple):
    """A sum of products of two, and the outputs that take it, each with its factor."""

    edges: Edges
    factors: dict[int, float]


class _Star(NamedTuple):
    """A value times a sum, and the weight with which the output takes it."""

    centre: int
    others: Combination
    weight: float

    @property
    def is_square(self) -> bool:
        """Whether it is a value times itself."""
        return len(self.others) == 1 and self.others[0][0] == (self.centre, (0,) * len(self.others[0][0][1]))


def _stars(edges: Edges, sides: tuple[int, ...]) -> Iterator[_Star]:
    """Products of two, each value times the sum of all that it is multiplied with."""
    touching: dict[int, set[Pair]] = {}
    for pair in edges:
        touching.setdefault(pair[0], set()).add(pair)
        touching.setdefault(pair[1], set()).add(pair)
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
            back = signed(tuple(-s for s in step), sides)
            _add(others, (b, step) if a == centre else (a, back), edges[a, b, step])
        total = sum(abs(w) for w in others.values())
        if not total:
            continue
        sum_of = tuple((place, w / total) for place, w in others.items())
        if len(sum_of) == 1:
            total, sum_of = total * sum_of[0][1], ((sum_of[0][0], 1.0),)
        yield _Star(centre, sum_of, total)


def _is_square(pair: Pair) -> bool:
    return pair[0] == pair[1] and not any(pair[2])


def _by_direction(edges: Sequence[Edges]) -> list[Form]:
    """Products whose coefficients in all outputs are in proportion, such as one energy at two temperatures."""
    found: list[Form] = []
    near: dict[tuple[float, ...], list[tuple[int, list[float]]]] = {}
    for pair in dict.fromkeys(pair for own in edges for pair in own):
        vector = [own.get(pair, 0.0) for own in edges]
        largest = max(range(len(vector)), key=lambda k: abs(vector[k]))
        if not vector[largest]:
            continue
        ratios = [v / vector[largest] for v in vector]
        bucket = near.setdefault(tuple(round(r, 12) for r in ratios), [])
        for at, known in bucket:
            if all(abs(r - q) <= ALIKE * abs(q) for r, q in zip(ratios, known, strict=True)):
                found[at].edges[pair] = vector[largest]
                break
        else:
            bucket.append((len(found), ratios))
            found.append(Form({pair: vector[largest]}, {k: r for k, r in enumerate(ratios) if r}))
    return found


def _power(value: float, power: int) -> float:
    """A power that may be infinite; whether the whole is finite is asked once."""
    try:
        return value**power
    except OverflowError:
        return math.inf


def _times(word: Word, p: Place, q: Place) -> int:
    """How often a pair can be taken out of a product."""
    return word[p] // 2 if p == q else min(word[p], word[q])


def _add(table: dict[Place, float], place: Place, value: float) -> None:
    table[place] = table.get(place, 0.0) + value

"""The fewest units of k hidden layers, by dynamic programming over whole numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from lensmaker.core import InputError
from lensmaker.theories.polynomial_networks.counts import flat_count

MOST_FACTORS = 512
"""Of a product: the search takes as many steps as its square, for each layer."""


@dataclass(frozen=True)
class Gate:
    """A flat product in a layer: the powers of what it multiplies, and how often such a one stands there.

    A gate of one power 1 hands its value on, with two units.
    """

    powers: tuple[int, ...]
    times: int

    @property
    def units(self) -> int:
        """∏(r + 1) each."""
        return self.times * flat_count(self.powers)


@dataclass(frozen=True)
class Split:
    """Layers of gates, the first one at the inputs.

    Examples
    --------
    >>> found = split((1,) * 20, 2)
    >>> found.units, found.widths, found.groups
    (112, (80, 32), (5, 1))
    """

    layers: tuple[tuple[Gate, ...], ...]

    @property
    def widths(self) -> tuple[int, ...]:
        """Units of each hidden layer."""
        return tuple(sum(g.units for g in layer) for layer in self.layers)

    @property
    def units(self) -> int:
        """All hidden units."""
        return sum(self.widths)

    @property
    def groups(self) -> tuple[int, ...]:
        """Products that each layer hands to the next one."""
        return tuple(sum(g.times for g in layer) for layer in self.layers)

    @property
    def gates(self) -> tuple[Gate, ...]:
        """Of all layers."""
        return tuple(g for layer in self.layers for g in layer)


def split(powers: tuple[int, ...], layers: int) -> Split:
    """∏ x_i^r_i in exactly so many hidden layers, with as few units as this family has.

    A layer divides the factors that are left into g groups and multiplies each by a flat gate. For distinct factors

        Σ_i (n / ∏_{j≤i} b_j) 2^{b_i}

    is what it costs where each b divides what is left. Where none does, groups of ⌊n/g⌋ and ⌊n/g⌋ + 1 factors stand
    side by side, whose units are the fewest for g groups, 2^b being convex; a factor left alone is handed on by two
    units. Over all g the optimum is exact. Powers are a bound from above: the factors of one variable are divided
    alike, equal groups are computed once, and variables of one power are grouped among each other.

    Parameters
    ----------
    powers
        r_i, from 0 on.

    Raises
    ------
    InputError
        If there is no factor, no layer, or more factors than can be searched.

    Examples
    --------
    >>> [split((1,) * 20, k).units for k in (1, 2, 3)], [split((1,) * 32, k).units for k in (2, 3, 4)]
    ([1048576, 112, 76], [304, 128, 124])
    >>> split((16,), 2).units, split((16,), 4).units
    (10, 12)
    """
    kept = tuple(sorted((r for r in powers if r), reverse=True))
    if not kept or layers < 1:
        raise InputError("a factor and a hidden layer", f"{len(kept)} and {layers}", "pass one at least")
    if len(kept) > MOST_FACTORS or sum(kept) > 8 * MOST_FACTORS:
        raise InputError(
            f"at most {MOST_FACTORS} variables in a product, of powers that add up to {8 * MOST_FACTORS}",
            f"{len(kept)} of degree {sum(kept)}",
            "plan a smaller one: 4(n − 1) units in ⌈log₂ n⌉ layers are enough for any",
        )
    return Split(_best(kept, layers)[1])


@cache
def _best(powers: tuple[int, ...], layers: int) -> tuple[int, tuple[tuple[Gate, ...], ...]]:
    """Units and layers; the powers are in descending order."""
    flat = (Gate(powers, 1),)
    if layers == 1:
        return flat[0].units, (flat,)
    if powers[0] == 1:
        units, groups = _product(len(powers), layers)
        steps = zip((len(powers), *groups), groups, strict=False)
        return units, tuple(_grouped([(1, n, g)])[0] for n, g in steps)
    best: tuple[int, tuple[tuple[Gate, ...], ...]] | None = None
    for layer, after in _steps(powers):
        cost = sum(g.units for g in layer)
        if best is not None and cost >= best[0]:
            continue
        rest = _best(after, layers - 1)
        if best is None or cost + rest[0] < best[0]:
            best = cost + rest[0], (layer, *rest[1])
    assert best is not None
    return best


@cache
def _product(n: int, layers: int) -> tuple[int, tuple[int, ...]]:
    """Units for n distinct factors, and the numbers that the layers hand on."""
    if layers == 1:
        return 2**n, (1,)
    best: tuple[int, tuple[int, ...]] | None = None
    for g in range(n, 0, -1):
        small, larger = divmod(n, g)
        cost = (g + larger) * 2**small
        if best is not None and cost >= best[0]:
            if small > 1:  # from pairs on, fewer groups take more units
                break
            continue
        rest = _product(g, layers - 1)
        if best is None or cost + rest[0] < best[0]:
            best = cost + rest[0], (g, *rest[1])
    assert best is not None
    return best


def _steps(powers: tuple[int, ...]) -> Iterator[tuple[tuple[Gate, ...], tuple[int, ...]]]:
    """Each first layer that is tried, and the powers of what it hands on."""
    classes = sorted(Counter(powers).items(), reverse=True)
    if len(classes) == 1:
        ((power, n),) = classes
        for g in range(n, 0, -1):
            yield _grouped([(power, n, g)])
    else:
        for b in range(1, max(n for _, n in classes) + 1):
            yield _grouped([(power, n, -(-n // b)) for power, n in classes])
    for q in range(2, powers[0]):
        yield _divided(classes, q)


def _grouped(parts: list[tuple[int, int, int]]) -> tuple[tuple[Gate, ...], tuple[int, ...]]:
    """Of each class, power and number of its variables, g groups; their products keep the power."""
    gates: Counter[int] = Counter()
    after: list[int] = []
    for power, n, g in parts:
        small, larger = divmod(n, g)
        gates[small] += g - larger
        gates[small + 1] += larger
        after += [power] * g
    layer = tuple(Gate((1,) * b, times) for b, times in sorted(gates.items(), reverse=True) if times)
    return layer, tuple(sorted(after, reverse=True))


def _divided(classes: list[tuple[int, int]], q: int) -> tuple[tuple[Gate, ...], tuple[int, ...]]:
    """x^r = (x^q)^⌊r/q⌋ x^(r mod q), for all variables with the same q."""
    gates: Counter[int] = Counter()
    after: list[int] = []
    for power, n in classes:
        whole, left = divmod(power, min(q, power))
        gates[min(q, power)] += n
        after += [whole] * n
        if left:
            gates[left] += n
            after += [1] * n
    layer = tuple(Gate((r,), times) for r, times in sorted(gates.items(), reverse=True))
    return layer, tuple(sorted(after, reverse=True))

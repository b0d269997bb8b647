"""Sums and products of polynomials as tables of monomials; what is too large is refused before it is multiplied out."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce

from lensmaker.core import InputError

Monomial = tuple[tuple[str, int], ...]
"""(variable, power) in order of the name, powers from 1; () is the constant."""

MOST_TERMS = 1_000_000
"""Terms of a polynomial."""

HIGHEST = 1 << 20
"""Degree of a polynomial."""

_MOST_PRODUCTS = 20_000_000
"""Products of two coefficients in one multiplication."""


@dataclass(frozen=True)
class Expansion:
    """A polynomial that is multiplied out: monomial → coefficient.

    Examples
    --------
    >>> x, y = Expansion.variable("x"), Expansion.variable("y")
    >>> x.plus(y).to_the(2).terms
    {(('x', 2),): 1.0, (('x', 1), ('y', 1)): 2.0, (('y', 2),): 1.0}
    """

    terms: dict[Monomial, float] = field(default_factory=dict)

    @classmethod
    def variable(cls, name: str) -> Expansion:
        """The variable itself."""
        return cls({((name, 1),): 1.0})

    @classmethod
    def constant(cls, value: float) -> Expansion:
        """A number; 0 has no terms."""
        return cls({(): _finite(value)} if value else {})

    @property
    def degree(self) -> int:
        """Largest sum of powers in a monomial, 0 for numbers."""
        return max((sum(power for _, power in m) for m in self.terms), default=0)

    @property
    def number(self) -> float | None:
        """Its value if there are no variables in it."""
        return None if any(self.terms) else self.terms.get((), 0.0)

    def plus(self, other: Expansion, factor: float = 1.0) -> Expansion:
        """The sum of it and factor × other."""
        return Expansion.total([self, other.scaled(factor)])

    @classmethod
    def total(cls, parts: Iterable[Expansion]) -> Expansion:
        """The sum of many."""
        found: dict[Monomial, float] = {}
        for part in parts:
            for monomial, value in part.terms.items():
                found[monomial] = _finite(found.get(monomial, 0.0) + value)
            _bounded(len(found), 0)
        return cls({m: v for m, v in found.items() if v})

    def scaled(self, factor: float) -> Expansion:
        """Times a number."""
        return Expansion({m: v for m, value in self.terms.items() if (v := _finite(value * factor))})

    def times(self, other: Expansion) -> Expansion:
        """The product of both, multiplied out.

        Raises
        ------
        InputError
            If the degree or the number of terms, which is predicted, is too large.
        """
        products = len(self.terms) * len(other.terms)
        degree = self.degree + other.degree
        _bounded(min(products, _monomials(len(self._names() | other._names()), degree)), degree)
        if products > _MOST_PRODUCTS:
            raise _too_large(f"{products} products")
        found: dict[Monomial, float] = {}
        for a, va in self.terms.items():
            for b, vb in other.terms.items():
                monomial = _product(a, b)
                found[monomial] = found.get(monomial, 0.0) + va * vb
        return Expansion({m: v for m, value in found.items() if (v := _finite(value))})

    def to_the(self, power: int) -> Expansion:
        """A power of it, from 0 on, by repeated squaring.

        Raises
        ------
        InputError
            If the degree or the number of terms, which is predicted, is too large.
        """
        if not self.terms:
            return Expansion.constant(float(power == 0))
        degree = self.degree * power
        terms = min(_monomials(len(self._names()), degree), _combinations(len(self.terms) + power - 1, power))
        _bounded(terms, degree)
        result, square = Expansion.constant(1.0), self
        while power:
            if power & 1:
                result = result.times(square)
            power >>= 1
            if power:
                square = square.times(square)
        return result

    def _names(self) -> set[str]:
        return {name for monomial in self.terms for name, _ in monomial}


def product(parts: Iterable[Expansion]) -> Expansion:
    """The product of many, multiplied out."""
    return reduce(Expansion.times, parts, Expansion.constant(1.0))


def _product(a: Monomial, b: Monomial) -> Monomial:
    if not a or not b:
        return a or b
    if a[-1][0] < b[0][0]:
        return a + b
    powers = dict(a)
    for name, power in b:
        powers[name] = powers.get(name, 0) + power
    return tuple(sorted(powers.items()))


def _monomials(variables: int, degree: int) -> int:
    """Monomials up to a degree, C(n + d, d)."""
    return _combinations(variables + degree, min(variables, degree))


def _combinations(n: int, k: int) -> int:
    """C(n, k), or a number that is too large where that is."""
    k = min(k, n - k)
    found = 1
    for i in range(1, k + 1):
        found = found * (n - k + i) // i
        if found > MOST_TERMS:
            return found
    return found


def _bounded(terms: int, degree: int) -> None:
    if degree > HIGHEST:
        raise InputError(f"a polynomial of a degree up to {HIGHEST}", f"degree {degree}", "lower the powers")
    if terms > MOST_TERMS:
        raise _too_large(f"up to {terms} terms" if terms < 10**12 else "more")


def _too_large(got: str) -> InputError:
    return InputError(
        f"a polynomial of at most {MOST_TERMS} terms once it is multiplied out",
        got,
        "lower the powers, or compile its factors one by one",
    )


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise InputError("finite coefficients", f"{value}", "scale the variables")
    return value

"""Polynomials that are the same at all sites of a periodic lattice: one product stands for many."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.polynomials.polynomial import Factors, Polynomial

Shift = tuple[int, ...]
Shape = tuple[tuple[Shift, int], ...]
"""Places of a product relative to a site, with their powers, as `canonical` has them."""


@dataclass(frozen=True, eq=False)
class LatticePolynomial:
    r"""P(φ) = Σ_r [c_0 + Σ_t c_t ∏_k φ(r + δ_tk)^e_tk] on a torus.

    Attributes
    ----------
    sides
        Of the lattice, in sites.
    terms
        ((δ, e), …) → c; δ in steps along each axis, one table for all sites r; () → c_0.

    Examples
    --------
    >>> ring = LatticePolynomial((4,), {(((0,), 1), ((1,), 1)): -1.0})
    >>> ring.evaluate(torch.tensor([1.0, 1.0, 1.0, -1.0])).item()
    -0.0
    """

    sides: tuple[int, ...]
    terms: Mapping[Shape, float]

    def __post_init__(self) -> None:
        if not self.sides or min(self.sides) < 1:
            raise InputError("sides of at least one site", f"{self.sides}", "pass (32, 32)")
        for shape, value in self.terms.items():
            if not math.isfinite(value):
                raise InputError("finite coefficients", f"{value}", "pass numbers that are finite")
            if any(len(shift) != len(self.sides) or power < 1 for shift, power in shape):
                raise InputError(
                    f"steps along {len(self.sides)} axes and powers from 1",
                    f"{shape}",
                    "write (((0, 1), 2),)",
                )

    @property
    def sites(self) -> int:
        """Of the lattice."""
        return math.prod(self.sides)

    @property
    def degree(self) -> int:
        """The largest sum of powers."""
        return max((sum(power for _, power in shape) for shape in self.terms), default=0)

    def evaluate(self, field: Tensor) -> Tensor:
        """P of each field, directly, in double precision: (…, *sides) → (…)."""
        axes = tuple(range(-len(self.sides), 0))
        if tuple(field.shape[len(field.shape) - len(self.sides) :]) != self.sides:
            raise InputError(f"fields of {self.sides} sites", f"shape {tuple(field.shape)}", "put sites last")
        field = field.double()
        density = torch.zeros_like(field)
        for shape, value in self.terms.items():
            product = torch.full_like(field, value)
            for shift, power in shape:
                product = product * torch.roll(field, tuple(-s for s in shift), axes) ** power
            density = density + product
        return density.sum(axes)

    def to_polynomial(self) -> Polynomial:
        """The same as a list of terms, in x0, x1, … row by row."""
        cells = np.arange(self.sites).reshape(self.sides)
        axes = tuple(range(len(self.sides)))
        found: dict[Factors, float] = {}
        for shape, value in self.terms.items():
            columns = [np.roll(cells, [-s for s in shift], axes).reshape(-1).tolist() for shift, _ in shape]
            for r in range(self.sites):
                powers: Counter[int] = Counter()
                for column, (_, power) in zip(columns, shape, strict=True):
                    powers[column[r]] += power
                key = tuple(sorted(powers.items()))
                found[key] = found.get(key, 0.0) + value
        return Polynomial.of_factors([f"x{i}" for i in range(self.sites)], found)


def canonical(shape: Sequence[tuple[Shift, int]], sides: tuple[int, ...]) -> tuple[Shape, int]:
    """The same for all translations of a product, and how many translations take it to itself."""
    powers: Counter[Shift] = Counter()
    for shift, power in shape:
        powers[wrapped(shift, sides)] += power
    if not powers:
        return (), math.prod(sides)
    moved = [tuple(sorted((wrapped(minus(s, base), sides), e) for s, e in powers.items())) for base in powers]
    least = min(moved)
    return tuple((signed(s, sides), e) for s, e in least), moved.count(least)


def recognise(polynomial: Polynomial, sides: tuple[int, ...]) -> LatticePolynomial | None:
    """The lattice polynomial that a polynomial in its sites is, row by row; None if a translation changes it.

    Raises
    ------
    InputError
        If it has not as many variables as the lattice has sites.

    Examples
    --------
    >>> ring = Polynomial.parse("x1*x2 + x2*x3 + x3*x4 + x4*x1")
    >>> recognise(ring, (4,)).terms
    {(((0,), 1), ((1,), 1)): 1.0}
    """
    if len(polynomial.variables) != math.prod(sides):
        raise InputError(
            f"a variable for each of {math.prod(sides)} sites",
            f"{len(polynomial.variables)}",
            "name the others",
        )
    place = [tuple(int(i) for i in at) for at in np.ndindex(*sides)]
    values: dict[Shape, list[float]] = {}
    copies: dict[Shape, int] = {}
    for factors, value in zip(polynomial.factors, polynomial.coefficients.tolist(), strict=True):
        key, copies_of = canonical([(place[i], e) for i, e in factors], sides)
        values.setdefault(key, []).append(value)
        copies[key] = copies_of
    terms = {}
    for key, found in values.items():
        if len(found) * copies[key] != math.prod(sides) or not np.allclose(
            found, found[0], rtol=1e-12, atol=0
        ):
            return None
        terms[key] = found[0] / copies[key]
    return LatticePolynomial(sides, terms)


def phi4(sides: Sequence[int], *, mass: float, coupling: float) -> LatticePolynomial:
    """The φ⁴ theory, S = Σ_r [½ Σ_μ (φ(r+μ) − φ(r))² + ½ m² φ² + g φ⁴], with `mass` m² and `coupling` g.

    Examples
    --------
    >>> phi4((4, 4), mass=-0.5, coupling=0.25).evaluate(torch.ones(4, 4)).item()
    0.0
    """
    d = len(sides)
    here = (0,) * d
    terms: dict[Shape, float] = {((here, 2),): d + mass / 2, ((here, 4),): coupling}
    for axis in range(d):
        key, _ = canonical([(here, 1), (tuple(int(k == axis) for k in range(d)), 1)], tuple(sides))
        terms[key] = terms.get(key, 0.0) - 1.0
    return LatticePolynomial(tuple(sides), terms)


def wrapped(shift: Shift, sides: tuple[int, ...]) -> Shift:
    """Steps from 0 on."""
    return tuple(s % n for s, n in zip(shift, sides, strict=True))


def signed(shift: Shift, sides: tuple[int, ...]) -> Shift:
    """The shortest steps."""
    return tuple((s + (n - 1) // 2) % n - (n - 1) // 2 for s, n in zip(shift, sides, strict=True))


def minus(a: Shift, b: Shift) -> Shift:
    """From b to a."""
    return tuple(x - y for x, y in zip(a, b, strict=True))

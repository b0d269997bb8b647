"""A polynomial in named real variables: exponents and coefficients."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.polynomials.expansion import HIGHEST, Expansion
from lensmaker.systems.polynomials.formula import read
from lensmaker.systems.polynomials.symbolic import expansion_of, expression_of

Factors = tuple[tuple[int, int], ...]
"""Column and exponent of each variable in a term, in order of the columns."""

_BLOCK = 1 << 22
"""Numbers of a block of products in memory at a time."""

_LARGEST = 1 << 27
"""Exponents of a table, terms × variables: half a gigabyte."""


@dataclass(frozen=True, eq=False)
class Polynomial:
    """P(x) = Σ_t c_t ∏_i x_i^e_ti.

    Attributes
    ----------
    variables
        Names of the x_i.
    exponents
        e, whole numbers, shape (terms, variables); no row twice, the highest degree first, then the first variable.
    coefficients
        c, none of them 0, shape (terms,).

    Examples
    --------
    >>> p = Polynomial.parse("x*y**2 - 3*y + x*x")
    >>> print(p)
    x*y**2 + x**2 - 3*y
    >>> p.degree, p.terms, p.evaluate(torch.tensor([2.0, 3.0])).item()
    (3, 3, 13.0)
    """

    variables: tuple[str, ...]
    exponents: NDArray[np.int32]
    coefficients: NDArray[np.float64]

    @classmethod
    def of(cls, variables: Sequence[str], exponents: ArrayLike, coefficients: ArrayLike) -> Polynomial:
        """From a table: equal monomials are added, those that cancel left out, and the rest put in order.

        Raises
        ------
        InputError
            If names, exponents or coefficients do not fit, are negative or not finite.

        Examples
        --------
        >>> print(Polynomial.of(("x", "y"), [[1, 0], [0, 2], [1, 0]], [1.0, 2.0, 0.5]))
        2*y**2 + 1.5*x
        """
        names = _names(variables)
        powers, values = np.asarray(exponents), np.asarray(coefficients, dtype=np.float64)
        if values.ndim != 1 or powers.shape != (len(values), len(names)):
            raise InputError(
                f"exponents of shape (terms, {len(names)}) and a coefficient each",
                f"shapes {powers.shape} and {values.shape}",
                "give a row for each term and a column for each variable",
            )
        _check_size(len(values), len(names))
        if powers.size and (not (powers == np.floor(powers)).all() or powers.min() < 0):
            raise InputError(
                "exponents that are whole numbers from 0 on", "others", "a polynomial has no other powers"
            )
        if not np.isfinite(values).all():
            raise InputError("finite coefficients", "inf or nan", "pass numbers that are finite")
        if powers.size and powers.sum(1).max() > HIGHEST:
            raise InputError(
                f"a degree up to {HIGHEST}", f"{int(powers.sum(1).max())}", "lower the exponents"
            )
        found: dict[Factors, float] = {}
        for row, value in zip(_rows(powers.astype(np.int32)), values.tolist(), strict=True):
            found[row] = found.get(row, 0.0) + value
        return _in_order(names, found)

    @classmethod
    def parse(cls, text: str, variables: Sequence[str] | None = None) -> Polynomial:
        """From a formula, such as `x1*x2**2 - 3*y`, `(x + y)**3` or `x1*x2*...*x20`.

        Parameters
        ----------
        variables
            Their order; by default those of the formula, x2 before x10.

        Raises
        ------
        InputError
            If it is no polynomial, has an unknown variable, or is too large.

        Examples
        --------
        >>> Polynomial.parse("x1*x2*...*x20").degree
        20
        """
        return cls._from(read(text), variables)

    @classmethod
    def from_sympy(cls, expression: Any, variables: Sequence[str] | None = None) -> Polynomial:
        """From an expression or a `Poly` of SymPy.

        Raises
        ------
        InputError
            If it is no polynomial with real coefficients, has an unknown variable, or is too large.
        """
        return cls._from(expansion_of(expression), variables)

    @classmethod
    def from_table(
        cls, table: Mapping[Iterable[str], float], variables: Sequence[str] | None = None
    ) -> Polynomial:
        """From couplings: the names of a product, each as often as its power → its coefficient.

        Raises
        ------
        InputError
            If a coefficient is no finite number, or a variable is unknown.

        Examples
        --------
        >>> print(Polynomial.from_table({("x", "x"): 2.0, ("x", "y"): 1.0, (): -3.0}))
        2*x**2 + x*y - 3
        """
        parts = []
        for names, value in table.items():
            product = [names] if isinstance(names, str) or not isinstance(names, Iterable) else list(names)
            if not all(isinstance(name, str) for name in product):
                raise InputError("names of variables in each product", f"{names!r}"[:60], 'write ("x", "y")')
            powers = tuple(sorted((n, product.count(n)) for n in set(product)))
            if not isinstance(value, int | float | np.number) or not math.isfinite(value):
                raise InputError("a finite coefficient for each product", f"{value!r}", "pass numbers")
            parts.append(Expansion({powers: float(value)}))
        return cls._from(Expansion.total(parts), variables)

    @classmethod
    def of_factors(cls, variables: Sequence[str], terms: Mapping[Factors, float]) -> Polynomial:
        """From coefficients of products, each as the columns and exponents of its variables."""
        names = _names(variables)
        _check_size(len(terms), len(names))
        return _in_order(names, terms)

    @classmethod
    def _from(cls, expansion: Expansion, variables: Sequence[str] | None) -> Polynomial:
        found = {name for monomial in expansion.terms for name, _ in monomial}
        names = _names(sorted(found, key=_by_number) if variables is None else variables)
        if unknown := sorted(found - set(names)):
            raise InputError(
                f"one of the variables {', '.join(names)[:60] or '(none)'}", unknown[0], "add it to variables"
            )
        _check_size(len(expansion.terms), len(names))
        column = {name: i for i, name in enumerate(names)}
        rows = {tuple(sorted((column[n], e) for n, e in m)): c for m, c in expansion.terms.items()}
        return _in_order(names, rows)

    @property
    def terms(self) -> int:
        """Number of monomials."""
        return len(self.coefficients)

    @property
    def degree(self) -> int:
        """The largest sum of exponents in a term; 0 for numbers, 0 among them."""
        return int(self.exponents.sum(1).max()) if self.exponents.size else 0

    @cached_property
    def factors(self) -> tuple[Factors, ...]:
        """Column and exponent of the variables that are in each term."""
        return tuple(_rows(self.exponents))

    def evaluate(self, x: Tensor) -> Tensor:
        """P of each row, directly, in double precision: (…, n) → (…).

        Raises
        ------
        InputError
            If the last axis is not that of the variables.
        """
        n = len(self.variables)
        if x.shape[-1:] != (n,):
            raise InputError(
                f"{n} variables along the last axis", f"shape {tuple(x.shape)}", f"pass shape (…, {n})"
            )
        rows = x.reshape(math.prod(x.shape[:-1]), n).double()
        most = max((len(f) for f in self.factors), default=0)
        column = torch.full((self.terms, most), n)
        power = torch.zeros(self.terms, most, dtype=torch.float64)
        for t, row in enumerate(self.factors):
            for k, (i, e) in enumerate(row):
                column[t, k], power[t, k] = i, e
        column, power = column.to(x.device), power.to(x.device)
        coefficients = torch.tensor(self.coefficients, device=x.device)
        step = max(1, _BLOCK // max(1, self.terms * most))
        found = []
        for some in rows.split(step):
            padded = torch.cat([some, some.new_ones(len(some), 1)], -1)
            found.append((padded[:, column] ** power).prod(-1) @ coefficients)
        return torch.cat(found).reshape(x.shape[:-1]) if found else rows.new_zeros(x.shape[:-1])

    def to_sympy(self) -> Any:
        """The expression of SymPy, with floating-point coefficients."""
        return expression_of(self)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Polynomial)
            and self.variables == other.variables
            and np.array_equal(self.exponents, other.exponents)
            and np.array_equal(self.coefficients, other.coefficients)
        )

    def __hash__(self) -> int:
        return hash((self.variables, self.exponents.tobytes(), self.coefficients.tobytes()))

    def __str__(self) -> str:
        text = ""
        for value, row in zip(self.coefficients.tolist(), self.factors, strict=True):
            names = [self.variables[i] + (f"**{e}" if e > 1 else "") for i, e in row]
            number = [] if abs(value) == 1 and names else [repr(abs(value)).removesuffix(".0")]
            sign = ("-" if value < 0 else "") if not text else (" - " if value < 0 else " + ")
            text += sign + "*".join(number + names)
        return text or "0"


def _in_order(names: tuple[str, ...], terms: Mapping[Factors, float]) -> Polynomial:
    live = [row for row, value in terms.items() if value]
    # at equal degree no row begins with all of another one, so this is the order of the exponents
    live.sort(key=lambda row: (-sum(e for _, e in row), [(i, -e) for i, e in row]))
    exponents = np.zeros((len(live), len(names)), dtype=np.int32)
    for line, row in zip(exponents, live, strict=True):
        for i, e in row:
            line[i] = e
    coefficients = np.array([terms[row] for row in live], dtype=np.float64)
    exponents.flags.writeable = coefficients.flags.writeable = False
    return Polynomial(names, exponents, coefficients)


def _rows(exponents: NDArray[np.integer[Any]]) -> list[Factors]:
    """Column and exponent of what is not 0 in each row."""
    rows: list[list[tuple[int, int]]] = [[] for _ in exponents]
    at, column = exponents.nonzero()
    for t, i, e in zip(at.tolist(), column.tolist(), exponents[at, column].tolist(), strict=True):
        rows[t].append((i, e))
    return [tuple(row) for row in rows]


def _names(variables: Sequence[str]) -> tuple[str, ...]:
    names = tuple(variables)
    if bad := [n for n in names if not isinstance(n, str) or not n.isidentifier()]:
        raise InputError("variables with names of letters, digits and _", f"{bad[0]!r}", "call it x1")
    if len(set(names)) < len(names):
        raise InputError("variables with names of their own", "one twice", "name each once")
    return names


def _by_number(name: str) -> tuple[str, int, str]:
    match = re.fullmatch(r"(.*?)(\d{1,18})", name)
    return (match[1], int(match[2]), name) if match else (name, -1, name)


def _check_size(terms: int, variables: int) -> None:
    if terms * variables > _LARGEST:
        raise InputError(
            f"a table of at most {_LARGEST} exponents",
            f"{terms} terms of {variables} variables",
            "compile one that is the same at all sites of a lattice as a convolution",
        )

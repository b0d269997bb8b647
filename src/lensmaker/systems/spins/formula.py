r"""A Hamiltonian from a formula, "-J*s[i]*s[j] - h*s[i]".

The spins of a product say what it is summed over:

=========================== =======================================================================
`s3`, `s[3]`                this site, no sum
`s[i]`                      each site
`s[i]*s[j]`                 each bond of the lattice
`s[i]*s[j]*s[k]*s[l]`       each plaquette of four corners; so with three (triangular), six (honeycomb)
`s[i]*s[i+2]`               all places on a chain where both are
`s[x,y]*s[x+1,y+1]`         the same with as many indices as the lattice has axes
=========================== =======================================================================

Everything else that has a name is a coupling constant.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lensmaker.core import InputError
from lensmaker.systems.spins import cliques
from lensmaker.systems.spins.formula_text import expression
from lensmaker.systems.spins.hamiltonian import Hamiltonian, Term
from lensmaker.systems.spins.lattices import Integers, Lattice


@dataclass(frozen=True)
class Spin:
    """s at a site, or at an index with a step for each axis.

    Examples
    --------
    >>> Spin(("x", "y"), (1, 0)), Spin(site=3)
    (Spin(index=('x', 'y'), step=(1, 0), site=None), Spin(index=(), step=(), site=3))
    """

    index: tuple[str, ...] = ()
    step: tuple[int, ...] = ()
    site: int | None = None


def from_formula(
    formula: str, lattice: Lattice | None = None, *, sites: int | None = None, **couplings: float
) -> Hamiltonian:
    """The Hamiltonian that a formula says, signs and all; s² = 1.

    Parameters
    ----------
    formula
        A polynomial in spins and linear in coupling constants; a number in place of one is named after its product.
    lattice
        What indices are summed over; needed where there are any.
    sites
        Number of spins where there is no lattice; else one more than the last one named.
    couplings
        The value of each coupling constant.

    Raises
    ------
    InputError
        If it is no such polynomial, a name has no value, or the lattice has no such bonds or plaquettes.

    Examples
    --------
    >>> import torch
    >>> from lensmaker.systems.spins.lattices import square
    >>> H = from_formula("-J*s[i]*s[j] - h*s[i] - K*s[i]*s[j]*s[k]*s[l]", square(4), J=1, h=0.1, K=0.2)
    >>> dict(H.couplings), round(H.energy(torch.ones(16)).item(), 9)
    ({'J': 1.0, 'h': 0.1, 'K': 0.2}, -36.8)
    """
    polynomial, spins = _polynomial(formula)
    found: dict[str, list[tuple[Integers, float]]] = {}
    explicit = [s.site for s in spins if s.site is not None]
    count = lattice.sites if lattice is not None else sites or max(explicit, default=-1) + 1
    if explicit and max(explicit) >= count:
        raise InputError(f"sites from 0 to {count - 1}", f"s{max(explicit)}", "count from 0")
    for powers, coefficient in polynomial.terms():
        product = _reduced(formula, list(zip(spins, powers, strict=True)))
        table = _summed(formula, product, lattice)
        for name, weight in _by_name(formula, coefficient, product):
            found.setdefault(name, []).append((table, -weight))
    values = _values(found, {str(s) for s in polynomial.free_symbols_in_domain}, couplings)
    terms = [
        Term(name, table, np.full(len(table), weight)) for name in values for table, weight in found[name]
    ]
    return Hamiltonian(count, tuple(terms), values, lattice)


def _polynomial(formula: str) -> tuple[Any, list[Spin]]:
    """A polynomial of SymPy, and which spin each of its variables is."""
    import sympy

    symbols: dict[Spin, Any] = {}

    def spin(index: tuple[str, ...], step: tuple[int, ...], site: int | None) -> Any:
        return symbols.setdefault(Spin(index, step, site), sympy.Symbol(f"s_{len(symbols)}*"))

    whole = expression(formula, spin)
    if not symbols:
        raise InputError("a formula with spins", repr(formula), "write -J*s[i]*s[j], for instance")
    try:
        return sympy.Poly(whole, *symbols.values()), list(symbols)
    except sympy.PolynomialError:
        raise InputError(
            "a polynomial in spins", repr(formula), "multiply spins, and divide by numbers alone"
        ) from None


def _reduced(formula: str, powers: Iterable[tuple[Spin, int]]) -> tuple[Spin, ...]:
    """The spins that are left of a product by s² = 1."""
    product = [(spin, n) for spin, n in powers if n]
    if any(n > 1 and spin.site is None and not any(spin.step) for spin, n in product) and len(product) > 1:
        raise InputError("each index once in a product", repr(formula), "leave squares out, for s² = 1")
    left = tuple(spin for spin, n in product if n % 2)
    if not left:
        raise InputError(
            "a formula without a constant part", repr(formula), "leave it out; mind that s² = 1 makes one"
        )
    return left


def _summed(formula: str, product: tuple[Spin, ...], lattice: Lattice | None) -> Integers:
    """Sites of a product at all places that it stands for."""
    if all(s.site is not None for s in product):
        return np.array([[s.site for s in product]], dtype=np.int64)
    if any(s.site is not None for s in product):
        raise InputError("sites or indices in a product", f"both in {formula!r}", "use one kind in each")
    if lattice is None:
        raise InputError("a lattice to sum over", f"none for {formula!r}", "pass one, as in square(8)")
    letters = {s.index for s in product}
    if len(product) == 1 and len(product[0].index) == 1:
        return cliques.sites(lattice)
    if len(letters) == 1:
        return _pattern(product, lattice)
    if len(letters) < len(product) or any(any(s.step) or len(s.index) > 1 for s in product):
        raise InputError(
            "different indices, or one with steps",
            f"a mixture in {formula!r}",
            "write s[i]*s[j], or s[i]*s[i+1]",
        )
    table = lattice.bonds if len(product) == 2 else cliques.plaquettes(lattice)
    if table.shape[1] != len(product):
        raise InputError(
            f"a product of {table.shape[1]} spins for the plaquettes of {lattice}",
            f"one of {len(product)}",
            "write steps, as in s[x,y]*s[x+1,y]*s[x,y+1]",
        )
    return table


def _pattern(product: tuple[Spin, ...], lattice: Lattice) -> Integers:
    axes = len(lattice.shape)
    if len(product[0].index) != axes:
        raise InputError(
            f"{axes} indices for a {lattice.name} lattice",
            f"s[{','.join(product[0].index)}]",
            "write s[i+1] on a chain, and s[x+1,y] on a square lattice",
        )
    return cliques.copies(lattice, [s.step for s in product])


def _by_name(formula: str, coefficient: Any, product: tuple[Spin, ...]) -> list[tuple[str, float]]:
    """Name of each coupling constant in a coefficient, and what it is multiplied by."""
    import sympy

    symbols = sorted(coefficient.free_symbols, key=str)
    if not symbols:
        return [(_text(product), float(coefficient))]
    try:
        linear = sympy.Poly(coefficient, *symbols)
    except sympy.PolynomialError:
        linear = None
    if linear is None or linear.total_degree() > 1:
        raise InputError(
            "coupling constants that enter linearly", f"({coefficient}) in {formula!r}", "give it a name"
        )
    return [
        (str(symbols[powers.index(1)]) if any(powers) else _text(product), float(number))
        for powers, number in linear.terms()
    ]


def _text(product: tuple[Spin, ...]) -> str:
    def one(spin: Spin) -> str:
        if spin.site is not None:
            return f"s{spin.site}"
        steps = [f"{i}{n:+d}" if n else i for i, n in zip(spin.index, spin.step, strict=True)]
        return f"s[{','.join(steps)}]"

    return "*".join(one(s) for s in product)


def _values(
    found: dict[str, list[tuple[Integers, float]]], named: set[str], couplings: dict[str, float]
) -> dict[str, float]:
    """The coupling constants in the order given, then the numbers, which are their own weights times 1."""
    if missing := sorted(name for name in named if name not in couplings):
        raise InputError(f"a value for {missing[0]}", "none", f"pass {missing[0]}=1.0")
    if unused := sorted(name for name in couplings if name not in found):
        raise InputError(
            "coupling constants of the formula alone", f"{unused[0]}, which is not in it", "leave it out"
        )
    return {
        **{name: float(value) for name, value in couplings.items()},
        **{name: 1.0 for name in found if name not in couplings},
    }

"""What can be compiled, as a polynomial: text, SymPy, tables of couplings, and Hamiltonians of spins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lensmaker.core import InputError
from lensmaker.systems.polynomials import LatticePolynomial, Polynomial, recognise
from lensmaker.systems.polynomials.polynomial import Factors
from lensmaker.systems.spins.hamiltonian import Hamiltonian

Source = Any
"""A `Polynomial`, a formula, an expression of SymPy, a table of couplings, a `Hamiltonian` or a `LatticePolynomial`."""


def polynomial_of(source: Source, lattice: Sequence[int] | None = None) -> Polynomial | LatticePolynomial:
    """The polynomial that a source is, and one of a lattice where it is the same at all sites.

    Parameters
    ----------
    lattice
        Sides of a periodic lattice whose sites are the variables, row by row. A Hamiltonian that is the same at all
        sites of its lattice brings its own.

    Raises
    ------
    InputError
        If it is none of these, or is not the same at all sites though a lattice is given.

    Examples
    --------
    >>> from lensmaker.systems.spins import chain, ising
    >>> print(polynomial_of(ising(chain(3, periodic=False), J=2.0)))
    -2*s0*s1 - 2*s1*s2
    >>> polynomial_of(ising(chain(8))).sides
    (8,)
    """
    if isinstance(source, LatticePolynomial):
        return source
    sides = tuple(lattice) if lattice is not None else ()
    if isinstance(source, Hamiltonian):
        found = from_hamiltonian(source)
        if lattice is None and (sides := _sides(source)):
            return recognise(found, sides) or found
    elif isinstance(source, Polynomial):
        found = source
    elif isinstance(source, str):
        found = Polynomial.parse(source)
    elif isinstance(source, Mapping):
        found = Polynomial.from_table(source)
    elif any(str(kind.__module__).partition(".")[0] == "sympy" for kind in type(source).__mro__):
        found = Polynomial.from_sympy(source)
    else:
        raise InputError(
            "a polynomial as text, of SymPy, a table of couplings or a Hamiltonian",
            f"a {type(source).__name__}",
            'pass "x*y - z**2", for instance',
        )
    if not sides:
        return found
    if (same := recognise(found, sides)) is None:
        raise InputError(
            "a polynomial that is the same at all sites of the lattice",
            "one that a translation changes",
            "leave lattice=… out",
        )
    return same


def from_hamiltonian(model: Hamiltonian) -> Polynomial:
    """H(s) = −Σ J w ∏ s as a polynomial in s0, s1, …."""
    found: dict[Factors, float] = {}
    for term in model.terms:
        for clique, weight in zip(term.cliques.tolist(), term.weights.tolist(), strict=True):
            key = tuple((site, 1) for site in sorted(clique))
            found[key] = found.get(key, 0.0) - model.couplings[term.name] * weight
    return Polynomial.of_factors([f"s{i}" for i in range(model.sites)], found)


def _sides(model: Hamiltonian) -> tuple[int, ...]:
    """Of a periodic lattice of single sites in up to three dimensions, () for others."""
    lattice = model.lattice
    if lattice is None or lattice.basis != 1 or not all(lattice.periodic) or len(lattice.shape) > 3:
        return ()
    return lattice.shape if lattice.name not in ("complete", "graph") else ()

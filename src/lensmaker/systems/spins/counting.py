"""How many independent parameters a Hamiltonian has, by degree, locality and symmetry."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import InputError
from lensmaker.systems.spins.cliques import neighbourhoods
from lensmaker.systems.spins.lattices import Integers, Lattice


def parameters(
    lattice: Lattice,
    degree: int,
    *,
    reach: float = math.inf,
    symmetries: Integers | None = None,
    even: bool = False,
    real: bool = False,
) -> int:
    """How many coefficients a polynomial of at most this degree has, the constant among them.

    One for each orbit of products under the symmetries; the products are listed, not taken from a formula. Without
    locality and symmetry there are Σ_k C(n, k) for spins, whose squares are 1, and C(n + d, d) for real variables.

    Parameters
    ----------
    degree
        The largest number of factors d.
    reach
        No two sites of a product are farther apart, in units of a bond.
    symmetries
        Permutations under which nothing changes, one a row, all of a group: `lattice.translations`, for instance.
    even
        Whether turning all spins over changes nothing (Z₂).
    real
        Whether the variables are real numbers instead of ±1, so that a site may stand in a product repeatedly.

    Examples
    --------
    A chain, in a constant, a field and a coupling of neighbours:

    >>> from lensmaker.systems.spins.lattices import chain
    >>> parameters(chain(8), 2, reach=1.0, symmetries=chain(8).translations)
    3
    """
    if degree < 0:
        raise InputError("a degree of at least 0", f"{degree}", "pass 2 for pairs")
    orders = range(2 if even else 1, degree + 1, 2 if even else 1)
    return 1 + sum(len(representatives(p, symmetries)) for p in _products(lattice, orders, reach, real))


def representatives(products: Integers, symmetries: Integers | None = None) -> Integers:
    """Which products stand for all others: the first of each orbit, as their rows in order.

    Parameters
    ----------
    products
        Sites of each product, shape (m, k).
    symmetries
        Permutations of a group, shape (g, N).
    """
    return np.sort(np.unique(orbits(products, symmetries), return_index=True)[1])


def orbits(products: Integers, symmetries: Integers | None = None) -> NDArray[np.int64]:
    """To which orbit each product belongs, shape (m,), counted from 0.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import chain
    >>> orbits(np.array([[0, 1], [0, 2], [1, 2], [3, 1]]), chain(4).translations).tolist()
    [0, 1, 0, 1]
    """
    ordered = np.sort(products, axis=1)
    least = _numbers(ordered, int(products.max(initial=0)) + 1 if symmetries is None else symmetries.shape[1])
    for permutation in () if symmetries is None else symmetries:
        image = np.sort(permutation[ordered], axis=1)
        least = np.minimum(least, _numbers(image, len(permutation)))
    return np.unique(least, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _numbers(ordered: Integers, sites: int) -> NDArray[np.generic]:
    """One whole number for each row of sites."""
    k = ordered.shape[1]
    kind = np.int64 if sites**k < 2**62 else object
    base = np.array([sites**power for power in range(k - 1, -1, -1)], dtype=kind)
    return (ordered.astype(kind) * base).sum(1)


def _products(lattice: Lattice, orders: range, reach: float, real: bool) -> list[Integers]:
    near = neighbourhoods(lattice, reach) if math.isfinite(reach) else None
    choose = itertools.combinations_with_replacement if real else itertools.combinations
    found = []
    for k in orders:
        if near is None:
            rows = list(choose(range(lattice.sites), k))
        else:
            rows = [c for first in range(lattice.sites) for c in _around(near, first, k, real)]
        found.append(np.array(rows, dtype=np.int64).reshape(-1, k))
    return found


def _around(near: NDArray[np.bool_], first: int, k: int, real: bool) -> list[tuple[int, ...]]:
    """Products of k sites near one another whose least site is `first`."""
    rows: list[tuple[int, ...]] = [(first,)]
    for _ in range(k - 1):
        rows = [
            (*row, site)
            for row in rows
            for site in range(row[-1] if real else row[-1] + 1, len(near))
            if near[site, list(row)].all()
        ]
    return rows

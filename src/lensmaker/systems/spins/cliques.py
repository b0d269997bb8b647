"""Cliques of a lattice: sites, pairs at each distance, plaquettes, and all products within a reach."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import InputError
from lensmaker.systems.spins.lattices import Integers, Lattice

_WITHOUT_PLACE = ("complete", "graph")
"""Lattices whose positions are for drawing alone."""

_TRIANGLES = (((0, 0), (1, 0), (0, 1)), ((0, 0), (1, 0), (1, -1)))
_HEXAGON = ((0, 0, 0), (0, 0, 1), (1, 0, 0), (1, -1, 1), (1, -1, 0), (0, -1, 1))
"""Corners of the plaquettes that belong to a cell, by steps in cells; of the honeycomb also which site of the cell."""


def sites(lattice: Lattice) -> Integers:
    """Each site alone, shape (N, 1)."""
    return np.arange(lattice.sites)[:, None]


def distances(lattice: Lattice) -> NDArray[np.float64]:
    """Distance of each two sites in units of a bond, the shortest way around periodic axes, shape (N, N).

    On graphs and complete lattices, whose sites have no place, the least number of bonds between them.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import chain
    >>> distances(chain(5))[0].tolist()
    [0.0, 1.0, 2.0, 2.0, 1.0]
    """
    if lattice.name in _WITHOUT_PLACE:
        return _steps(lattice)
    between = lattice.positions[:, None] - lattice.positions
    periods = _periods(lattice)
    if len(periods):
        between = between - np.round(between @ np.linalg.pinv(periods)) @ periods
    best = np.full(between.shape[:2], math.inf)
    for turn in itertools.product((-1, 0, 1), repeat=len(periods)):
        best = np.minimum(best, np.linalg.norm(between + np.array(turn) @ periods, axis=-1))
    return np.round(best, 9)


def _periods(lattice: Lattice) -> NDArray[np.float64]:
    """Steps once around the periodic axes, and around several at once where that is shorter: a reduced basis.

    Of such a basis in the plane, an image that is nearest is no more than one step along each from the one that
    rounding finds, however elongated the torus is (Lagrange and Gauss).
    """
    corners = lattice.positions[:: lattice.basis].reshape(*lattice.shape, -1)
    d = len(lattice.shape)
    found = [
        side * (corners[_unit(axis, d)] - corners[(0,) * d])
        for axis, (side, periodic) in enumerate(zip(lattice.shape, lattice.periodic, strict=True))
        if periodic
    ]
    changed = True
    while changed:
        changed = False
        for i, j in itertools.permutations(range(len(found)), 2):
            turns = round(float(found[i] @ found[j] / (found[j] @ found[j])) - 1e-9)
            shorter = found[i] - turns * found[j]
            if np.linalg.norm(shorter) < np.linalg.norm(found[i]) - 1e-9:
                found[i], changed = shorter, True
    return np.array(found).reshape(-1, corners.shape[-1])


def shells(lattice: Lattice) -> list[tuple[float, Integers]]:
    """Distance and pairs of the first, second, … neighbours, each pair of sites once.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import square
    >>> [(round(d, 3), len(pairs)) for d, pairs in shells(square(4))]
    [(1.0, 32), (1.414, 32), (2.0, 16), (2.236, 32), (2.828, 8)]
    """
    far = distances(lattice)
    pairs = np.stack(np.triu_indices(lattice.sites, 1), 1)
    length = far[pairs[:, 0], pairs[:, 1]]
    return [(float(d), pairs[length == d]) for d in np.unique(length[np.isfinite(length)])]


def neighbourhoods(lattice: Lattice, reach: float) -> NDArray[np.bool_]:
    """Whether two sites are no farther apart than `reach`, (N, N); √2 reaches the end of a diagonal."""
    return distances(lattice) <= reach + 1e-8


def plaquettes(lattice: Lattice) -> Integers:
    """The smallest faces, one row each, corners in their order around it.

    Squares of the square, cubic and hypercubic lattices, triangles of the triangular one, hexagons of the honeycomb.

    Raises
    ------
    InputError
        If the lattice has none.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import square
    >>> plaquettes(square(3, periodic=False))[0].tolist(), len(plaquettes(square(3)))
    ([0, 3, 4, 1], 9)
    """
    d = len(lattice.shape)
    if lattice.name == "honeycomb":
        cells = _placed(lattice, [corner[:2] for corner in _HEXAGON])
        return _different(2 * cells + np.array([corner[2] for corner in _HEXAGON]), lattice)
    if lattice.name == "triangular":
        return _different(np.concatenate([_placed(lattice, corners) for corners in _TRIANGLES]), lattice)
    if lattice.name in _WITHOUT_PLACE or d < 2:
        raise InputError(
            "a lattice with plaquettes", f"{lattice}", "choose a square, triangular, honeycomb or cubic one"
        )
    axes = [_unit(axis, d) for axis in range(d)]
    faces = [
        _placed(lattice, [(0,) * d, a, tuple(np.add(a, b).tolist()), b])
        for a, b in itertools.combinations(axes, 2)
    ]
    return _different(np.concatenate(faces), lattice)


def copies(lattice: Lattice, steps: Sequence[tuple[int, ...]]) -> Integers:
    """A pattern of sites at all places where it fits, shape (places, sites of the pattern).

    Parameters
    ----------
    steps
        From one site of the pattern to each of them, in cells along each axis.

    Raises
    ------
    InputError
        If the lattice is not one site a cell, or it is too small for the pattern.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import chain
    >>> copies(chain(5, periodic=False), [(0,), (2,)]).tolist()
    [[0, 2], [1, 3], [2, 4]]
    """
    if lattice.basis != 1 or lattice.name in _WITHOUT_PLACE:
        raise InputError("a lattice of one site a cell", f"{lattice}", "name the sites themselves")
    return _different(_placed(lattice, steps), lattice)


def within(lattice: Lattice, reach: float, degree: int) -> list[Integers]:
    """All products of 1 … `degree` different sites no two of which are farther apart than `reach`, by their order.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import chain
    >>> [len(c) for c in within(chain(6), reach=2.0, degree=3)]
    [6, 12, 8]
    """
    near = neighbourhoods(lattice, reach)
    found = [sites(lattice)]
    for _ in range(degree - 1):
        smaller = found[-1]
        allowed = near[smaller].all(1) & (np.arange(lattice.sites) > smaller[:, -1:])
        which, last = np.nonzero(allowed)
        found.append(np.concatenate([smaller[which], last[:, None]], 1))
    return found[:degree]


def _placed(lattice: Lattice, steps: Sequence[tuple[int, ...]]) -> Integers:
    """Cells at these steps from each cell, where all of them are."""
    shape = np.array(lattice.shape)[:, None]
    start = np.indices(lattice.shape).reshape(len(lattice.shape), -1)
    inside = np.ones(start.shape[1], dtype=bool)
    columns = []
    for step in steps:
        to = start + np.array(step)[:, None]
        inside &= ((to >= 0) & (to < shape) | np.array(lattice.periodic)[:, None]).all(0)
        columns.append(np.ravel_multi_index(tuple(to % shape), lattice.shape))
    return np.stack(columns, 1)[inside].astype(np.int64)


def _different(table: Integers, lattice: Lattice) -> Integers:
    """The same rows, if no site stands twice in one."""
    ordered = np.sort(table, 1)
    if (ordered[:, 1:] == ordered[:, :-1]).any():
        raise InputError(
            "a lattice larger than the pattern on it",
            f"{lattice}, on which it meets itself",
            "make it larger",
        )
    return table


def _steps(lattice: Lattice) -> NDArray[np.float64]:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import shortest_path

    joined = coo_matrix((np.ones(len(lattice.bonds)), lattice.bonds.T), shape=(lattice.sites,) * 2).tocsr()
    return np.asarray(shortest_path(joined, directed=False, unweighted=True))


def _unit(axis: int, d: int) -> tuple[int, ...]:
    return tuple(int(k == axis) for k in range(d))

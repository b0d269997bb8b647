"""Bipartite lattices as rows of one colour: the neighbours of a row are rows of the other one."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.lattices import Lattice
from lensmaker.systems.spins.sampling.rule import Spins
from lensmaker.systems.spins.sampling.tables.bonds import bonds

_BRAVAIS = ("chain", "square", "cubic", "hypercubic")


@dataclass(frozen=True, eq=False)
class Rows:
    """The two colours of a lattice, each as lines of n sites along its last axis.

    Site k of a line has its neighbours at k + shift − 1 and k + shift in the line of the other colour, and at k in
    the lines beside it.

    Attributes
    ----------
    sites
        Which site it is, −1 for none, shape (2, lines, n).
    shift
        0 or 1, shape (2, lines).
    beside
        Numbers of the lines beside it, an even number, `lines` for none, shape (2, lines, m).
    closed
        Whether the last axis is periodic.
    """

    sites: NDArray[np.int64]
    shift: NDArray[np.int64]
    beside: NDArray[np.int64]
    closed: bool

    def packed(self, spins: Spins) -> NDArray[np.int8]:
        """(chains, N) → (chains, 2, lines + 1, n + 2): a site more at both ends, and a line of zeros for none."""
        _, lines, n = self.sites.shape
        found = np.zeros((len(spins), 2, lines + 1, n + 2), np.int8)
        found[:, :, :lines, 1:-1] = np.where(self.sites >= 0, spins[:, self.sites], 0)
        if self.closed:
            found[..., 0], found[..., -1] = found[..., -2], found[..., 1]
        return found

    def unpacked(self, rows: NDArray[np.int8]) -> Spins:
        """The way back."""
        there = self.sites >= 0
        spins = np.empty((len(rows), int(there.sum())), np.int8)
        spins[:, self.sites[there]] = rows[:, :, :-1, 1:-1][:, there]
        return spins


def rows(lattice: Lattice) -> Rows:
    """The rows of a chain, a hypercubic lattice or a honeycomb; `not_in_rows` says of others why not.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import square
    >>> rows(square(2, 4)).sites.tolist()
    [[[0, 2], [5, 7]], [[1, 3], [4, 6]]]
    """
    if lattice.name == "honeycomb":
        lines, n = lattice.shape
        sites = np.arange(2 * lines * n).reshape(lines, n, 2).transpose(2, 0, 1)
        shift = np.repeat([[0], [1]], lines, 1)
        up, down = (_moved((lines,), 0, step, lattice.periodic) for step in (-1, 1))
        none = np.full(lines, lines)
        beside = np.stack([np.stack([up, none], 1), np.stack([down, none], 1)])
        return Rows(sites, shift, beside, lattice.periodic[-1])
    leading, width = lattice.shape[:-1], lattice.shape[-1]
    lines, n = math.prod(leading), (width + 1) // 2
    parity = np.indices(leading).sum(0).reshape(-1) % 2 if leading else np.zeros(1, np.int64)
    shift = np.stack([parity, 1 - parity])
    column = 2 * np.arange(n) + shift[..., None]
    sites = np.where(column < width, np.arange(lines)[:, None] * width + column, -1)
    moves = [
        _moved(leading, axis, step, lattice.periodic)
        for axis, step in itertools.product(range(len(leading)), (-1, 1))
    ]
    beside = np.stack(moves or 2 * [np.full(lines, lines)], 1)
    return Rows(sites, shift, np.stack([beside, beside]), lattice.periodic[-1])


def not_in_rows(system: Canonical) -> str:
    """Why it is not one coupling, and perhaps one field, on a lattice that comes apart into rows of two colours."""
    h = system.hamiltonian
    orders = {t.order for t in h.terms if h.couplings[t.name] != 0 and t.weights.any()}
    if orders - {1, 2}:
        return f"products of {max(orders)} spins, which do not come apart into two colours"
    lattice = h.lattice
    if lattice is None:
        return "a Hamiltonian on no lattice, whose rows are not known"
    if lattice.name not in (*_BRAVAIS, "honeycomb"):
        return f"a {lattice.name} lattice, which does not come apart into rows of two colours"
    if lattice.name in _BRAVAIS:
        for side, periodic in zip(lattice.shape, lattice.periodic, strict=True):
            if periodic and side % 2:
                return f"an odd side of {side}, whose last row meets its own colour"
    found, pairs = bonds(h), np.sort(lattice.bonds, axis=1)
    pairs = pairs[np.lexsort(pairs.T)]
    own = np.stack([found.first, found.last], 1)
    if not found.is_uniform or not np.array_equal(own, pairs):
        return "couplings that are not one and the same on every bond of its lattice"
    if np.ptp(h.field) > 0:
        return "a field that differs from site to site"
    return ""


def _moved(leading: tuple[int, ...], axis: int, step: int, periodic: tuple[bool, ...]) -> NDArray[np.int64]:
    """The line a step along an axis from each one; the number of lines for none."""
    lines = np.arange(math.prod(leading)).reshape(leading)
    moved: NDArray[np.int64] = np.roll(lines, -step, axis)
    if not periodic[axis]:
        edge: list[Any] = [slice(None)] * len(leading)
        edge[axis] = -1 if step > 0 else 0
        moved[tuple(edge)] = lines.size
    return moved.reshape(-1)

"""Lattices: sites, and the bonds that join them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import InputError

if TYPE_CHECKING:
    import networkx as nx

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Lattice:
    """Sites 0 … N−1 and the bonds between them.

    A bond for each site and direction: a periodic side of two joins its sites twice, as it does in the partition
    function of a torus.

    Attributes
    ----------
    name, shape, periodic
        What it is: "square", the sides in unit cells, and whether each axis closes on itself.
    bonds
        The two sites of each bond, shape (B, 2).
    directions
        To which class of parallel bonds each bond belongs, shape (B,).
    positions
        Coordinates of the sites in units of a bond, shape (N, d).
    basis
        Sites in a unit cell.

    Examples
    --------
    >>> square(3).bonds.shape, square(3).coordination
    ((18, 2), 4.0)
    """

    name: str
    shape: tuple[int, ...]
    periodic: tuple[bool, ...]
    bonds: Integers
    directions: Integers
    positions: NDArray[np.float64]
    basis: int = 1

    @property
    def sites(self) -> int:
        """N."""
        return len(self.positions)

    @property
    def coordination(self) -> float:
        """Mean number of bonds at a site."""
        return 2 * len(self.bonds) / self.sites

    @cached_property
    def neighbours(self) -> Integers:
        """The sites at the other ends of each site's bonds, shape (N, z), rows filled up with −1."""
        rows: list[list[int]] = [[] for _ in range(self.sites)]
        for i, j in self.bonds.tolist():
            rows[i].append(j)
            rows[j].append(i)
        table = np.full((self.sites, max(map(len, rows), default=0)), -1, dtype=np.int64)
        for row, found in zip(table, rows, strict=True):
            row[: len(found)] = found
        return table

    @cached_property
    def translations(self) -> Integers:
        """One row for each translation by unit cells along the periodic axes: the site that each site goes to."""
        steps = [range(n) if p else (0,) for n, p in zip(self.shape, self.periodic, strict=True)]
        return np.stack([self.translation(step) for step in itertools.product(*steps)])

    def translation(self, step: Sequence[int]) -> Integers:
        """The site that each site goes to, so many unit cells along each axis."""
        cells = np.arange(math.prod(self.shape)).reshape(self.shape)
        to = np.roll(cells, [-s for s in step], tuple(range(len(self.shape)))).reshape(-1)
        return (to[:, None] * self.basis + np.arange(self.basis)).reshape(-1)

    def __str__(self) -> str:
        sides = " × ".join(map(str, self.shape))
        edges = "periodic" if all(self.periodic) else "open" if not any(self.periodic) else "partly periodic"
        return f"{self.name} {sides}, {edges}"


def chain(sites: int, *, periodic: bool = True) -> Lattice:
    """A line of sites, or a ring.

    Examples
    --------
    >>> chain(3).bonds.tolist(), chain(3, periodic=False).bonds.tolist()
    ([[0, 1], [1, 2], [2, 0]], [[0, 1], [1, 2]])
    """
    return _bravais("chain", (sites,), periodic, ((1,),), np.eye(1))


def square(rows: int, columns: int | None = None, *, periodic: bool | Sequence[bool] = True) -> Lattice:
    """The square lattice of rows × columns sites; site (r, c) is r·columns + c."""
    return _bravais(
        "square", (rows, rows if columns is None else columns), periodic, ((1, 0), (0, 1)), np.eye(2)
    )


def triangular(rows: int, columns: int | None = None, *, periodic: bool | Sequence[bool] = True) -> Lattice:
    """The triangular lattice: the square one with one diagonal of each cell, six bonds a site."""
    cell = np.array([[1.0, 0.0], [0.5, math.sqrt(0.75)]])
    return _bravais(
        "triangular", (rows, rows if columns is None else columns), periodic, ((1, 0), (0, 1), (1, -1)), cell
    )


def cubic(*sides: int, periodic: bool | Sequence[bool] = True) -> Lattice:
    """The simple cubic lattice, of one side or of three."""
    shape = sides * 3 if len(sides) == 1 else sides
    if len(shape) != 3:
        raise InputError("one side or three for a cubic lattice", f"{len(sides)} sides", "pass cubic(8)")
    return _bravais("cubic", shape, periodic, _axes(3), np.eye(3))


def hypercubic(shape: Sequence[int], *, periodic: bool | Sequence[bool] = True) -> Lattice:
    """The hypercubic lattice in any dimension, neighbours along each axis."""
    d = len(shape)
    return _bravais("hypercubic", tuple(shape), periodic, _axes(d), np.eye(d))


def honeycomb(rows: int, columns: int | None = None, *, periodic: bool | Sequence[bool] = True) -> Lattice:
    """The honeycomb lattice: cells of two sites, three bonds a site; site (r, c, b) is 2(r·columns + c) + b.

    Examples
    --------
    >>> honeycomb(2).sites, honeycomb(2).coordination
    (8, 3.0)
    """
    shape = _checked("honeycomb", (rows, rows if columns is None else columns))
    around = _periodic(shape, periodic)
    cells = np.arange(math.prod(shape)).reshape(shape)
    bonds, directions = [], []
    for direction, step in enumerate(((0, 0), (-1, 0), (0, -1))):
        first, last = _joined(cells, step, around)
        bonds.append(np.stack([2 * first, 2 * last + 1], 1))
        directions.append(np.full(len(first), direction))
    primitive = np.array([[1.5, math.sqrt(0.75)], [1.5, -math.sqrt(0.75)]])
    corner = np.indices(shape).reshape(2, -1).T @ primitive
    positions = np.stack([corner, corner + np.array([1.0, 0.0])], 1).reshape(-1, 2)
    return Lattice(
        "honeycomb", shape, around, np.concatenate(bonds), np.concatenate(directions), positions, basis=2
    )


def complete(sites: int) -> Lattice:
    """Every site joined to every other one."""
    _checked("complete", (sites,))
    bonds = np.stack(np.triu_indices(sites, 1), 1).astype(np.int64)
    angle = 2 * np.pi * np.arange(sites) / sites
    positions = np.stack([np.cos(angle), np.sin(angle)], 1)
    return Lattice("complete", (sites,), (True,), bonds, np.zeros(len(bonds), np.int64), positions)


def from_graph(graph: nx.Graph[Any]) -> Lattice:
    """Any networkx graph; its nodes are the sites, in the order of the graph.

    Raises
    ------
    InputError
        If it is no undirected graph, has no nodes, or a node is joined to itself.
    """
    if not hasattr(graph, "edges") or graph.is_directed():
        raise InputError(
            "an undirected networkx graph", f"a {type(graph).__name__}", "pass G.to_undirected()"
        )
    if not len(graph):
        raise InputError("a graph with nodes", "none", "add a node")
    place = {node: i for i, node in enumerate(graph.nodes)}
    bonds = np.array([[place[a], place[b]] for a, b in graph.edges()], dtype=np.int64).reshape(-1, 2)
    if loops := int((bonds[:, 0] == bonds[:, 1]).sum()):
        raise InputError("bonds between different sites", f"{loops} loops", "remove nx.selfloop_edges(G)")
    n = len(place)
    angle = 2 * np.pi * np.arange(n) / max(n, 1)
    positions = np.stack([np.cos(angle), np.sin(angle)], 1)
    return Lattice("graph", (n,), (False,), bonds, np.zeros(len(bonds), np.int64), positions)


# -- making them ------------------------------------------------------------------------------------


def _bravais(
    name: str,
    shape: tuple[int, ...],
    periodic: bool | Sequence[bool],
    steps: Sequence[tuple[int, ...]],
    cell: NDArray[np.float64],
) -> Lattice:
    shape = _checked(name, shape)
    around = _periodic(shape, periodic)
    sites = np.arange(math.prod(shape)).reshape(shape)
    pairs = [_joined(sites, step, around) for step in steps]
    bonds = np.concatenate([np.stack(pair, 1) for pair in pairs])
    directions = np.repeat(np.arange(len(pairs)), [len(first) for first, _ in pairs])
    positions = np.indices(shape).reshape(len(shape), -1).T @ cell
    return Lattice(name, shape, around, bonds, directions, positions)


def _joined(sites: Integers, step: tuple[int, ...], periodic: tuple[bool, ...]) -> tuple[Integers, Integers]:
    """Each site, and the one a step away, where there is one."""
    place = np.indices(sites.shape).reshape(sites.ndim, -1)
    to = place + np.array(step)[:, None]
    sides = np.array(sites.shape)[:, None]
    inside = ((to >= 0) & (to < sides) | np.array(periodic)[:, None]).all(0)
    first = sites[tuple(place[:, inside])]
    return first, sites[tuple((to % sides)[:, inside])]


def _axes(d: int) -> list[tuple[int, ...]]:
    return [tuple(int(k == axis) for k in range(d)) for axis in range(d)]


def _checked(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    if not shape or any(not isinstance(n, int | np.integer) or n < 1 for n in shape):
        raise InputError(
            f"whole sides of at least 1 for a {name} lattice", f"{shape}", "pass 8, for instance"
        )
    return tuple(int(n) for n in shape)


def _periodic(shape: tuple[int, ...], periodic: bool | Sequence[bool]) -> tuple[bool, ...]:
    around = (periodic,) * len(shape) if isinstance(periodic, bool) else tuple(periodic)
    if len(around) != len(shape):
        raise InputError(
            f"periodic as one bool, or one for each of {len(shape)} axes", f"{around}", "pass periodic=True"
        )
    if any(p and n < 2 for n, p in zip(shape, around, strict=True)):
        raise InputError(
            "at least two sites along a periodic axis",
            f"sides {shape}",
            "make it longer, or open: periodic=False",
        )
    return around

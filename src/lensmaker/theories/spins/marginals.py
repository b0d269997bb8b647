"""The distribution of a few spins of a large system: all others are summed over, one after another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import InputError
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.theories.spins.factors import factors

WIDEST = 22
"""Spins of which all configurations are held in a table."""

Link = tuple[int, ...]


def marginal(system: Canonical, sites: Sequence[int]) -> NDArray[np.float64]:
    """P of some spins, an axis of two states −1, 1 for each, in the order of `sites`.

    Each spin that is not asked for is summed out of the product of the tables it is in, the one with the fewest
    neighbours first.

    Raises
    ------
    InputError
        If a table would have more than 2²² entries; that is said before anything is summed.

    References
    ----------
    U. Bertelè, F. Brioschi, Nonserial dynamic programming, Academic Press 1972.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import chain
    >>> p = marginal(Canonical(ising(chain(40, periodic=False)), 1.0), [0, 2])
    >>> bool(abs(p[1, 1] + p[0, 0] - (1 + np.tanh(1.0) ** 2) / 2) < 1e-15)
    True
    """
    parts = [(f.sites, -system.beta * f.energy) for f in factors(system.hamiltonian) if f.energy.any()]
    order, width = plan([p[0] for p in parts], sites, system.sites)
    if width > WIDEST:
        raise InputError(
            f"tables of at most {WIDEST} spins", f"one of {width}", "take fewer spins, or a narrower lattice"
        )
    tables: list[tuple[Link, NDArray[np.float64]]] = parts
    for site in order:
        here = [t for t in tables if site in t[0]]
        tables = [t for t in tables if site not in t[0]]
        if here:
            named, log = _product(here)
            axis = named.index(site)
            top = log.max()
            rest = np.asarray(np.log(np.exp(log - top).sum(axis)))
            tables.append((named[:axis] + named[axis + 1 :], rest))
    kept = tuple(sorted(sites))
    _, log = _product([*tables, (kept, np.zeros((2,) * len(kept)))])
    p = np.exp(log - log.max())
    return np.asarray(np.transpose(p / p.sum(), [kept.index(s) for s in sites]))


def plan(links: Iterable[Link], kept: Sequence[int], sites: int) -> tuple[list[int], int]:
    """The order in which spins are summed over, and how many spins the largest table has.

    The order ends as soon as a table would be too large.
    """
    near: list[set[int]] = [set() for _ in range(sites)]
    for link in links:
        for i in link:
            near[i].update(link)
    for i, around in enumerate(near):
        around.discard(i)
    buckets: dict[int, dict[int, None]] = {}
    for i in sorted(set(range(sites)) - set(kept)):
        buckets.setdefault(len(near[i]), {})[i] = None
    order, width = [], len(kept)
    while any(buckets.values()):
        least = min(k for k, sites_of in buckets.items() if sites_of)
        width = max(width, least + 1)
        if width > WIDEST:
            break
        site = next(iter(buckets[least]))
        del buckets[least][site]
        order.append(site)
        for i in near[site]:
            before = len(near[i])
            near[i] |= near[site]
            near[i] -= {i, site}
            if i in buckets.get(before, {}):
                del buckets[before][i]
                buckets.setdefault(len(near[i]), {})[i] = None
    return order, width


def links_of(system: Canonical) -> list[Link]:
    """The sites of each product that has a weight."""
    h = system.hamiltonian
    live = [t.cliques[t.weights != 0] for t in h.terms if h.couplings[t.name]]
    return [tuple(link) for cliques in live for link in cliques.tolist()]


def border(links: Iterable[Link], inside: Sequence[int], outside: Sequence[int]) -> list[int]:
    """The spins of `outside` that `inside` is reached from without crossing outside: all that count of it.

    Given these, inside and the rest of outside are independent: the graph of the products is the Markov graph.
    """
    at: dict[int, list[Link]] = {}
    for link in links:
        for i in link:
            at.setdefault(i, []).append(link)
    stop, seen, edge = set(outside), set(inside), set()
    front = list(inside)
    while front:
        for link in at.get(front.pop(), []):
            for i in link:
                if i in stop:
                    edge.add(i)
                elif i not in seen:
                    seen.add(i)
                    front.append(i)
    return sorted(edge)


def rim(links: Iterable[Link], inside: Sequence[int]) -> list[int]:
    """The spins of `inside` that meet others."""
    own = set(inside)
    return sorted({i for link in links if not own.issuperset(link) for i in own.intersection(link)})


def _product(tables: Sequence[tuple[Link, NDArray[np.float64]]]) -> tuple[Link, NDArray[np.float64]]:
    """The sum of logarithms over all sites that they are of, in ascending order."""
    sites = tuple(sorted({i for named, _ in tables for i in named}))
    total = np.zeros((2,) * len(sites))
    for named, log in tables:
        lengths = dict(zip(named, log.shape, strict=True))
        total = total + log.reshape([lengths.get(i, 1) for i in sites])
    return sites, np.asarray(total)


def mutual_information(p: NDArray[np.float64]) -> float:
    """I = Σ p ln(p/p_X p_Y) of a table of two variables, in nats.

    Examples
    --------
    >>> round(mutual_information(np.eye(2) / 2), 6)  # ln 2
    0.693147
    """
    row, column = p.nonzero()
    some = p[row, column]
    logs = np.log(some) - np.log(p.sum(1)[row]) - np.log(p.sum(0)[column])
    return max(0.0, float(some @ logs))

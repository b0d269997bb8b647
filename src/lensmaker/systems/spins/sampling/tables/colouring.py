"""Colours of sites such that no bond joins two of a colour: what may be moved at the same time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def colours(sites: int, bonds: Integers) -> Integers:
    """A colour for each site, (N,): two where that is possible, else the first free one site after site.

    Parameters
    ----------
    sites
        N.
    bonds
        The two sites of each bond, (B, 2).

    Examples
    --------
    >>> colours(4, np.array([[0, 1], [1, 2], [2, 3], [3, 0]])).tolist()
    [0, 1, 0, 1]
    >>> colours(3, np.array([[0, 1], [1, 2], [2, 0]])).tolist()
    [0, 1, 2]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components, dijkstra

    ones = np.ones(len(bonds))
    graph = coo_array((ones, (bonds[:, 0], bonds[:, 1])), shape=(sites, sites)).tocsr()
    _, part = connected_components(graph, directed=False)
    roots = np.unique(part, return_index=True)[1]
    steps = dijkstra(graph, directed=False, indices=roots, unweighted=True, min_only=True)
    two = steps.astype(np.int64) % 2
    if not (two[bonds[:, 0]] == two[bonds[:, 1]]).any():
        return np.asarray(two)
    both = (graph + graph.T).tocsr()
    found = np.full(sites, -1, np.int64)
    for i in range(sites):
        taken = set(found[both.indices[both.indptr[i] : both.indptr[i + 1]]].tolist())
        found[i] = next(c for c in range(sites) if c not in taken)
    return found

"""The products that each spin stands in, as flat tables for kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensmaker.systems.spins.hamiltonian import Hamiltonian


@dataclass(frozen=True, eq=False)
class Products:
    """f_i = Σ_p c_p ∏_{j∈others(p)} s_j over the products p of site i, so that H = −s_i f_i + rest.

    Attributes
    ----------
    of_site
        Products of site i are of_site[i] … of_site[i+1] − 1, shape (N + 1,).
    of_product
        Other sites of product p are others[of_product[p]] … others[of_product[p+1] − 1], shape (P + 1,).
    others
        Those sites, flat.
    coefficients
        c_p = J w, shape (P,).
    """

    of_site: NDArray[np.int64]
    of_product: NDArray[np.int64]
    others: NDArray[np.int64]
    coefficients: NDArray[np.float64]

    @property
    def flat(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """The tables as kernels take them, in this order."""
        return self.of_site, self.of_product, self.others, self.coefficients


def products(hamiltonian: Hamiltonian) -> Products:
    """The tables of a Hamiltonian; products without weight are left out.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import chain
    >>> products(ising(chain(3, periodic=False))).others.tolist()
    [1, 2, 0, 1]
    """
    sites, order, coefficients, others = [], [], [], []
    for term in hamiltonian.terms:
        weight = hamiltonian.couplings[term.name] * term.weights
        kept = np.flatnonzero(weight)
        cliques = term.cliques[kept]
        for k in range(term.order):
            sites.append(cliques[:, k])
            order.append(np.full(len(kept), term.order - 1))
            coefficients.append(weight[kept])
            others.append(np.delete(cliques, k, axis=1))
    n = hamiltonian.sites
    if not sites:
        empty = np.zeros(0, np.int64)
        return Products(np.zeros(n + 1, np.int64), np.zeros(1, np.int64), empty, np.zeros(0))
    site, size = np.concatenate(sites), np.concatenate(order)
    rank = np.argsort(site, kind="stable")
    ends = np.concatenate([[0], np.cumsum(size)])
    flat = np.concatenate([o.reshape(-1) for o in others])
    gathered = [flat[ends[p] : ends[p + 1]] for p in rank]
    return Products(
        np.concatenate([[0], np.cumsum(np.bincount(site, minlength=n))]),
        np.concatenate([[0], np.cumsum(size[rank])]),
        np.concatenate([np.zeros(0, np.int64), *gathered]),
        np.concatenate(coefficients)[rank],
    )

"""Spin glasses: Ising models whose bonds are drawn at random, once, and then stay."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lensmaker.core import InputError
from lensmaker.systems.spins.hamiltonian import Hamiltonian, hamiltonian
from lensmaker.systems.spins.lattices import Lattice


def gaussian_glass(lattice: Lattice, *, seed: int, J: float = 1.0, h: float = 0.0) -> Hamiltonian:
    """H = −J Σ_bonds w_ij s_i s_j − h Σ_i s_i with independent w_ij of mean 0 and variance 1.

    On a square or cubic lattice that is the model of Edwards and Anderson (J. Phys. F 5, 965, 1975); on
    `complete(N)` with J = 1/√N that of Sherrington and Kirkpatrick (Phys. Rev. Lett. 35, 1792, 1975).

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import square
    >>> gaussian_glass(square(8), seed=1).terms[0].weights.shape
    (128,)
    """
    return _glass(lattice, np.random.default_rng(seed).standard_normal(len(lattice.bonds)), J, h)


def bimodal_glass(
    lattice: Lattice, *, seed: int, negative: float = 0.5, J: float = 1.0, h: float = 0.0
) -> Hamiltonian:
    """The ±J glass: H = −J Σ_bonds w_ij s_i s_j − h Σ_i s_i, each w_ij = −1 with probability `negative`, else 1.

    Raises
    ------
    InputError
        If `negative` is no probability.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import chain
    >>> bimodal_glass(chain(4), seed=1, negative=1.0).terms[0].weights.tolist()
    [-1.0, -1.0, -1.0, -1.0]
    """
    if not 0 <= negative <= 1:
        raise InputError("a share of negative bonds between 0 and 1", f"{negative}", "pass 0.5 for a glass")
    drawn = np.random.default_rng(seed).random(len(lattice.bonds))
    return _glass(lattice, np.where(drawn < negative, -1.0, 1.0), J, h)


def _glass(lattice: Lattice, weights: NDArray[np.float64], J: float, h: float) -> Hamiltonian:
    terms: dict[str, ArrayLike] = {"J": lattice.bonds}
    couplings = {"J": J}
    if h:
        terms["h"], couplings["h"] = np.arange(lattice.sites)[:, None], h
    return hamiltonian(lattice.sites, terms, couplings, weights={"J": weights}, lattice=lattice)

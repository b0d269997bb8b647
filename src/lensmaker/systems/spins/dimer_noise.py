"""Ising spins among dimers: pairs of spins that hold to each other strongly and to nothing else."""

from __future__ import annotations

import numpy as np

from lensmaker.core import InputError
from lensmaker.systems.spins.hamiltonian import Hamiltonian, hamiltonian
from lensmaker.systems.spins.lattices import Integers, Lattice, chain, square


def dimers_on_square(rows: int, columns: int, J: float = 1.0, D: float = 4.0) -> Hamiltonian:
    """H = −J Σ s s′ − D Σ d d′: an Ising model on the even rows, dimers side by side on the odd ones.

    The even rows are by themselves the square lattice of rows/2 × columns spins with the coupling J. Each block of
    2 × 2 has two of its spins in its first row and one dimer in its second. A dimer is two strongly correlated spins,
    the first thing to be learned of a block, and independent of all else: it tells nothing of what is farther away.

    Raises
    ------
    InputError
        If there are fewer than two even rows, or columns do not pair.

    References
    ----------
    M. Koch-Janusz, Z. Ringel, Nat. Phys. 14, 578 (2018), who add such pairs to a model of their own.

    Examples
    --------
    >>> H = dimers_on_square(4, 4)
    >>> [len(term.cliques) for term in H.terms]  # two bonds for each of 8 spins, and 4 dimers
    [16, 4]
    """
    if rows < 4 or rows % 2 or columns < 2 or columns % 2:
        raise InputError(
            "an even number of rows from 4 on, and of columns", f"{rows} × {columns}", "take 8 × 8"
        )
    sites = np.arange(rows * columns).reshape(rows, columns)
    magnet, noise = sites[::2], sites[1::2]
    bonds = [np.stack([magnet, np.roll(magnet, -1, axis)], -1).reshape(-1, 2) for axis in (0, 1)]
    return _model(square(rows, columns), np.concatenate(bonds), noise.reshape(-1, 2), J, D)


def dimers_on_chain(blocks: int, J: float = 1.0, D: float = 4.0) -> Hamiltonian:
    """The same on a ring of blocks of four: two spins of an Ising chain, then a dimer.

    Raises
    ------
    InputError
        If there are fewer than two blocks.

    Examples
    --------
    >>> [term.cliques.tolist() for term in dimers_on_chain(2).terms]
    [[[0, 1], [1, 4], [4, 5], [5, 0]], [[2, 3], [6, 7]]]
    """
    if blocks < 2:
        raise InputError("two blocks or more", f"{blocks}", "take 8")
    sites = np.arange(4 * blocks).reshape(blocks, 4)
    magnet, noise = sites[:, :2].reshape(-1), sites[:, 2:]
    return _model(chain(4 * blocks), np.stack([magnet, np.roll(magnet, -1)], -1), noise, J, D)


def _model(lattice: Lattice, bonds: Integers, noise: Integers, J: float, D: float) -> Hamiltonian:
    return hamiltonian(lattice.sites, {"J": bonds, "D": noise}, {"J": J, "D": D}, lattice=lattice)

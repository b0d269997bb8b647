"""Energies of configurations on the processor, product by product, without tables between."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.core import InputError
from lensmaker.systems.spins.hamiltonian import Hamiltonian


def statistics(hamiltonian: Hamiltonian, spins: NDArray[Any], *, threads: int = 1) -> NDArray[np.float64]:
    """The Φ_a of each configuration, (M, N) → (M, A): what `Hamiltonian.statistics` says, by a compiled kernel.

    Raises
    ------
    InputError
        If the spins are no int8 of shape (M, N).
    """
    from lensmaker.systems.spins.energy_kernel import accumulate
    from lensmaker.systems.spins.sampling.threads import threads_of_numba

    if spins.ndim != 2 or spins.shape[1] != hamiltonian.sites or spins.dtype != np.int8:
        raise InputError(
            f"spins as int8 of shape (configurations, {hamiltonian.sites})",
            f"{spins.dtype} of shape {spins.shape}",
            "use Hamiltonian.statistics for tensors of other kinds",
        )
    found = np.zeros((len(spins), len(hamiltonian.names)))
    rows = np.ascontiguousarray(spins)
    with threads_of_numba(threads):
        for term in hamiltonian.terms:
            accumulate(rows, term.cliques, term.weights, found[:, hamiltonian.names.index(term.name)])
    return found


def energies(hamiltonian: Hamiltonian, spins: NDArray[Any], *, threads: int = 1) -> NDArray[np.float64]:
    """H of each configuration, (M, N) → (M,).

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import chain
    >>> energies(ising(chain(3), J=1.0, h=0.5), np.array([[1, 1, 1], [1, 1, -1]], np.int8)).tolist()
    [-4.5, 0.5]
    """
    couplings = torch.tensor(list(hamiltonian.couplings.values()), dtype=torch.float64)
    found = torch.from_numpy(statistics(hamiltonian, spins, threads=threads))
    return np.asarray((-(found @ couplings)).numpy())

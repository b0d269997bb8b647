"""Energies and sufficient statistics of configurations on the processor, compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.core import InputError
from lensmaker.systems.spins.canonical import Model
from lensmaker.systems.spins.hamiltonian import Hamiltonian


def statistics(hamiltonian: Hamiltonian, spins: NDArray[Any], *, threads: int = 1) -> NDArray[np.float64]:
    """The Φ_a of each configuration, (M, N) → (M, A): what `Hamiltonian.statistics` says, by a compiled kernel.

    Raises
    ------
    InputError
        If the spins are no int8 of shape (M, N).
    """
    from lensmaker.systems.spins.energy_kernel import accumulate
    from lensmaker.systems.spins.threads import threads_of_numba

    if spins.ndim != 2:
        raise InputError("spins of shape (configurations, sites)", f"shape {spins.shape}", "pass spins[None]")
    _check(spins, hamiltonian)
    found = np.zeros((len(spins), len(hamiltonian.names)))
    rows = np.ascontiguousarray(spins)
    with threads_of_numba(threads):
        for term in hamiltonian.terms:
            accumulate(rows, term.cliques, term.weights, found[:, hamiltonian.names.index(term.name)])
    return found


def energies(model: Model, spins: NDArray[Any]) -> NDArray[np.float64]:
    """H of each configuration, (M, N) → (M,), summed in an order that never changes.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import chain
    >>> energies(ising(chain(3), J=1.0, h=0.5), np.array([[1, 1, 1], [1, 1, -1]], np.int8)).tolist()
    [-4.5, 0.5]
    """
    return energy_of(model)(spins)


def energy_of(model: Model) -> Callable[[NDArray[Any]], NDArray[np.float64]]:
    """H of configurations (…, N) → (…), from tables that are made once; of spins of q states, by torch."""
    if not isinstance(model, Hamiltonian):
        return lambda spins: model.energy(torch.from_numpy(spins)).numpy()
    from lensmaker.systems.spins.energy_kernel import total

    kept = [t for t in model.terms if model.couplings[t.name]]
    none = np.zeros(0, np.int64)
    ends = np.cumsum(np.concatenate([none, *[np.full(len(t.cliques), t.order) for t in kept]]))
    sites = np.concatenate([none, *[t.cliques.reshape(-1) for t in kept]])
    values = np.concatenate([np.zeros(0), *[-model.couplings[t.name] * t.weights for t in kept]])

    def of(spins: NDArray[Any]) -> NDArray[np.float64]:
        _check(spins, model)
        found = np.zeros(spins.shape[:-1])
        total(
            np.ascontiguousarray(spins).reshape(-1, spins.shape[-1]), ends, sites, values, found.reshape(-1)
        )
        return found

    return of


def _check(spins: NDArray[Any], model: Model) -> None:
    if spins.shape[-1] != model.sites or spins.dtype != np.int8:
        raise InputError(
            f"spins as int8, the last axis of {model.sites}",
            f"{spins.dtype} of shape {spins.shape}",
            "use Hamiltonian.energy for tensors of other kinds",
        )

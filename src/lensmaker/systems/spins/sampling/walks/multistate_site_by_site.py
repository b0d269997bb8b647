"""Kernels that visit one site after the other, for spins of q states with tables of energies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from lensmaker.core import InputError
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.multistate import Multistate
from lensmaker.systems.spins.sampling.rule import Spins
from lensmaker.systems.spins.sampling.tables.limits import FREE, NOTHING
from lensmaker.systems.spins.sampling.walks.randomness import Streams, below, uniform
from lensmaker.systems.spins.sampling.walks.streamed import StreamedWalk


class SiteBySite(StreamedWalk):
    """Chains that are moved site after site."""

    def __init__(self, system: Canonical[Multistate], spins: Spins, seed: int, *, heat_bath: bool) -> None:
        model = system.hamiltonian
        ends = np.concatenate([model.bonds[:, 0], model.bonds[:, 1]])
        rank = np.argsort(ends, kind="stable")
        first = np.concatenate([[0], np.bincount(ends, minlength=model.sites).cumsum()])
        others = np.concatenate([model.bonds[:, 1], model.bonds[:, 0]])[rank]
        weights = np.tile(model.weights, 2)[rank]
        pair, single = system.beta * model.pair, system.beta * model.single
        super().__init__(checked(model, spins), seed, first, others, weights, pair, single, heat_bath)

    @staticmethod
    def kernel(spins: Spins, streams: Streams, sweeps: int, *tables: Any) -> None:
        _advance(spins, streams, sweeps, *tables)


def checked(model: Multistate, spins: Spins) -> Spins:
    """The spins, if they are states.

    Raises
    ------
    InputError
        If they are not.
    """
    if spins.size and not 0 <= spins.min() <= spins.max() < model.q:
        raise InputError(
            f"states from 0 to {model.q - 1}", f"{spins.min()} to {spins.max()}", "number them from 0"
        )
    return spins


@njit(cache=True, parallel=True)
def _advance(
    spins: NDArray[np.int8],
    streams: NDArray[np.uint64],
    sweeps: int,
    first: NDArray[np.int64],
    others: NDArray[np.int64],
    weights: NDArray[np.float64],
    pair: NDArray[np.float64],
    single: NDArray[np.float64],
    heat_bath: bool,
) -> None:
    q = len(pair)
    for chain in prange(len(spins)):
        s, stream = spins[chain], streams[chain]
        local = np.empty(q)
        for _ in range(sweeps):
            for i in range(len(s)):
                if heat_bath:
                    _local(local, s, i, first, others, weights, pair, single)
                    s[i] = _drawn(local, stream)
                else:
                    proposed = below(stream, q - 1)
                    proposed += proposed >= s[i]  # one of the other states
                    gain = single[i, proposed] - single[i, s[i]]
                    for k in range(first[i], first[i + 1]):
                        other = s[others[k]]
                        gain += weights[k] * (pair[proposed, other] - pair[s[i], other])
                    if gain < -NOTHING or uniform(stream) < (math.exp(-gain) if gain > NOTHING else FREE):
                        s[i] = proposed


@njit(cache=True)
def _local(
    local: NDArray[np.float64],
    s: NDArray[np.int8],
    site: int,
    first: NDArray[np.int64],
    others: NDArray[np.int64],
    weights: NDArray[np.float64],
    pair: NDArray[np.float64],
    single: NDArray[np.float64],
) -> None:
    """Beta times the energy of a site in each of its states."""
    for a in range(len(local)):
        local[a] = single[site, a]
    for k in range(first[site], first[site + 1]):
        other, weight = s[others[k]], weights[k]
        for a in range(len(local)):
            local[a] += weight * pair[a, other]


@njit(cache=True)
def _drawn(local: NDArray[np.float64], stream: NDArray[np.uint64]) -> int:
    """A state with probability ∝ e^(−local); overwrites `local`."""
    least, total = local.min(), 0.0
    for a in range(len(local)):
        total += math.exp(least - local[a])
        local[a] = total
    threshold = uniform(stream) * total
    for a in range(len(local) - 1):
        if threshold < local[a]:
            return a
    return len(local) - 1

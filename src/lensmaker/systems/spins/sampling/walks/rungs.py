"""The walk of parallel tempering: one walk at each temperature, and the exchanges between them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.energies import energy_of
from lensmaker.systems.spins.sampling.rule import Rule, Spins, State, Walk
from lensmaker.systems.spins.sampling.walks.randomness import streams, uniform


class Rungs(Walk):
    """Chains at each temperature of a ladder, the coldest first.

    Attributes
    ----------
    temperatures
        The ladder.
    """

    def __init__(
        self, system: Canonical, rule: Rule, temperatures: Sequence[float], spins: Spins, seed: int
    ) -> None:
        seeds = np.random.SeedSequence(seed).generate_state(len(temperatures) + 1, np.uint64).tolist()
        self.temperatures = tuple(temperatures)
        self._betas = 1 / np.array(temperatures)
        self._walks = [
            rule.start(Canonical(system.hamiltonian, t), spins, s)
            for t, s in zip(temperatures, seeds[1:], strict=True)
        ]
        self._energies = energy_of(system.hamiltonian)
        self._shown = self.temperatures.index(system.temperature)
        chains, rungs = len(spins), len(temperatures)
        self._own: State = {
            "streams": streams(seeds[0], chains),
            "replicas": np.tile(np.arange(rungs), (chains, 1)),
            "heading": np.zeros((chains, rungs), np.int64),
            "trips": np.zeros((chains, rungs), np.int64),
            "tried": np.zeros(rungs - 1, np.int64),
            "accepted": np.zeros(rungs - 1, np.int64),
            "count": np.zeros(1, np.int64),
        }

    @property
    def state(self) -> State:
        """That of the exchanges, and that of each walk under the number of its rung."""
        of_walks = {f"{k}.{n}": a for k, walk in enumerate(self._walks) for n, a in walk.state.items()}
        return self._own | of_walks

    @state.setter
    def state(self, state: State) -> None:
        self._own = {n: a for n, a in state.items() if "." not in n}
        for k, walk in enumerate(self._walks):
            start = f"{k}."
            walk.state = {n.removeprefix(start): a for n, a in state.items() if n.startswith(start)}

    def advance(self, sweeps: int, threads: int = 1) -> None:
        for _ in range(sweeps):
            for walk in self._walks:
                walk.advance(1, threads)
            self._exchange()

    def spins(self) -> Spins:
        return self._walks[self._shown].spins()

    def put(self, spins: Spins) -> None:
        self._walks[self._shown].put(spins)

    def ladder(self) -> Spins:
        """The configurations at all temperatures, (chains, temperatures, sites)."""
        return np.stack([walk.spins() for walk in self._walks], 1)

    @property
    def swap_rates(self) -> NDArray[np.float64]:
        """Which share of the exchanges between neighbours was accepted, (temperatures − 1,)."""
        return np.asarray(self._own["accepted"] / np.maximum(self._own["tried"], 1))

    @property
    def round_trips(self) -> int:
        """How often a configuration went from the coldest temperature to the hottest and back, all taken together."""
        return int(self._own["trips"].sum())

    def _exchange(self) -> None:
        own, spins = self._own, self.ladder()
        source = np.tile(np.arange(spins.shape[1]), (len(spins), 1))
        _exchanges(
            self._energies(spins),
            self._betas,
            own["streams"],
            int(own["count"][0] % 2),
            source,
            own["tried"],
            own["accepted"],
        )
        own["count"] += 1
        for k, walk in enumerate(self._walks):
            if (moved := source[:, k] != k).any():
                rows = walk.spins()
                rows[moved] = spins[moved, source[moved, k]]
                walk.put(rows)
        own["replicas"] = np.take_along_axis(own["replicas"], source, 1)
        self._count_trips()

    def _count_trips(self) -> None:
        """A replica that was at the coldest rung heads for the hottest, and back; there a trip ends."""
        own, rows = self._own, np.arange(len(self._own["replicas"]))
        cold, hot = own["replicas"][:, 0], own["replicas"][:, -1]
        own["trips"][rows, cold] += own["heading"][rows, cold] == -1
        own["heading"][rows, cold] = 1
        back = own["heading"][rows, hot] == 1
        own["heading"][rows[back], hot[back]] = -1


@njit(cache=True)
def _exchanges(
    energies: NDArray[np.float64],
    betas: NDArray[np.float64],
    streams: NDArray[np.uint64],
    parity: int,
    source: NDArray[np.int64],
    tried: NDArray[np.int64],
    accepted: NDArray[np.int64],
) -> None:
    """Which rung each configuration comes from, (chains, temperatures)."""
    for c in range(len(energies)):
        for k in range(parity, len(betas) - 1, 2):
            gain = (betas[k] - betas[k + 1]) * (energies[c, k] - energies[c, k + 1])
            tried[k] += 1
            if gain >= 0 or uniform(streams[c]) < math.exp(gain):
                source[c, k], source[c, k + 1] = k + 1, k
                accepted[k] += 1

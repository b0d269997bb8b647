"""Chains with a stream of random numbers each, moved by one compiled kernel."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from numpy.typing import NDArray

from lensmaker.systems.spins.sampling.rule import Spins, State, Walk
from lensmaker.systems.spins.sampling.walks.randomness import Streams, streams
from lensmaker.systems.spins.threads import threads_of_numba


class StreamedWalk(Walk):
    """Owns spins, streams and threads; a subclass says what its kernel reads, and calls it.

    Parameters
    ----------
    spins
        Where the chains start, (chains, sites).
    seed
        Of the streams.
    tables
        What the kernel reads of the system.
    """

    def __init__(self, spins: Spins, seed: int, *tables: Any) -> None:
        self._tables = tables
        self.state: State = {"spins": spins.copy(), "streams": streams(seed, len(spins))}

    def advance(self, sweeps: int, threads: int = 1) -> None:
        with threads_of_numba(threads):
            self.kernel(self.state["spins"], self.state["streams"], sweeps, *self._tables)

    def spins(self) -> Spins:
        return self.state["spins"].copy()

    @staticmethod
    @abstractmethod
    def kernel(spins: Spins, streams: Streams, sweeps: int, *tables: NDArray[Any]) -> None:
        """Move chains in place by so many sweeps, each with its stream."""

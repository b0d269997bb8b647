"""What is timed: a rule of lensmaker on so many chains, or a method of a peer; each counts its updates."""

from __future__ import annotations

import importlib.metadata
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian, ising
from lensmaker.systems.spins.lattices import square
from lensmaker.systems.spins.sampling import RULES

Spins = NDArray[np.int8]


CLUSTERS = 0.05
"""Seconds of a turn by Wolff: its clusters are of all sizes, and a turn has to have some large ones."""


class Running(ABC):
    """A contestant with its lattice; what it sets up is behind it."""

    turn = 0.003
    """Seconds of a turn."""

    @abstractmethod
    def advance(self, sweeps: int) -> float:
        """Move; returns the spins that were tried (by Wolff: turned over)."""

    @abstractmethod
    def energy(self) -> float:
        """Energy per spin, in the mean of what it has at hand."""


class Own(Running):
    """A rule of lensmaker, one thread."""

    def __init__(self, rule: str, chains: int, start: Spins, temperature: float) -> None:
        side = len(start)
        self.system = Canonical(ising(square(side)), temperature)
        chosen = next(r for r in RULES if r.name == rule)
        self.walk = chosen().start(self.system, np.tile(start.reshape(1, -1), (chains, 1)), seed=1)
        self.updates = float(chains * side**2)
        if rule == "wolff":
            self.turn = CLUSTERS

    def advance(self, sweeps: int) -> float:
        self.walk.advance(sweeps)
        return float(getattr(self.walk, "turned", sweeps * self.updates))

    def energy(self) -> float:
        return float(self.walk.energies(self.system.hamiltonian).mean()) / self.system.sites


class Mcising(Running):
    """Its Rust core, many sweeps a call."""

    def __init__(self, algorithm: str, start: Spins, temperature: float) -> None:
        from mcising._core import IsingSimulation

        self.simulation = IsingSimulation(len(start), 1.0, 0.0, 0.0, 0.0, 1, algorithm, "square")
        self.simulation.set_spins(start)
        self.temperature = temperature
        if algorithm == "wolff":
            self.turn = CLUSTERS

    def advance(self, sweeps: int) -> float:
        _, attempted, _ = self.simulation.sweep(sweeps, temperature=self.temperature)
        return float(attempted)

    def energy(self) -> float:
        return float(self.simulation.energy())


class Peapods(Running):
    """Its Rust core, many sweeps a call, on one thread, measuring no more than the last two sweeps of a call."""

    turn = 0.03  # a call costs it some milliseconds

    def __init__(self, start: Spins, temperature: float) -> None:
        from peapods import Ising

        side = len(start)
        self.model = Ising((side, side), temperatures=np.array([temperature]), couplings="ferro")
        self.model._sim.reset(seed=1)  # it starts from random spins: there is no way to hand over others
        self.updates = float(side**2)

    def advance(self, sweeps: int) -> float:
        warm = (sweeps - 2) / sweeps if sweeps > 2 else 0.0
        self.model.sample(n_sweeps=sweeps, sweep_mode="metropolis", warmup_ratio=warm, sequential=True)
        return sweeps * self.updates

    def energy(self) -> float:
        return -float(self.model.energies_avg[0])  # it reports +Σ s s/N


@dataclass(frozen=True)
class Contestant:
    """A name, the package it needs, and how it is set up from a configuration at a temperature."""

    name: str
    package: str
    start: Callable[[Spins, float], Running]

    @property
    def is_there(self) -> bool:
        """Whether its package is installed."""
        try:
            importlib.metadata.version(self.package)
        except importlib.metadata.PackageNotFoundError:
            return self.package == "lensmaker"
        return True


def _own(rule: str, chains: int) -> Contestant:
    name = rule if chains == 1 else f"{rule}_{chains}_chains"
    return Contestant(name, "lensmaker", lambda start, t: Own(rule, chains, start, t))


def _mcising(algorithm: str) -> Contestant:
    return Contestant(f"mcising_{algorithm}", "mcising", lambda start, t: Mcising(algorithm, start, t))


CHAINS = {"multi_spin": (1, 512), "torch_checkerboard": (1, 16)}
"""How many chains at a time, where more than one pay."""

OWN = tuple(
    _own(r.name, n) for r in RULES if r.is_open and r.treats is Hamiltonian for n in CHAINS.get(r.name, (1,))
)
"""Rules that sample ±1 spins at their temperature and have no parameter to be set."""

PEERS = (
    _mcising("metropolis"),
    Contestant("peapods_metropolis", "peapods", Peapods),
    _mcising("wolff"),
    _mcising("swendsen_wang"),
)

AGAINST = {"wolff": "mcising_wolff", "swendsen_wang": "mcising_swendsen_wang"}
"""Whom a rule is compared with besides; all others with mcising's Metropolis."""

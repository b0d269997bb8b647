"""Kawasaki: neighbours exchange their spins, and the magnetisation stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lensmaker.core import InputError, Reference
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Rule, Spins

if TYPE_CHECKING:
    from lensmaker.systems.spins.sampling.walks.exchanges import Exchanges


@dataclass(frozen=True)
class Kawasaki(Rule):
    """The spins of a bond, drawn at random, are exchanged with probability min(1, e^(−βΔH)).

    Σs is conserved: the chains sample e^(−βH)/Z among the configurations of their magnetisation. A sweep is one
    trial for each site; each trial is in detailed balance.

    Parameters
    ----------
    magnetisation
        Σs/N of the chains that the sampler starts, to the nearest that N spins can have.
    """

    magnetisation: float = 0.0

    name = "kawasaki"
    summary = "Neighbours exchange their spins, at a magnetisation that stays; any Hamiltonian on a lattice."
    cost = 19.0
    is_open = False
    is_canonical = False
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "kawasaki1966",
            "K. Kawasaki",
            "Diffusion constants near the critical point for time-dependent Ising models",
            1966,
            "Phys. Rev. 145, 224",
        ),
    )

    def __post_init__(self) -> None:
        if not abs(self.magnetisation) <= 1:
            raise InputError("a magnetisation between −1 and 1", f"{self.magnetisation}", "pass Σs/N")

    @property
    def signature(self) -> str:
        return f"{self.name}(magnetisation={self.magnetisation!r})"

    def reason(self, system: Canonical) -> str:
        lattice = system.hamiltonian.lattice
        if lattice is None or not len(lattice.bonds):
            return "a Hamiltonian without a lattice whose bonds say which spins are neighbours"
        return ""

    def first(self, system: Canonical, chains: int, seed: int) -> Spins:
        """The even chains at random, the odd ones with the spins up on the first sites."""
        up = round(system.sites * (1 + self.magnetisation) / 2)
        row = np.where(np.arange(system.sites) < up, 1, -1).astype(np.int8)
        spins = np.repeat(row[None], chains, 0)
        draw = np.random.default_rng(seed)
        spins[::2] = draw.permuted(spins[::2], axis=1)
        return spins

    def start(self, system: Canonical, spins: Spins, seed: int) -> Exchanges:
        from lensmaker.systems.spins.sampling.walks.exchanges import Exchanges

        self.check(system)
        return Exchanges(system, spins, seed)

"""The contract of a rule: for which systems it holds, and chains that it moves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.core import InputError, Reference
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian

Spins = NDArray[np.int8]
"""Configurations, (chains, sites)."""

State = dict[str, NDArray[Any]]
"""All that a walk needs to go on as if it had never stopped: spins as the rule packs them, random numbers, counters."""


class Walk(ABC):
    """Chains on their way by one rule.

    A subclass makes its tables of couplings and acceptances once, in `__init__`, and keeps everything that changes in
    `state`, which is written to disk and read back as it is.

    Attributes
    ----------
    state
        Name → array.
    """

    state: State

    @abstractmethod
    def advance(self, sweeps: int, threads: int = 1) -> None:
        """Move every chain by so many sweeps; the outcome does not depend on the number of threads."""

    @abstractmethod
    def spins(self) -> Spins:
        """The configurations as they are, (chains, sites): a copy."""

    def put(self, spins: Spins) -> None:
        """Put other configurations in the place of these; a rule that packs its spins packs them here."""
        self.state["spins"][...] = spins

    def magnetisations(self) -> NDArray[np.int64]:
        """Σ_i s_i of each chain, (chains,); a rule that packs spins counts them where they are."""
        return np.asarray(self.spins().sum(1, dtype=np.int64))

    def energies(self, hamiltonian: Hamiltonian) -> NDArray[np.float64]:
        """H of each chain, (chains,)."""
        return hamiltonian.energy(torch.from_numpy(self.spins())).numpy()


class Rule(ABC):
    """Base of all rules: a subclass declares its facts, says where it applies, and starts walks.

    Attributes
    ----------
    name
        Name under which samples are signed and the CLI lists it.
    summary
        One sentence.
    references
        The sources it rests on.
    cost
        Nanoseconds of one core for each spin of a sweep, as `benchmarks/samplers` measured it once at L = 64. A choice
        of rule that rests on it is the same on every machine.
    chains
        How many chains are moved where nobody says.
    is_open
        Whether `choose` may take it: it is canonical, with no parameter to be set.
    is_canonical
        Whether it samples e^(−βH)/Z over all configurations, and not among those that conserve something.
    treats
        The kind of Hamiltonian that it moves.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    references: ClassVar[tuple[Reference, ...]]
    cost: ClassVar[float] = 20.0
    chains: ClassVar[int] = 16
    is_open: ClassVar[bool] = True
    is_canonical: ClassVar[bool] = True
    treats: ClassVar[type] = Hamiltonian

    @abstractmethod
    def reason(self, system: Canonical[Any]) -> str:
        """Why it does not apply to a system of the kind that it treats; empty where it does."""

    @abstractmethod
    def start(self, system: Canonical[Any], spins: Spins, seed: int) -> Walk:
        """Chains that start from `spins`; equal seeds walk alike."""

    def first(self, system: Canonical[Any], chains: int, seed: int) -> Spins:
        """Where chains start: the even ones hot, each spin at random; the odd ones cold, all spins alike.

        The cold ones take the states in turns; of ±1 the upper one where the Hamiltonian knows a difference.
        """
        states = np.array(system.hamiltonian.states, np.int8)
        spins = np.random.default_rng(seed).choice(states, size=(chains, system.sites))
        h = system.hamiltonian
        in_turns = states[-1:] if isinstance(h, Hamiltonian) and not h.is_even else states[::-1]
        spins[1::2] = np.resize(in_turns, len(spins[1::2]))[:, None]
        return spins

    @property
    def signature(self) -> str:
        """Name and parameters: rules of equal signature walk alike."""
        return self.name

    def refusal(self, system: Canonical[Any]) -> str:
        """Why it does not apply to a system of any kind; empty where it does."""
        if not isinstance(system.hamiltonian, self.treats):
            states = system.hamiltonian.states
            return f"spins of {len(states)} states, {states[0]} to {states[-1]}, which it does not move"
        return self.reason(system)

    def check(self, system: Canonical[Any]) -> None:
        """Raise what `refusal` says.

        Raises
        ------
        InputError
            If the rule does not apply.
        """
        if reason := self.refusal(system):
            raise InputError(
                f"a system that {self.name} can sample",
                reason,
                "choose another rule, or leave the choice open",
            )

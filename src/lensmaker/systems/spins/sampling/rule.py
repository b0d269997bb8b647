"""The contract of a rule: for which systems it holds, and chains that it moves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import InputError, Reference
from lensmaker.systems.spins.canonical import Canonical

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
        Nanoseconds of one core for each spin of a sweep, as benchmarks/samplers measured it. A choice of rule that
        rests on it is the same on every machine.
    chains
        How many chains are moved where nobody says.
    is_open
        Whether `choose` may take it: it is canonical, with no parameter to be set.
    is_canonical
        Whether it samples e^(−βH)/Z over all configurations, and not among those that conserve something.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    references: ClassVar[tuple[Reference, ...]]
    cost: ClassVar[float] = 20.0
    chains: ClassVar[int] = 16
    is_open: ClassVar[bool] = True
    is_canonical: ClassVar[bool] = True

    @abstractmethod
    def reason(self, system: Canonical) -> str:
        """Why it does not apply to the system; empty where it does."""

    @abstractmethod
    def start(self, system: Canonical, spins: Spins, seed: int) -> Walk:
        """Chains that start from `spins`; equal seeds walk alike."""

    def first(self, system: Canonical, chains: int, seed: int) -> Spins:
        """Where chains start: the even ones hot, each spin at random; the odd ones cold, all spins alike.

        Half of the cold ones are up and half down where the Hamiltonian knows no difference.
        """
        draw = np.random.default_rng(seed)
        spins = (1 - 2 * draw.integers(2, size=(chains, system.sites))).astype(np.int8)
        spins[1::2] = 1
        if system.hamiltonian.is_even:
            spins[3::4] = -1
        return spins

    @property
    def signature(self) -> str:
        """Name and parameters: rules of equal signature walk alike."""
        return self.name

    def check(self, system: Canonical) -> None:
        """Raise what `reason` says.

        Raises
        ------
        InputError
            If the rule does not apply.
        """
        if reason := self.reason(system):
            raise InputError(
                f"a system that {self.name} can sample",
                reason,
                "choose another rule, or leave the choice open",
            )

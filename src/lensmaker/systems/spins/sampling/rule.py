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
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    references: ClassVar[tuple[Reference, ...]]

    @abstractmethod
    def reason(self, system: Canonical) -> str:
        """Why it does not apply to the system; empty where it does."""

    @abstractmethod
    def start(self, system: Canonical, spins: Spins, seed: int) -> Walk:
        """Chains that start from `spins`; equal seeds walk alike."""

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

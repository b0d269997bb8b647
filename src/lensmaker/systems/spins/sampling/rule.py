"""The contract of a rule: for which systems it holds, and chains that it moves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
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
    treats
        The kind of Hamiltonian that it moves.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    references: ClassVar[tuple[Reference, ...]]
    treats: ClassVar[type] = Hamiltonian

    @abstractmethod
    def reason(self, system: Canonical[Any]) -> str:
        """Why it does not apply to a system of the kind that it treats; empty where it does."""

    @abstractmethod
    def start(self, system: Canonical[Any], spins: Spins, seed: int) -> Walk:
        """Chains that start from `spins`; equal seeds walk alike."""

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

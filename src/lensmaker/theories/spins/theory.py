"""The contract of a theory of spins: what it cannot treat it says, and what it can it solves."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

from lensmaker.core import Prediction, Regime, Table
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian
from lensmaker.theories.base import Theory


class SpinTheory(Theory):
    """Base of the theories of spins: a subclass says where it has no answer, and supplies `solve`.

    Attributes
    ----------
    models
        The kinds of Hamiltonian that it treats.
    """

    models: ClassVar[tuple[type, ...]] = (Hamiltonian,)

    @abstractmethod
    def refusal(self, system: Canonical[Any]) -> str:
        """Why it has no value at all for the system, as a clause; empty where it has."""

    @abstractmethod
    def solve(self, system: Canonical[Any]) -> Iterable[Prediction]:
        """Its predictions for a system that it does not refuse."""

    def predict(self, system: Canonical[Any]) -> Table[Prediction]:
        """Its predictions; not a number, and why, where it has none."""
        if reason := self.why_not(system):
            outside = Regime(reason)
            return Table(self.prediction(n, system.where, math.nan, regime=outside) for n in self.quantities)
        return Table(self.solve(system))

    def why_not(self, system: Canonical[Any]) -> str:
        """What `predict` would say instead of values; empty where it has some."""
        if not isinstance(system.hamiltonian, self.models):
            return "its spins are not ±1"
        if math.isinf(system.temperature):
            return "the temperature is infinite"
        if not math.isfinite(system.beta * system.beta):
            return "the temperature is too low: 1/T² is no finite number"
        return self.refusal(system)

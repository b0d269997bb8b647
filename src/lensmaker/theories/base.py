"""The contract of a theory: declared facts, and one method that turns a system into predictions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from lensmaker.core import INSIDE, Prediction, Reference, Regime, Table, Where, quantity


class Theory(ABC):
    """Base of all theories: a subclass declares its facts and supplies `predict`.

    Attributes
    ----------
    name
        Name under which predictions are signed and the CLI lists it.
    summary
        One sentence.
    quantities
        Names of the standard quantities it predicts.
    assumptions
        What must hold; each one a clause.
    references
        The sources it rests on.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    quantities: ClassVar[tuple[str, ...]]
    assumptions: ClassVar[tuple[str, ...]]
    references: ClassVar[tuple[Reference, ...]]

    @abstractmethod
    def predict(self, system: Any) -> Table[Prediction]:
        """The theory's predictions for `system`."""

    def prediction(
        self, name: str, where: Where, value: float, error: float = 0.0, regime: Regime = INSIDE
    ) -> Prediction:
        """A signed prediction of the standard quantity `name`."""
        return Prediction(quantity(name), where, float(value), float(error), self.name, regime)

"""The contract of an instrument: declared facts, and one method that turns a system into measurements."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from lensmaker.core import Convergence, Measurement, Reference, Table, Where, quantity


class Instrument(ABC):
    """Base of all instruments: a subclass declares its facts and supplies `measure`.

    Attributes
    ----------
    name
        Name under which measurements are signed and the CLI lists it.
    summary
        One sentence.
    quantities
        Names of the standard quantities it measures.
    references
        The sources it rests on.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    quantities: ClassVar[tuple[str, ...]]
    references: ClassVar[tuple[Reference, ...]]

    @abstractmethod
    def measure(self, system: Any) -> Table[Measurement]:
        """What the instrument reads off `system`."""

    def measurement(
        self,
        name: str,
        where: Where,
        value: float,
        error: float,
        samples: int,
        convergence: Convergence = Convergence.CONVERGED,
    ) -> Measurement:
        """A signed measurement; marked if its value is not finite, or its error unknown (infinite)."""
        if math.isinf(error) and convergence is Convergence.CONVERGED:
            convergence = Convergence.TOO_FEW_SAMPLES
        if not math.isfinite(value):
            convergence = Convergence.NOT_FINITE
        return Measurement(quantity(name), where, float(value), float(error), self.name, samples, convergence)

"""What a diagnosis rests on: the train, the prescription, and both sides of every comparison."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from lensmaker.core import Convergence, ElementRecord, Measurement, Prediction, Table, Training, Where
from lensmaker.design.optical_axis import Stage, stages
from lensmaker.systems.networks import Family, Network, Train


@dataclass(frozen=True)
class Evidence:
    """The facts about one network that aberrations look at.

    Attributes
    ----------
    network, train
        The system, and the train of its whole batch.
    elements
        Its prescription.
    predictions, measurements
        Both sides.
    training
        Whether predictions are expected to hold.
    """

    network: Network
    train: Train
    elements: Table[ElementRecord]
    predictions: Table[Prediction]
    measurements: Table[Measurement]
    training: Training

    @cached_property
    def stages(self) -> list[Stage]:
        """The stages along the optical axis."""
        return stages(self.train)

    @cached_property
    def _predicted(self) -> dict[tuple[str, Where], Prediction]:
        return {(p.quantity.name, p.where): p for p in self.predictions}

    @cached_property
    def _measured(self) -> dict[tuple[str, Where], Measurement]:
        return {(m.quantity.name, m.where): m for m in self.measurements}

    def predicted(self, name: str, where: Where) -> float | None:
        """The prediction, where the theory is inside its regime."""
        p = self._predicted.get((name, where))
        return p.value if p is not None and p.regime and math.isfinite(p.value) else None

    def measured(self, name: str, where: Where) -> float | None:
        """The measurement, where it converged."""
        m = self._measured.get((name, where))
        return m.value if m is not None and m.convergence is Convergence.CONVERGED else None

    def value(self, name: str, where: Where) -> float | None:
        """What holds here: for a fresh network the prediction, free of sampling noise; else the measurement."""
        predicted, measured = self.predicted(name, where), self.measured(name, where)
        if self.training is Training.FRESH and predicted is not None:
            return predicted
        return measured if measured is not None else predicted

    def gain(self, stage: Stage) -> float | None:
        """χ of a stage without branches: the product over its elements, pooling left out; None if unknown.

        Averaging over positions shrinks a tangent without harming what it carries, so it is not counted.
        """
        if stage.branched or not stage.linear:
            return None
        product = 1.0
        for element in stage.elements:
            if element.family is Family.POOLING:
                continue
            chi = self.value("chi", element.where)
            if chi is None or not 0 < chi < math.inf:
                return None
            product *= chi
        return product

    def weight_of(self, stage: Stage) -> str | None:
        """Name of the one weight whose scale sets the stage's gain; None where there is no such parameter."""
        if len(stage.linear) != 1:
            return None
        record = next((r for r in self.elements if r.where == stage.linear[0].where), None)
        owned = [] if record is None else [w for w in record.weights if w.rsplit(".", 1)[-1] == "weight"]
        return owned[0] if len(owned) == 1 else None

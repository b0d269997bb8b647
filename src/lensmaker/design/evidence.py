"""What a diagnosis rests on: the train, the prescription, and both sides of every comparison."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import median

from lensmaker.core import Convergence, ElementRecord, Measurement, Prediction, Table, Training, Where
from lensmaker.design.correction import combined
from lensmaker.design.critical_scale import Lens, lenses
from lensmaker.design.forecast import forecast
from lensmaker.design.optical_axis import Stage, stages
from lensmaker.design.outliers import Outlier, outliers
from lensmaker.design.residual_blocks import ResidualBlock, residual_blocks
from lensmaker.systems.networks import Element, Family, Network, Train
from lensmaker.theories.mean_field import MeanField


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
    def lenses(self) -> list[Lens]:
        """The stages whose gain the scale of one weight sets."""
        return lenses(self)

    @cached_property
    def residual_blocks(self) -> list[ResidualBlock]:
        """The sums x + f(x) of the network."""
        return residual_blocks(self.train)

    @cached_property
    def outliers(self) -> list[Outlier]:
        """The lenses that stand out from the others."""
        return outliers(self)

    @cached_property
    def mended(self) -> Evidence:
        """The evidence with the lenses that stand out corrected, by forecast; itself where none does.

        A layer that stands out makes the signal of those after it another one, and χ with it.
        """
        changes = combined(outlier.wish.changes for outlier in self.outliers)
        if not changes:
            return self
        theory = MeanField(None, seed=self.network.seed)
        return replace(self, predictions=forecast(self.network, changes, theory))

    @cached_property
    def _predicted(self) -> dict[tuple[str, Where], Prediction]:
        return {(p.quantity.name, p.where): p for p in self.predictions}

    @cached_property
    def _measured(self) -> dict[tuple[str, Where], Measurement]:
        return {(m.quantity.name, m.where): m for m in self.measurements}

    @cached_property
    def _prescribed(self) -> dict[Where, ElementRecord]:
        return {r.where: r for r in self.elements}

    @cached_property
    def _positions(self) -> dict[Where, int]:
        return {e.where: e.index for e in reversed(self.train.elements)}

    def position(self, where: Where) -> int:
        """Of a place in the train; the input comes first, and what no element uses last."""
        return self._positions.get(where, -1 if where == Where(operation="input") else len(self._positions))

    def first_use(self, name: str) -> Where:
        """The first visible element that takes something from a parameter or buffer; else its module."""
        for element in self.train.visible():
            if any(name in v.parameters for v in self.train.weight_inputs(element)):
                return element.where
        path = name.rpartition(".")[0]
        inside = (e.where for e in self.train.visible() if e.where.path == path)
        return next(inside, Where(path))

    def typical_sigma_w(self) -> float:
        """The median σ_w of the weights that are not zero; 1 where there are none."""
        found = [e.sigma_w for e in self.elements if e.sigma_w is not None and 0 < e.sigma_w < math.inf]
        return median(found) if found else 1.0

    def convergence(self, name: str, where: Where) -> Convergence | None:
        """State of a measurement; None where there is none."""
        m = self._measured.get((name, where))
        return None if m is None else m.convergence

    def predicted(self, name: str, where: Where) -> float | None:
        """The prediction, where the theory is inside its regime."""
        p = self._predicted.get((name, where))
        return p.value if p is not None and p.regime and math.isfinite(p.value) else None

    def measured(self, name: str, where: Where) -> float | None:
        """The measurement, where it converged."""
        m = self._measured.get((name, where))
        return m.value if m is not None and m.convergence is Convergence.CONVERGED else None

    def value(self, name: str, where: Where) -> float | None:
        """For a fresh network the prediction, free of sampling noise; else the measurement."""
        predicted, measured = self.predicted(name, where), self.measured(name, where)
        if self.training is Training.FRESH and predicted is not None:
            return predicted
        return measured if measured is not None else predicted

    def enters(self, element: Element) -> bool:
        """Whether the network's input enters an element as it came, rearranged at most."""
        return any(self._is_input(i) for i in self.train.signal_inputs(element))

    def _is_input(self, value: int) -> bool:
        while (producer := self.train.values[value].producer) is not None:
            element = self.train.elements[producer]
            signals = self.train.signal_inputs(element)
            if element.family is not Family.STRUCTURE or len(signals) != 1:
                return False
            value = signals[0]
        return value in self.train.inputs

    def felt(self, first: Element, sigma_w: float, *, apart: bool = False) -> float:
        """⟨x²⟩ of an input for which a layer of that σ_w would put out what this one does, its biases taken along.

        Apart: of what tells samples from one another, in which biases have no part. nan where it is not known.
        """
        leaving = self.measured("second_moment", first.where)
        common = self.measured("correlation", first.where) if apart else None
        if leaving is None or not sigma_w > 0:
            return math.nan
        return leaving * (1 - (common or 0.0)) / sigma_w**2

    def nearest(self, value: int, read: Callable[[Where], float | None]) -> float | None:
        """What is read at the nearest place, at or before a value of the train, where there is something; else None."""
        while (producer := self.train.values[value].producer) is not None:
            element = self.train.elements[producer]
            signals = self.train.signal_inputs(element)
            if (found := read(element.where)) is not None or not signals:
                return found
            value = signals[0]
        return read(Where(operation="input"))

    def value_at(self, name: str, value: int) -> float | None:
        """`value` of the nearest place; a tangent is 1 at the input."""
        found = self.nearest(value, lambda where: self.value(name, where))
        return 1.0 if found is None and name == "tangent" else found

    def chi(self, element: Element) -> float | None:
        """χ of an element; of a linear one σ_w², where the signal left the range of its precision."""
        found = self.value("chi", element.where)
        if found is not None and 0 < found < math.inf and self._in_range(element.where):
            return found
        sigma_w = self._prescribed[element.where].sigma_w
        return sigma_w**2 if element.family is Family.LINEAR and sigma_w and math.isfinite(sigma_w) else None

    def _in_range(self, where: Where) -> bool:
        """Whether squares of the signal and of tangents are far from the ends of single precision."""
        squares = (self.value("second_moment", where), self.value("tangent", where))
        return all(s is None or 1e-30 < s < 1e30 for s in squares)

    def sigma_b(self, stage: Stage) -> float:
        """Root mean square of the biases of the stage."""
        return math.hypot(*(self._prescribed[e.where].sigma_b or 0.0 for e in stage.linear))

    def sigma_w(self, stage: Stage) -> float:
        """σ_w of the first linear element of the stage; 1 where it has none."""
        found = self._prescribed[stage.linear[0].where].sigma_w
        return 1.0 if found is None else found

    def gain(self, stage: Stage) -> float | None:
        """χ of a stage without branches: the product over its elements, pooling left out; None if unknown.

        Averaging over positions shrinks a tangent without harming what it carries, so it is not counted.
        """
        return None if stage.branched or not stage.linear else self.product(stage.elements)

    def product(self, elements: tuple[Element, ...]) -> float | None:
        """Product of the elements' χ, pooling left out; None where one of them is unknown."""
        product = 1.0
        for element in elements:
            if element.family is not Family.POOLING:
                chi = self.chi(element)
                if chi is None:
                    return None
                product *= chi
        return product

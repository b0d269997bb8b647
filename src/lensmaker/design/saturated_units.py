"""Units at the flat ends of a bounded activation: the signal is cut, and the gradient does not pass."""

from __future__ import annotations

from torch import Tensor

from lensmaker.core import Training
from lensmaker.core.bibliography import GLOROT_2010
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.evidence import Evidence
from lensmaker.design.operating_point import OperatingPoint, operating_points
from lensmaker.systems.networks import Element

BOUNDED = frozenset({"tanh", "sigmoid", "hardtanh", "hardsigmoid", "softsign", "erf", "atan", "relu6"})
"""Activations that are flat at both ends: others (softplus, ELU) are flat where they are small by their purpose."""

BOUND = 0.8
"""Saturated fraction beyond which too little of the gradient passes."""

BOUND_TRAINED = 0.98
"""The same for a trained network, whose gates may be shut for good reasons."""


class SaturatedUnits(Aberration):
    """Most units of a bounded activation lie where its slope is below 5 % of the largest, shifted there.

    The correction brings the mean of what enters each unit to zero by its bias, b_i → b_i − ⟨z_i⟩. Units that
    saturate because their weights are too large are the consequence of a layer's gain. A trained network is left
    alone unless hardly a unit passes anything, and it is their biases that do it.
    """

    name = "saturated_units"
    summary = "Most units of a bounded activation are at its flat ends, and pass no gradient."
    quantity = "saturation"
    references = (GLOROT_2010,)
    explained_by = (
        "non_finite",
        "input_scale",
        "stale_statistics",
        "layer_gain",
        "depth_gain",
        "saturated_units",
    )

    def look(self, evidence: Evidence) -> list[Suspicion]:
        bound = BOUND_TRAINED if evidence.training is Training.TRAINED else BOUND
        suspects = [
            e
            for e in evidence.train.visible()
            if e.operation in BOUNDED
            and (evidence.measured("saturation", e.where) or 0.0) > bound
            and (evidence.measured("zero_fraction", e.where) or 0.0) < 0.5  # a dead unit is another matter
        ]
        points = operating_points(evidence, suspects)
        if evidence.training is Training.TRAINED:
            points = {
                place: point for place, point in points.items() if _shifted(point).double().mean() > BOUND
            }
        return [self._suspicion(e, points[e.where], evidence, bound) for e in suspects if e.where in points]

    def _suspicion(
        self, element: Element, point: OperatingPoint, evidence: Evidence, bound: float
    ) -> Suspicion:
        shifted = _shifted(point)
        changes = point.centred(shifted, evidence) if bool(shifted.any()) else {}
        size = float(point.mean.square().mean().sqrt())
        return Suspicion(
            self.name,
            element.where,
            f"what enters is {size:.3g} away from 0 and varies by {float(point.deviation.mean()):.3g}, which is "
            "where the activation is flat, so that no gradient passes",
            self.quantity,
            evidence.measured("saturation", element.where) or 0.0,
            bound,
            f"shift the entries of {point.bias} of {int(shifted.sum())} units until their mean is 0"
            if changes
            else "bring what enters to within 1 of 0: no bias does it",
            changes,
        )


def _shifted(point: OperatingPoint) -> Tensor:
    """The units whose mean, and not their spread, takes them to the flat ends."""
    return point.mean.abs() > point.deviation

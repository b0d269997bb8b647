"""Units that are zero for every sample: no signal passes, and no gradient comes back."""

from __future__ import annotations

from lensmaker.core import Training
from lensmaker.core.bibliography import LU_2020
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.evidence import Evidence
from lensmaker.design.operating_point import OperatingPoint, operating_points
from lensmaker.systems.networks import Element

RECTIFIERS = frozenset({"relu", "relu6", "threshold", "hardswish", "hardsigmoid", "hardshrink", "softshrink"})
"""Activations that are exactly zero, and flat, over a range: an `exp` that underflows is a formula."""

BOUND = 0.8
"""Dead fraction of an activation beyond which too few units are left; depth alone makes 1/2."""

ALL = 1 - 1e-9
"""The same for a trained network: every unit."""

SAMPLES = 16
"""Samples that it takes to call a unit dead."""


class DeadUnits(Aberration):
    """Most units of an activation are zero on the whole batch, because what enters them is negative.

    A dead ReLU gets no gradient and stays dead. The correction brings the mean of what enters each dead unit
    to zero by its bias, b_i → b_i − ⟨z_i⟩, so that half of the samples pass. In a trained network units that
    wait for rare inputs are no fault; there an activation is named only where all its units are dead and the
    signal has no way around them.
    """

    name = "dead_units"
    summary = "Most units of an activation are zero for every sample, and get no gradient."
    quantity = "dead_fraction"
    references = (LU_2020,)
    explained_by = ("non_finite", "input_scale", "stale_statistics", "layer_gain", "depth_gain", "dead_units")

    def look(self, evidence: Evidence) -> list[Suspicion]:
        if evidence.network.batch.samples < SAMPLES:
            return []
        trained = evidence.training is Training.TRAINED
        only_way = {e.where for s in evidence.stages if not s.branched for e in s.elements}
        suspects = [
            e
            for e in evidence.train.visible()
            if e.operation in RECTIFIERS
            and (evidence.measured("dead_fraction", e.where) or 0.0) > (ALL if trained else BOUND)
            and (e.where in only_way or not trained)
        ]
        points = operating_points(evidence, suspects)
        bound = ALL if trained else BOUND
        return [self._suspicion(e, points[e.where], evidence, bound) for e in suspects if e.where in points]

    def _suspicion(
        self, element: Element, point: OperatingPoint, evidence: Evidence, bound: float
    ) -> Suspicion:
        fraction = evidence.measured("dead_fraction", element.where) or 0.0
        dead = point.silent
        depth = (
            float((-point.mean / point.deviation.clamp_min(1e-12))[dead].median())
            if bool(dead.any())
            else 0.0
        )
        changes = point.centred(dead, evidence)
        return Suspicion(
            self.name,
            element.where,
            f"{int(dead.sum())} of {len(dead)} units are zero for every sample: what enters them is negative by "
            f"{depth:.3g} of its standard deviations, so that they get no gradient and stay so",
            self.quantity,
            fraction,
            bound,
            f"raise the entries of {point.bias} that feed them until their mean is 0"
            if changes
            else "raise what enters them until its mean is 0: no bias does it",
            changes,
        )

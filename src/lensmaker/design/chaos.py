"""Inputs that are almost alike arrive unrelated: the chaotic phase."""

from __future__ import annotations

import math

from lensmaker.core.bibliography import POOLE_2016, SCHOENHOLZ_2017
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.contrast import BOUND, contrast
from lensmaker.design.evidence import Evidence
from lensmaker.design.to_critical import to_critical


class Chaos(Aberration):
    """The contrast M = ∏ χ_l ⟨x²⟩_l/⟨x²⟩_{l+1} exceeds a bound: the depth tears apart what is near.

    It takes an activation that bounds the signal while χ > 1 lets distances grow. What the network learns of one
    input then says nothing about its neighbours. The correction brings every weight to its critical value, as
    `depth_gain` does beyond its own bound.
    """

    name = "chaos"
    summary = "Inputs that are almost alike arrive unrelated: nothing learnt of one holds for its neighbours."
    quantity = "contrast"
    references = (POOLE_2016, SCHOENHOLZ_2017)
    explained_by = ("non_finite", "input_scale", "dead_units", "saturated_units")

    def look(self, evidence: Evidence) -> list[Suspicion]:
        found = contrast(evidence)
        if found is None or found.logarithm < math.log(BOUND):
            return []
        correction = to_critical(evidence)
        return [
            Suspicion(
                self.name,
                found.lenses[0].where,
                f"near inputs are torn apart: their distance, relative to their size, grows by "
                f"{math.sqrt(found.value):.3g} over {len(found.lenses)} layers, whose weights are too large for "
                "their activation",
                self.quantity,
                found.value,
                BOUND,
                correction.sentence(),
                correction.changes,
            )
        ]

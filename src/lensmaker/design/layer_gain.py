"""One layer's signal and gradient explode or collapse, while its neighbours are well."""

from __future__ import annotations

import math
from statistics import median

from lensmaker.core import Training
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.evidence import Evidence
from lensmaker.design.optical_axis import Stage
from lensmaker.theories.bibliography import POOLE_2016, SCHOENHOLZ_2017

BOUND = 4.0
"""Ratio of a layer's χ to the median of the others beyond which it stands out of a fresh network."""

BOUND_TRAINED = 1e3
"""The same for a trained network, whose layers differ for good reasons."""

FAIR = 1.5
"""Within this ratio of 1 the median χ is what the layer is brought back to; otherwise 1."""


class LayerGain(Aberration):
    """A layer whose χ stands out from those of the other layers by more than a bound.

    With χ_l the growth of a tangent over the layer (weights, activation, and a normalisation that undoes the
    scale of the weights), the layer stands out when |ln χ_l − median ln χ| exceeds the logarithm of the bound.
    The correction multiplies the weight by √(χ_target/χ_l).
    """

    name = "layer_gain"
    summary = "One layer multiplies the signal and the gradient by a factor of its own."
    quantity = "chi"
    references = (POOLE_2016, SCHOENHOLZ_2017)

    def look(self, evidence: Evidence) -> list[Suspicion]:
        gains = hidden_gains(evidence)
        if len(gains) < 3:
            return []
        bound = BOUND if evidence.training is Training.FRESH else BOUND_TRAINED
        middle = median(math.log(g) for _, g in gains)
        target = math.exp(middle) if abs(middle) < math.log(FAIR) else 1.0
        found = []
        for stage, gain in gains:
            weight = evidence.weight_of(stage)
            if abs(math.log(gain) - middle) <= math.log(bound) or weight is None:
                continue
            factor = math.sqrt(target / gain)
            verb = "explodes" if math.log(gain) > middle else "collapses"
            where = stage.linear[0].where
            found.append(
                Suspicion(
                    self.name,
                    where,
                    f"the signal {verb} here: this layer multiplies it by √χ = {math.sqrt(gain):.3g}, "
                    f"the layers around it by {math.exp(middle / 2):.3g}",
                    self.quantity,
                    gain,
                    math.exp(middle) * (bound if verb == "explodes" else 1 / bound),
                    f"multiply {weight} by {factor:.4g}",
                    {weight: factor},
                )
            )
        return found


def hidden_gains(evidence: Evidence) -> list[tuple[Stage, float]]:
    """The stages whose gain the scale of one weight sets, with that gain; the last, the readout, left out."""
    stages = evidence.stages
    found = []
    for stage in stages[:-1]:
        gain = evidence.gain(stage)
        if gain is not None:
            found.append((stage, gain))
    return found

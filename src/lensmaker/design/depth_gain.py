"""The depth as a whole explodes or collapses: every layer is a little off, and the product kills the gradient."""

from __future__ import annotations

import math

from lensmaker.core import Training
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.evidence import Evidence
from lensmaker.design.layer_gain import LayerGain, hidden_gains
from lensmaker.theories.bibliography import POOLE_2016, SCHOENHOLZ_2017

BOUND = 1e6
"""Growth or decay of the gradient's mean square over the depth that no learning rate spans."""


class DepthGain(Aberration):
    """The product of all layers' χ leaves [1/B, B], with no layer to blame alone.

    ∏ χ_l is the ratio of the gradient's mean square at the first and the last layer. The correction brings
    every layer to criticality, χ = 1: it multiplies each weight by 1/√χ_l.
    """

    name = "depth_gain"
    summary = "The gradient dies out or blows up over the depth of the network."
    quantity = "tangent"
    references = (POOLE_2016, SCHOENHOLZ_2017)

    def look(self, evidence: Evidence) -> list[Suspicion]:
        if evidence.training is Training.TRAINED:
            return []
        blamed = {s.where for s in LayerGain().look(evidence)}
        gains = [(s, g) for s, g in hidden_gains(evidence) if s.linear[0].where not in blamed and not s.normalised]
        total = sum(math.log(g) for _, g in gains)
        if abs(total) <= math.log(BOUND):
            return []
        factors = {w: 1 / math.sqrt(g) for s, g in gains if (w := evidence.weight_of(s)) is not None}
        if not factors:
            return []
        typical = math.exp(total / len(gains))
        low, high = min(factors.values()), max(factors.values())
        span = f"{low:.4g}" if high / low < 1.02 else f"{low:.4g} to {high:.4g}"
        verb, adjective = ("explodes", "above") if total > 0 else ("collapses", "below")
        return [
            Suspicion(
                self.name,
                gains[0][0].linear[0].where,
                f"the signal {verb} over the depth: {len(gains)} layers with χ ≈ {typical:.3g} each, {adjective} the "
                f"critical value 1, change the gradient's mean square by a factor {math.exp(total):.1e}",
                self.quantity,
                math.exp(total),
                BOUND if total > 0 else 1 / BOUND,
                f"multiply the weights of these {len(factors)} layers by {span}, to χ = 1",
                factors,
            )
        ]

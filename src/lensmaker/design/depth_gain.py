"""The depth as a whole explodes or collapses: each layer is a little off, the product kills the gradient."""

from __future__ import annotations

import math
from statistics import fmean

from lensmaker.core import Training
from lensmaker.core.bibliography import POOLE_2016, SCHOENHOLZ_2017
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.evidence import Evidence
from lensmaker.design.outliers import PEERS
from lensmaker.design.to_critical import to_critical

BOUND = 1e6
"""Growth or decay of the gradient's mean square over the depth that no learning rate spans."""


class DepthGain(Aberration):
    """The product of all layers' χ leaves [1/B, B], those that stand out counted at the level of the others.

    A layer that stands out makes the signal of those after it another one, and χ with it: where there is one, χ
    is that of the network as `layer_gain` corrects it.

    ∏ χ_l is the ratio of the gradient's mean square at the first and the last layer. The correction brings
    every layer to the critical line of its activation, σ_w(σ_b) at which χ = 1: it multiplies each weight by
    σ_w(σ_b)/σ_w. Where an activation has no attracting critical point, χ = 1 is set for the signal that the
    corrected layers before pass on. A layer that `layer_gain` corrects as well has the product of both factors.
    """

    name = "depth_gain"
    summary = "The gradient dies out or blows up over the depth of the network."
    quantity = "tangent"
    references = (POOLE_2016, SCHOENHOLZ_2017)

    def look(self, evidence: Evidence) -> list[Suspicion]:
        if evidence.training is Training.TRAINED:
            return []
        total, found = log_growth(evidence), evidence.lenses
        if abs(total) <= math.log(BOUND):
            return []
        correction = to_critical(evidence)
        typical = math.exp(total / len(found))
        verb, adjective = ("explodes", "above") if total > 0 else ("collapses", "below")
        return [
            Suspicion(
                self.name,
                found[0].where,
                f"the signal {verb} over the depth: {len(found)} layers with χ ≈ {typical:.3g} each, "
                + (f"counting {correction.besides} as corrected, " if correction.besides else "")
                + f"{adjective} the critical value 1, change the gradient's mean square by a factor "
                f"{_power_of_ten(total)}",
                self.quantity,
                _bounded_exp(total),
                BOUND if total > 0 else 1 / BOUND,
                correction.sentence(),
                correction.changes,
            )
        ]


def log_growth(evidence: Evidence) -> float:
    """Logarithm of ∏ χ_l over the lenses, those that stand out at the level to which they are brought."""
    found, blamed = evidence.mended.lenses, {o.lens.where for o in evidence.outliers}
    logs = [math.log(lens.growth) for lens in found if lens.where not in blamed]
    level = fmean(logs) if logs and len(found) >= PEERS else 0.0
    return math.fsum(logs) + len(blamed) * level


def _power_of_ten(logarithm: float) -> str:
    """exp(logarithm) in words, also beyond the range of floats."""
    decades = math.floor(logarithm / math.log(10))
    return f"{math.exp(logarithm - decades * math.log(10)):.1f}e{decades:+03d}"


def _bounded_exp(logarithm: float) -> float:
    return math.exp(max(-700.0, min(700.0, logarithm)))

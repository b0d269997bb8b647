"""The depth as a whole explodes or collapses: each layer is a little off, the product kills the gradient."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import fmean

from lensmaker.core import Training, Where
from lensmaker.core.bibliography import POOLE_2016, SCHOENHOLZ_2017
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.correction import Scaled, combined
from lensmaker.design.evidence import Evidence
from lensmaker.design.forecast import forecast
from lensmaker.design.joint import Wish, joint
from lensmaker.design.layer_gain import PEERS, Outlier, outliers
from lensmaker.theories.mean_field import MeanField

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
        found, blamed = evidence.lenses, {o.lens.where: o for o in outliers(evidence)}
        growths = _growths(evidence, list(blamed.values()))
        logs = [math.log(growths[lens.where]) for lens in found if lens.where not in blamed]
        level = fmean(logs) if len(found) >= PEERS else 0.0  # to which `layer_gain` brings those it blames
        total = math.fsum(logs) + len(blamed) * level
        if abs(total) <= math.log(BOUND):
            return []
        wishes = joint([Wish(x.handle, x.stage.linear[0], x.to_critical) for x in found], evidence.train)
        wishes = [_besides(w, blamed.get(x.where)) for w, x in zip(wishes, found, strict=True)]
        factors = {name: factor for wish in wishes for name, factor in wish.factors.items()}
        typical = math.exp(total / len(found))
        verb, adjective = ("explodes", "above") if total > 0 else ("collapses", "below")
        places = ", ".join(str(where) for where in blamed)
        return [
            Suspicion(
                self.name,
                found[0].where,
                f"the signal {verb} over the depth: {len(found)} layers with χ ≈ {typical:.3g} each, "
                + (f"counting {places} as corrected, " if blamed else "")
                + f"{adjective} the critical value 1, change the gradient's mean square by a factor "
                f"{_power_of_ten(total)}",
                self.quantity,
                _bounded_exp(total),
                BOUND if total > 0 else 1 / BOUND,
                _sentence(wishes, factors, f", besides the correction of {places}" if blamed else ""),
                {name: Scaled(factor) for name, factor in factors.items()},
            )
        ]


def _growths(evidence: Evidence, blamed: list[Outlier]) -> dict[Where, float]:
    """χ of each lens, once the layers that are blamed are corrected."""
    lenses = evidence.lenses
    changes = combined(outlier.wish.changes for outlier in blamed)
    found = {lens.where: lens.growth for lens in lenses}
    if not changes:
        return found
    theory = MeanField(None, seed=evidence.network.seed)
    corrected = replace(evidence, predictions=forecast(evidence.network, changes, theory))
    return found | {lens.where: lens.growth for lens in corrected.lenses}


def _besides(wish: Wish, blamed: Outlier | None) -> Wish:
    """What is left of a wish when `layer_gain` has had its own, which it has not where it was refused."""
    if blamed is None or (wish.factors and not blamed.wish.factors):
        return wish
    return replace(wish, factor=wish.factor / blamed.wish.factor)


def _sentence(wishes: list[Wish], factors: dict[str, float], besides: str) -> str:
    refused = [w for w in wishes if not w.factors]
    if not factors:
        return refused[0].sentence()
    low, high = min(factors.values()), max(factors.values())
    span = f"{low:.4g}" if high / low < 1.02 else f"{low:.4g} to {high:.4g}"
    plural = "s" if len(factors) > 1 else ""
    text = f"multiply {len(factors)} weight{plural} by {span}, to χ = 1{besides}"
    return text + (f"; and {refused[0].element.where}: {refused[0].sentence()}" if refused else "")


def _power_of_ten(logarithm: float) -> str:
    """exp(logarithm) in words, also beyond the range of floats."""
    decades = math.floor(logarithm / math.log(10))
    return f"{math.exp(logarithm - decades * math.log(10)):.1f}e{decades:+03d}"


def _bounded_exp(logarithm: float) -> float:
    return math.exp(max(-700.0, min(700.0, logarithm)))

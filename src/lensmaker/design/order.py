"""All inputs collapse onto one: what is common to them outgrows what tells them apart."""

from __future__ import annotations

import math

from lensmaker.core.bibliography import POOLE_2016, SCHOENHOLZ_2017
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.contrast import BOUND, Contrast, contrast
from lensmaker.design.correction import Change, Scaled
from lensmaker.design.evidence import Evidence
from lensmaker.design.handle import users_of
from lensmaker.design.to_critical import to_critical


class Order(Aberration):
    """The contrast M = ∏ χ_l ⟨x²⟩_l/⟨x²⟩_{l+1} falls below a bound: the ordered phase, or biases that drown the signal.

    Of the two causes the one is chosen that makes more than half of ln M. Where distances shrink (∏ χ), every
    weight is brought to its critical value, as `depth_gain` does beyond its own bound. Where the signal grows by
    its biases, all biases are multiplied by (σ_w² ⟨x²⟩/Σ σ_b²)^½, with σ_w² ⟨x²⟩ of the first layer, so that all
    together add no more than what the input brings, and M stays above one half.
    """

    name = "order"
    summary = "All inputs collapse onto one: their differences are lost beside what they share."
    quantity = "contrast"
    references = (POOLE_2016, SCHOENHOLZ_2017)
    explained_by = ("non_finite", "input_scale", "dead_units", "saturated_units")

    def look(self, evidence: Evidence) -> list[Suspicion]:
        found = contrast(evidence)
        if found is None or found.logarithm > -math.log(BOUND):
            return []
        if -found.log_tangent >= -found.logarithm / 2:
            correction = to_critical(evidence)
            cause, sentence, changes = "layers with χ below 1", correction.sentence(), correction.changes
        else:
            cause, (sentence, changes) = "biases that all inputs share", _smaller(found, evidence)
        return [
            Suspicion(
                self.name,
                found.lenses[0].where,
                f"all inputs arrive as one: by {cause} the distance of two, relative to their size, shrinks to "
                f"{math.sqrt(found.value):.3g} of what it was over {len(found.lenses)} layers",
                self.quantity,
                found.value,
                1 / BOUND,
                sentence,
                changes,
            )
        ]


def _smaller(found: Contrast, evidence: Evidence) -> tuple[str, dict[str, Change]]:
    """The correction of the biases, in words and as changes."""
    biases, factor = _biases(found, evidence), _factor(found, evidence)
    if not biases:
        return "make the biases smaller: none is a parameter of one layer alone", {}
    sentence = (
        f"multiply {len(biases)} biases by {factor:.4g}, so that together they add what the input brings"
    )
    return sentence, dict.fromkeys(biases, Scaled(factor))


def _biases(found: Contrast, evidence: Evidence) -> list[str]:
    """The biases along the axis that are parameters, and of one layer each."""
    names = []
    for lens in found.lenses:
        (element,) = lens.stage.linear
        for value in evidence.train.weight_inputs(element):
            if len(value.shape) == 1 and value.producer is None and len(value.parameters) == 1:
                (name,) = value.parameters
                if users_of(name, evidence.train) == {element.index}:
                    names.append(name)
    return names


def _factor(found: Contrast, evidence: Evidence) -> float:
    first = found.lenses[0].stage
    entering = evidence.value_at("second_moment", evidence.train.signal_inputs(first.linear[0])[0]) or 1.0
    sigma_w = evidence.sigma_w(first)
    biases = math.fsum(evidence.sigma_b(lens.stage) ** 2 for lens in found.lenses)
    return math.sqrt(sigma_w**2 * entering / biases)

"""One layer's signal and gradient explode or collapse, while its neighbours are well."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from lensmaker.core import Training
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.critical_scale import Lens
from lensmaker.design.evidence import Evidence
from lensmaker.design.joint import Wish, joint
from lensmaker.theories.bibliography import POOLE_2016, SCHOENHOLZ_2017

BOUND = 4.0
"""Ratio of a layer's gain to the median of all beyond which it stands out of a fresh network.

The gain of a fresh layer is known from its weights to a relative √(2/weights), so no noise comes near.
"""

BOUND_TRAINED = 1e3
"""The same for a trained network, whose layers differ for good reasons."""

FAIR = 1.5
"""Within this ratio of 1 the median gain is what the layer is brought back to; otherwise 1."""

_ALIKE = 0.1
"""Spreads of ln gain that differ by less than this do not tell two laws of initialisation apart."""


class LayerGain(Aberration):
    """A layer whose gain stands out from those of the other layers by more than a bound.

    With g_l the gain of layer l at criticality, it stands out when |ln g_l − median ln g| exceeds the
    logarithm of the bound. Layers may be scaled by their fan-in, their fan-out or the mean of the two: the
    law is taken by which they differ least, and a layer must stand out by all laws that do as well. The
    correction multiplies the weight by √(g_target/g_l).
    """

    name = "layer_gain"
    summary = "One layer multiplies the signal and the gradient by a factor of its own."
    quantity = "chi"
    references = (POOLE_2016, SCHOENHOLZ_2017)

    def look(self, evidence: Evidence) -> list[Suspicion]:
        found = evidence.lenses
        fresh = evidence.training is Training.FRESH
        bound = BOUND if fresh else BOUND_TRAINED
        standing_out = _standing_out(found, math.log(bound), _LAWS if fresh else _LAWS[:1])
        wishes = joint(
            [Wish(o.lens.handle, o.lens.stage.linear[0], math.exp(-o.excess / 2)) for o in standing_out],
            evidence.train,
        )
        suspicions = []
        corrected: set[str] = set()
        for outlier, wish in zip(standing_out, wishes, strict=True):
            if corrected.isdisjoint(wish.factors):  # a layer called again is at fault once
                corrected.update(wish.factors)
                suspicions.append(self._suspicion(outlier, bound, wish))
        return suspicions

    def _suspicion(self, outlier: Outlier, bound: float, wish: Wish) -> Suspicion:
        lens, typical = outlier.lens, outlier.typical
        explodes = lens.gain > typical
        return Suspicion(
            self.name,
            lens.where,
            f"the signal {'explodes' if explodes else 'collapses'} here: by its weights this layer "
            f"multiplies it by √χ = {math.sqrt(lens.gain):.3g}, "
            f"the layers around it by {math.sqrt(typical):.3g}",
            self.quantity,
            lens.gain,
            typical * (bound if explodes else 1 / bound),
            wish.sentence(),
            wish.factors,
        )


@dataclass(frozen=True)
class Outlier:
    """A lens that stands out.

    Attributes
    ----------
    lens
        The lens.
    typical
        The gain that the others would have in its place.
    excess
        ln of its gain over the one to bring it to.
    """

    lens: Lens
    typical: float
    excess: float


def _fan_in(lens: Lens) -> float:
    return math.log(lens.gain)


def _mean_fan(lens: Lens) -> float:
    return math.log(lens.gain * (1 + lens.widening) / 2)


def _fan_out(lens: Lens) -> float:
    return math.log(lens.gain * lens.widening)


_Law = Callable[[Lens], float]
_LAWS: tuple[_Law, ...] = (_fan_in, _mean_fan, _fan_out)


def _standing_out(found: Sequence[Lens], log_bound: float, laws: Sequence[_Law]) -> list[Outlier]:
    if len(found) < 3:
        return []
    by_law = []
    for law in laws:
        logs = [law(lens) for lens in found]
        middle = median(logs)
        by_law.append((median(abs(x - middle) for x in logs), middle, logs))
    least = min(spread for spread, _, _ in by_law)
    usual = [(middle, logs) for spread, middle, logs in by_law if spread <= least + _ALIKE]
    outliers = []
    for i, lens in enumerate(found):
        excesses = [logs[i] - middle for middle, logs in usual]
        if all(x > log_bound for x in excesses) or all(x < -log_bound for x in excesses):
            middle, logs = usual[0]
            target = middle if abs(middle) < math.log(FAIR) else 0.0
            offset = logs[i] - math.log(lens.gain)
            outliers.append(Outlier(lens, math.exp(middle - offset), logs[i] - target))
    return outliers

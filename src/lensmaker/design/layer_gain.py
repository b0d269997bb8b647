"""One layer's signal and gradient explode or collapse, while its neighbours are well."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from lensmaker.core import Training
from lensmaker.core.bibliography import POOLE_2016, SCHOENHOLZ_2017
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.critical_scale import Lens
from lensmaker.design.evidence import Evidence
from lensmaker.design.joint import Wish, joint

BOUND = 4.0
"""Ratio of a layer's gain to the median of all beyond which it stands out of a fresh network.

The gain of a fresh layer is known from its weights to a relative √(2/weights), so no noise comes near.
"""

BOUND_TRAINED = 1e3
"""The same for a trained network, whose layers differ for good reasons."""

PEERS = 3
"""Layers that are enough to be compared with one another."""

BOUND_ALONE = 1e3
"""Ratio of the gain to the critical one beyond which one of fewer layers is at fault.

It spans what PyTorch draws for any activation (σ_w² = 1/3, 1/6 of the critical value before ReLU, 1/310
before the sigmoid), and two layers within it are within the bound of `depth_gain`.
"""

BOUND_ALONE_TRAINED = 1e6
"""The same for a trained network, whose first layer makes up for the units of the input."""

_ALIKE = 0.1
"""Spreads of ln gain that differ by less than this do not tell two laws of initialisation apart."""


class LayerGain(Aberration):
    """A layer whose gain stands out from those of the other layers by more than a bound.

    With g_l the gain of layer l at criticality, it stands out when |ln g_l − median ln g| exceeds the
    logarithm of the bound. Layers may be scaled by their fan-in, their fan-out or the mean of the two: the
    law is taken by which they differ least, and a layer must stand out by all laws that do as well. The
    correction multiplies the weight by √(g_typical/g_l), which brings the layer to the level of the others;
    where that level harms, `depth_gain` says so. Fewer than three layers are compared with g = 1.
    """

    name = "layer_gain"
    summary = "One layer multiplies the signal and the gradient by a factor of its own."
    quantity = "chi"
    references = (POOLE_2016, SCHOENHOLZ_2017)

    def look(self, evidence: Evidence) -> list[Suspicion]:
        suspicions = []
        corrected: set[str] = set()
        for outlier in outliers(evidence):
            factors = outlier.wish.factors
            if corrected.isdisjoint(factors):  # a layer called again is at fault once
                corrected.update(factors)
                suspicions.append(self._suspicion(outlier, few=len(evidence.lenses) < PEERS))
        return suspicions

    def _suspicion(self, outlier: Outlier, few: bool) -> Suspicion:
        lens, typical, bound = outlier.lens, outlier.typical, outlier.bound
        explodes = lens.gain > typical
        others = (
            "1 is critical, and there are too few layers to compare it with"
            if few
            else f"the layers around it by {math.sqrt(typical):.3g}"
        )
        return Suspicion(
            self.name,
            lens.where,
            f"the signal {'explodes' if explodes else 'collapses'} here: by its weights this layer "
            f"multiplies it by √χ = {math.sqrt(lens.gain):.3g}, {others}",
            self.quantity,
            lens.gain,
            typical * (bound if explodes else 1 / bound),
            outlier.wish.sentence(),
            outlier.wish.changes,
        )


@dataclass(frozen=True)
class Outlier:
    """A lens that stands out.

    Attributes
    ----------
    lens
        The lens.
    typical
        The gain that the others would have in its place, or 1 where there are too few of them.
    bound
        The ratio of the two that it exceeds.
    wish
        The correction that makes them equal.
    """

    lens: Lens
    typical: float
    bound: float
    wish: Wish


def outliers(evidence: Evidence) -> list[Outlier]:
    """The lenses that stand out, in order."""
    fresh, found = evidence.training is Training.FRESH, evidence.lenses
    laws = _LAWS if fresh else _LAWS[:1]
    if len(found) < PEERS:
        bound = BOUND_ALONE if fresh else BOUND_ALONE_TRAINED
        levels = [(0.0, [law(lens) for lens in found]) for law in laws]
    else:
        bound = BOUND if fresh else BOUND_TRAINED
        levels = _levels(found, laws)
    standing_out = _standing_out(found, levels, math.log(bound))
    wishes = joint(
        [Wish(x.handle, x.stage.linear[0], math.sqrt(typical / x.gain)) for x, typical in standing_out],
        evidence.train,
    )
    return [
        Outlier(lens, typical, bound, wish)
        for (lens, typical), wish in zip(standing_out, wishes, strict=True)
    ]


def _fan_in(lens: Lens) -> float:
    return math.log(lens.gain)


def _mean_fan(lens: Lens) -> float:
    return math.log(lens.gain * (1 + lens.widening) / 2)


def _fan_out(lens: Lens) -> float:
    return math.log(lens.gain * lens.widening)


_Law = Callable[[Lens], float]
_LAWS: tuple[_Law, ...] = (_fan_in, _mean_fan, _fan_out)


_Levels = list[tuple[float, list[float]]]
"""For each law that may hold, the level ln g of all lenses, and ln g of each."""


def _levels(found: Sequence[Lens], laws: Sequence[_Law]) -> _Levels:
    by_law = []
    for law in laws:
        logs = [law(lens) for lens in found]
        middle = median(logs)
        by_law.append((median(abs(x - middle) for x in logs), middle, logs))
    least = min(spread for spread, _, _ in by_law)
    return [(middle, logs) for spread, middle, logs in by_law if spread <= least + _ALIKE]


def _standing_out(found: Sequence[Lens], levels: _Levels, log_bound: float) -> list[tuple[Lens, float]]:
    """The lenses beyond the bound by all the laws, each with the gain that the first gives to its place."""
    standing_out = []
    for i, lens in enumerate(found):
        excesses = [logs[i] - level for level, logs in levels]
        if all(x > log_bound for x in excesses) or all(x < -log_bound for x in excesses):
            level, logs = levels[0]
            standing_out.append((lens, math.exp(level - (logs[i] - math.log(lens.gain)))))
    return standing_out

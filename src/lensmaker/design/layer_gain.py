"""One layer's signal and gradient explode or collapse, while its neighbours are well."""

from __future__ import annotations

import math

from lensmaker.core.bibliography import POOLE_2016, SCHOENHOLZ_2017
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.evidence import Evidence
from lensmaker.design.outliers import PEERS, Outlier, balanced


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
        found = evidence.outliers
        paired = {o.lens.where for pair in balanced(found, evidence.train) for o in pair}
        for outlier in (o for o in found if o.lens.where not in paired):  # `weight_imbalance` names those
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

"""One weight is as much too large as another is too small: the network computes the same, but learns otherwise."""

from __future__ import annotations

from lensmaker.core.bibliography import NEYSHABUR_2015
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.correction import combined
from lensmaker.design.evidence import Evidence
from lensmaker.design.outliers import Outlier, balanced


class WeightImbalance(Aberration):
    """Two layers that stand out by k and by 1/k, with only activations φ(k x) = k φ(x) between them.

    The two cancel, so no signal is amiss after the second. But the gradient of the first weight is k times too
    small and that of the second k times too large, so that the relative size of an update, η|g|/|w|, is k²
    times too small in the one and k² times too large in the other: no learning rate suits both. The correction
    brings both to the level of the layers around them.
    """

    name = "weight_imbalance"
    summary = "Two layers out of scale that cancel: no learning rate suits both."
    quantity = "relative_scale"
    references = (NEYSHABUR_2015,)

    def look(self, evidence: Evidence) -> list[Suspicion]:
        pairs = balanced(evidence.outliers, evidence.train)
        return [self._suspicion(first, second) for first, second in pairs]

    def _suspicion(self, first: Outlier, second: Outlier) -> Suspicion:
        excess = first.lens.gain / first.typical
        sizes = ("large", "small") if excess > 1 else ("small", "large")
        slower = max(excess, 1 / excess)
        return Suspicion(
            self.name,
            first.lens.where,
            f"its weight is {slower**0.5:.3g} times as {sizes[0]} as in the layers around it, and that of "
            f"{second.lens.where} as many times as {sizes[1]}: the network computes what it would without, but "
            f"relative to their sizes the one learns {slower:.3g} times "
            + ("slower, the other as much faster" if excess > 1 else "faster, the other as much slower"),
            self.quantity,
            excess,
            first.bound if excess > 1 else 1 / first.bound,
            f"{first.wish.sentence()}, and {second.wish.sentence()}",
            combined([first.wish.changes, second.wish.changes]),
        )

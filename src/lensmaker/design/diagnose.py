"""Look for every aberration, and predict what its correction will do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lensmaker.core import Finding, Prediction
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.attention_sharpness import AttentionSharpness
from lensmaker.design.chaos import Chaos
from lensmaker.design.correction import Change, combined
from lensmaker.design.dead_units import DeadUnits
from lensmaker.design.depth_gain import DepthGain
from lensmaker.design.evidence import Evidence
from lensmaker.design.forecast import forecast
from lensmaker.design.idle_units import IdleUnits
from lensmaker.design.input_scale import InputScale
from lensmaker.design.layer_gain import LayerGain
from lensmaker.design.non_finite import NonFinite
from lensmaker.design.order import Order
from lensmaker.design.rank_collapse import RankCollapse
from lensmaker.design.residual_scale import ResidualScale
from lensmaker.design.saturated_units import SaturatedUnits
from lensmaker.design.stale_statistics import StaleStatistics
from lensmaker.design.weight_imbalance import WeightImbalance
from lensmaker.design.weight_scale import WeightScale
from lensmaker.theories.finite_width import FiniteWidth
from lensmaker.theories.mean_field import MeanField

ABERRATIONS: tuple[type[Aberration], ...] = (
    NonFinite,
    InputScale,
    StaleStatistics,
    IdleUnits,
    LayerGain,
    WeightImbalance,
    DepthGain,
    Order,
    Chaos,
    ResidualScale,
    WeightScale,
    AttentionSharpness,
    RankCollapse,
    DeadUnits,
    SaturatedUnits,
)
"""Every aberration there is; the CLI, the docs and the conformance tests read this tuple."""

_ORDER = {aberration.name: i for i, aberration in enumerate(ABERRATIONS)}
"""Of several at one place the first explains the later ones."""


@dataclass(frozen=True)
class Diagnosis:
    """The findings, and what all their corrections together do to each parameter or buffer."""

    findings: tuple[Finding, ...]
    changes: Mapping[str, Change]


def diagnose(evidence: Evidence) -> Diagnosis:
    """The findings in the evidence, each with its correction and the effect that the theory predicts for it.

    The effect is predicted for all corrections together, as `correct()` applies them. While it is, the
    weights are changed and put back bitwise.
    """
    suspicions = [s for aberration in ABERRATIONS for s in aberration().look(evidence)]
    origins = [_origin(s, suspicions, evidence) for s in suspicions]
    roots = [s for s, origin in zip(suspicions, origins, strict=True) if origin is None]
    changes = combined(s.changes for s in roots)
    seed = evidence.network.seed
    theory = MeanField(FiniteWidth(seed=seed + 1), seed=seed)
    effect = tuple(forecast(evidence.network, changes, theory)) if changes else ()
    words = _in_words(evidence, effect) if changes else ""
    found = zip(suspicions, origins, strict=True)
    findings = [_finding(s, of, effect, words) for s, of in found]
    return Diagnosis(tuple(sorted(findings, key=lambda f: bool(f.consequence_of))), changes)


def _origin(suspicion: Suspicion, all_of_them: list[Suspicion], evidence: Evidence) -> Suspicion | None:
    """The first suspicion, of a kind that explains this one, at its place or before it."""
    explained_by = next(a for a in ABERRATIONS if a.name == suspicion.aberration).explained_by
    if suspicion.of_its_own:
        return None
    here = evidence.position(suspicion.where)
    before = [
        s
        for s in all_of_them
        if s.aberration in explained_by
        and (evidence.position(s.where), _ORDER[s.aberration]) < (here, _ORDER[suspicion.aberration])
    ]
    return min(before, key=lambda s: evidence.position(s.where), default=None)


def _finding(
    suspicion: Suspicion, origin: Suspicion | None, effect: tuple[Prediction, ...], words: str
) -> Finding:
    """With the effect of all corrections together, in words too; a consequence of `origin` has none of its own."""
    alone = origin is None
    changed = alone and bool(suspicion.changes)
    of = "" if origin is None else f"{origin.aberration} at {origin.where}"
    return Finding(
        suspicion.aberration,
        suspicion.where,
        suspicion.cause,
        suspicion.quantity,
        suspicion.value,
        suspicion.bound,
        suspicion.correction if alone else f"none of its own: it follows from {of}",
        tuple(suspicion.factors.items()) if alone else (),
        words if changed else "nothing is changed for you",
        effect if changed else (),
        of,
    )


def _in_words(evidence: Evidence, effect: tuple[Prediction, ...]) -> str:
    now = [evidence.value("gradient", e.where) for e in evidence.train.visible()]
    predicted = [p.value for p in effect if p.quantity.name == "gradient"]
    if len(predicted) > 1:
        known = len(now) > 1 and all(g is not None and 0 <= g < math.inf for g in (now[0], now[-1]))
        before = f" (now {_ratio(now[0], now[-1])} times)" if known else ""
        span = _ratio(predicted[0], predicted[-1])
        return f"the gradient at the first layer becomes {span} times that at the last{before}"
    tangents = [p.value for p in effect if p.quantity.name == "tangent"]
    if not tangents:
        return "χ of the layers that are scaled becomes what their corrections ask for"
    return f"a small change of the input reaches the output {_ratio(tangents[-1], 1.0)} times as large"


def _ratio(first: float | None, last: float | None) -> str:
    """√(first/last) in print; what has left the range of numbers is said to be so."""
    if first is None or last is None or not (0 < first < math.inf and 0 < last < math.inf):
        return (
            "unmeasurably many" if last == 0 else "unmeasurably few" if first == 0 else "an unknown number of"
        )
    return f"{math.exp((math.log(first) - math.log(last)) / 2):.2g}"

"""Look for every aberration, and predict what its correction will do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lensmaker.core import Finding, Prediction
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.correction import Change, combined, tried
from lensmaker.design.depth_gain import DepthGain
from lensmaker.design.evidence import Evidence
from lensmaker.design.layer_gain import LayerGain
from lensmaker.systems.networks import Network
from lensmaker.theories.finite_width import FiniteWidth
from lensmaker.theories.mean_field import MeanField

ABERRATIONS: tuple[type[Aberration], ...] = (LayerGain, DepthGain)
"""Every aberration there is; the CLI, the docs and the conformance tests read this tuple."""


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
    changes = combined(s.changes for s in suspicions)
    effect = predicted_effect(evidence.network, changes) if changes else ()
    return Diagnosis(tuple(_finding(s, evidence, effect) for s in suspicions), changes)


def predicted_effect(network: Network, changes: Mapping[str, Change]) -> tuple[Prediction, ...]:
    """What the theory predicts for the network with its weights changed."""
    with tried(network.model, changes):
        corrected = Network(
            network.model, network.batch, network.loss_fn, batch_axis=network.batch.axis, seed=network.seed
        )
        return tuple(MeanField(FiniteWidth(seed=network.seed + 1), seed=network.seed).predict(corrected))


def _finding(suspicion: Suspicion, evidence: Evidence, effect: tuple[Prediction, ...]) -> Finding:
    return Finding(
        suspicion.aberration,
        suspicion.where,
        suspicion.cause,
        suspicion.quantity,
        suspicion.value,
        suspicion.bound,
        suspicion.correction,
        tuple(suspicion.factors.items()),
        _in_words(evidence, effect) if suspicion.changes else "nothing is changed for you",
        effect if suspicion.changes else (),
    )


def _in_words(evidence: Evidence, effect: tuple[Prediction, ...]) -> str:
    now = [evidence.value("gradient", e.where) for e in evidence.train.visible()]
    predicted = [p.value for p in effect if p.quantity.name == "gradient"]
    if len(predicted) > 1:
        before = f" (now {_ratio(now[0], now[-1])} times)" if len(now) > 1 else ""
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

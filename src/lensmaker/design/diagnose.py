"""Look for every aberration, and predict what its correction will do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from lensmaker.core import Finding, Prediction
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.correction import tried
from lensmaker.design.depth_gain import DepthGain
from lensmaker.design.evidence import Evidence
from lensmaker.design.layer_gain import LayerGain
from lensmaker.systems.networks import Network
from lensmaker.theories.mean_field import MeanField

ABERRATIONS: tuple[type[Aberration], ...] = (LayerGain, DepthGain)
"""Every aberration there is; the CLI, the docs and the conformance tests read this tuple."""


def diagnose(evidence: Evidence) -> tuple[Finding, ...]:
    """The findings in the evidence, each with its correction and the effect that the theory predicts for it.

    The effect is predicted for all corrections together, as `correct()` applies them. While it is, the
    weights are scaled and put back bitwise.
    """
    suspicions = [s for aberration in ABERRATIONS for s in aberration().look(evidence)]
    if not suspicions:
        return ()
    effect = predicted_effect(evidence.network, combined(s.factors for s in suspicions))
    return tuple(_finding(s, evidence, effect) for s in suspicions)


def combined(all_factors: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The factors of several findings as one: of a parameter named twice, their product."""
    product: dict[str, float] = {}
    for factors in all_factors:
        for name, factor in factors.items():
            product[name] = product.get(name, 1.0) * factor
    return product


def predicted_effect(network: Network, factors: Mapping[str, float]) -> tuple[Prediction, ...]:
    """What the theory predicts for the network with its weights scaled."""
    with tried(network.model, factors):
        corrected = Network(
            network.model, network.batch, network.loss_fn, batch_axis=network.batch.axis, seed=network.seed
        )
        return tuple(MeanField().predict(corrected))


def _finding(suspicion: Suspicion, evidence: Evidence, effect: tuple[Prediction, ...]) -> Finding:
    where = suspicion.where
    gradients = [p for p in effect if p.quantity.name == "gradient" and p.value > 0]
    if gradients:
        span = math.sqrt(gradients[0].value / gradients[-1].value)
        words = f"the gradient at the first layer becomes {span:.2g} times that at the last"
        before = _span(evidence)
        if before is not None:
            words += f" (now {before:.1e} times)"
    else:
        tangents = [p for p in effect if p.quantity.name == "tangent" and p.value > 0]
        words = f"a small change of the input reaches the output {math.sqrt(tangents[-1].value):.2g} times as large"
    return Finding(
        suspicion.aberration,
        where,
        suspicion.cause,
        suspicion.quantity,
        suspicion.value,
        suspicion.bound,
        suspicion.correction,
        tuple(suspicion.factors.items()),
        words,
        effect,
    )


def _span(evidence: Evidence) -> float | None:
    """The gradient's root mean square at the first visible element over that at the last, as it holds now."""
    values = [v for e in evidence.train.visible() if (v := evidence.value("gradient", e.where))]
    return math.sqrt(values[0] / values[-1]) if values else None

"""Attention that looks at one token alone: its entropy has collapsed."""

from __future__ import annotations

import math

import torch

from lensmaker.core import Training
from lensmaker.core.bibliography import ZHAI_2023
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.correction import Change, Scaled, ScaledRows
from lensmaker.design.evidence import Evidence
from lensmaker.systems.networks import Element, Train
from lensmaker.systems.networks.weights import named_arguments

BOUND = 0.35
"""Entropy, over that of looking at all tokens alike, below which a fresh attention has collapsed."""


class AttentionSharpness(Aberration):
    """The attention weights of a fresh network have almost no entropy: each query looks at one key.

    The gradient of a softmax at its corner is zero, so queries and keys do not learn. The logits q·k/√d spread
    by s; the correction multiplies the query weights by 1/s, to a spread of 1: of queries and keys the queries
    are chosen, since either will do.
    """

    name = "attention_entropy"
    summary = "Attention weights without entropy: each query looks at one key, and does not learn."
    quantity = "attention_entropy"
    references = (ZHAI_2023,)
    explained_by = ("non_finite", "input_scale", "layer_gain", "depth_gain", "weight_scale")

    def look(self, evidence: Evidence) -> list[Suspicion]:
        if evidence.training is Training.TRAINED:
            return []
        suspects = []
        for element in evidence.train.visible():
            entropy = evidence.measured("attention_entropy", element.where)
            keys = _keys(element, evidence.train)
            if entropy is not None and keys > 1 and entropy < BOUND * _most(element, evidence.train, keys):
                suspects.append((element, entropy, _most(element, evidence.train, keys)))
        if not suspects:
            return []
        contents = evidence.network.probes(min(8, evidence.network.batch.samples))
        places = {e.where: e for e in contents.visible()}
        return [
            self._suspicion(e, entropy, most, places.get(e.where), contents, evidence)
            for e, entropy, most in suspects
        ]

    def _suspicion(
        self,
        element: Element,
        entropy: float,
        most: float,
        recorded: Element | None,
        contents: Train,
        evidence: Evidence,
    ) -> Suspicion:
        spread = _spread(recorded, contents) if recorded is not None else math.nan
        changes = _on_queries(element, 1 / spread, evidence) if spread > 1 else {}
        return Suspicion(
            self.name,
            element.where,
            f"attention has an entropy of {entropy:.3g}, where looking at all tokens alike has {most:.3g}: its "
            f"logits spread by {spread:.3g}, and the gradient does not pass",
            self.quantity,
            entropy,
            BOUND * most,
            f"multiply the queries by {1 / spread:.4g}, to logits that spread by 1 (the keys would do as well)",
            changes,
        )


def _keys(element: Element, train: Train) -> int:
    if element.operation == "scaled_dot_product_attention":
        return train.values[element.inputs[1]].shape[-2]
    if element.operation == "softmax":
        return train.values[element.outputs[0]].shape[-1]
    return 0


def _most(element: Element, train: Train, keys: int) -> float:
    """Entropy of looking at all keys that may be seen alike."""
    a = named_arguments(element, "query key value attn_mask dropout_p is_causal")
    if element.operation == "scaled_dot_product_attention" and a.get("is_causal"):
        return sum(math.log(i) for i in range(1, keys + 1)) / keys
    return math.log(keys) if a.get("attn_mask") is None else 0.5 * math.log(keys)


def _spread(element: Element, train: Train) -> float:
    """Standard deviation of the logits of one query over the keys."""
    tensors = [train.values[i].tensor for i in element.inputs[:2]]
    if element.operation == "softmax":
        logits = tensors[0]
    else:
        if tensors[0] is None or tensors[1] is None:
            return math.nan
        q, k = tensors[0].detach().double(), tensors[1].detach().double()
        if k.shape[-3] != q.shape[-3]:
            k = k.repeat_interleave(q.shape[-3] // k.shape[-3], -3)
        scale = named_arguments(element, "query key value attn_mask dropout_p is_causal").get("scale")
        logits = q @ k.mT * (scale or q.shape[-1] ** -0.5)
    if logits is None:
        return math.nan
    logits = logits.detach().double()
    logits = torch.where(logits.isfinite(), logits, torch.nan)
    deviation = (logits - logits.nanmean(-1, keepdim=True)).square().nanmean().sqrt()
    return float(deviation)


def _on_queries(element: Element, factor: float, evidence: Evidence) -> dict[str, Change]:
    """Scale what makes the queries: a projection of its own, or the first third of a packed one."""
    train = evidence.train
    value = train.values[element.inputs[0]]
    while value.producer is not None:
        maker = train.elements[value.producer]
        parameters = [v for v in train.weight_inputs(maker) if len(v.shape) == 2 and len(v.parameters) == 1]
        if parameters:
            (name,) = parameters[0].parameters
            rows, inputs = parameters[0].shape
            packed = rows == 3 * inputs
            bias = [n for v in train.weight_inputs(maker) if len(v.shape) == 1 for n in v.parameters]
            change: Change = ScaledRows(factor, 0, inputs) if packed else Scaled(factor)
            return {name: change} | dict.fromkeys(bias, change)
        signals = train.signal_inputs(maker)
        if len(signals) != 1:
            return {}
        value = train.values[signals[0]]
    return {}

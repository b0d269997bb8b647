"""Where on its curve each unit of an activation works, and the bias that sets it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.core import Where
from lensmaker.design.correction import Change, Replaced
from lensmaker.design.evidence import Evidence
from lensmaker.systems.networks import Element, Train
from lensmaker.systems.networks.weights import Layout, weights_of


@dataclass(frozen=True)
class OperatingPoint:
    """The signal that enters an activation, unit by unit.

    Attributes
    ----------
    mean, deviation
        Of each unit, over samples and positions, float64.
    silent
        Units whose output is zero throughout.
    bias
        Name of the parameter whose entries shift the units; "" where there is none.
    """

    mean: Tensor
    deviation: Tensor
    silent: Tensor
    bias: str

    def centred(self, chosen: Tensor, evidence: Evidence) -> dict[str, Change]:
        """Shift the bias of the chosen units so that their mean is 0; nothing where there is no bias."""
        if not self.bias:
            return {}
        stored = dict(evidence.network.model.named_parameters())[self.bias].detach()
        return {self.bias: Replaced(stored.double() - self.mean.to(stored.device), chosen)}


def operating_points(evidence: Evidence, wanted: list[Element]) -> dict[Where, OperatingPoint]:
    """Place of each wanted activation → its operating point, from one pass of the whole batch."""
    if not wanted:
        return {}
    train, places = evidence.network.probes(evidence.network.batch.samples), {e.where for e in wanted}
    found = {}
    for element in train.visible():
        if element.where not in places:
            continue
        source = train.values[train.signal_inputs(element)[0]]
        x, y = source.tensor, train.values[element.outputs[0]].tensor
        maker = None if source.producer is None else train.elements[source.producer]
        if x is None or y is None or maker is None or x.ndim < 2:
            continue
        axis = _units(maker, train, x)
        rows = x.detach().movedim(axis, 0).flatten(1).double()
        variance, mean = torch.var_mean(rows, 1, correction=0)
        silent = (y.detach().movedim(axis, 0).flatten(1) == 0).all(1)
        found[element.where] = OperatingPoint(mean, variance.sqrt(), silent, _bias(maker, train, len(mean)))
    return found


def _units(maker: Element, train: Train, x: Tensor) -> int:
    """The axis of the units that `maker` shifts."""
    weights = weights_of(maker, train)
    if weights is not None:
        return 1 if weights.layout is Layout.CHANNELS else x.ndim - 1
    # Pooling and what rearranges leave the axis of the units where images have it.
    if len(x.shape) == 4:
        return 1
    return 1 if maker.operation in ("batch_norm", "group_norm", "instance_norm") else x.ndim - 1


def _bias(maker: Element, train: Train, units: int) -> str:
    for value in train.weight_inputs(maker):
        for name in value.parameters:
            if value.producer is None and value.shape == (units,) and name.rpartition(".")[2] == "bias":
                return name
    return ""

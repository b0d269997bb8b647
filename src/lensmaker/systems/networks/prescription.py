"""The prescription of a network: one line for each element, with what its weights and its place say."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from typing import Any

import torch
from torch import nn

from lensmaker.core import ElementRecord, Table
from lensmaker.systems.networks.operations import NONLINEARITIES, Family
from lensmaker.systems.networks.receptive_field import receptive_fields
from lensmaker.systems.networks.record import LossFn, record
from lensmaker.systems.networks.train import Element, Origin, Train
from lensmaker.systems.networks.weights import weights_of

_PASSED = {Family.STRUCTURE, Family.NORMALISATION}


def prescription(
    model: nn.Module, batch: Any, loss_fn: LossFn | None = None, *, batch_axis: int = 0, seed: int = 0
) -> Table[ElementRecord]:
    """The table of a network's elements, from one forward pass that leaves no trace.

    Parameters
    ----------
    model, batch, loss_fn, batch_axis, seed
        As for `lensmaker.systems.networks.record`.

    Raises
    ------
    InputError, ModelError
        As for `lensmaker.systems.networks.record`.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
    >>> conv, norm, relu, pool = prescription(net, torch.ones(1, 3, 8, 8))
    >>> conv.fan_in, conv.activation, conv.parameters, pool.receptive_field, pool.stride
    (27, 'relu', 224, (4, 4), (2, 2))
    """
    return prescribe(record(model, batch, loss_fn, keep=False, batch_axis=batch_axis, seed=seed))


def prescribe(train: Train) -> Table[ElementRecord]:
    """The table of the visible elements of a recorded train; a train without contents will do.

    σ_w = √(fan_in·⟨w²⟩) and σ_b = √⟨b²⟩, over the effective weights, after any parametrisation. Of a
    transposed convolution the fan-in is the mean one, rounded in the table but not in σ_w.
    """
    fields = receptive_fields(train)
    sizes = {
        name: math.prod(v.shape)
        for v in train.values
        if v.producer is None and v.origin is Origin.PARAMETER
        for name in v.parameters
    }
    counted: set[str] = set()
    followers = _followers(train)
    rows = []
    for element in train.visible():
        names = frozenset[str]().union(*(v.parameters for v in train.weight_inputs(element)))
        weights = weights_of(element, train)
        output = train.signal_output(element)
        assert output is not None
        field = fields.get(output.index)
        rows.append(
            ElementRecord(
                where=element.where,
                operation=element.operation,
                input_shapes=tuple(train.values[i].shape for i in train.signal_inputs(element)),
                output_shape=output.shape,
                fan_in=None if weights is None else round(weights.fan_in),
                sigma_w=None if weights is None else math.sqrt(weights.fan_in) * _rms(weights.weight),
                sigma_b=None if weights is None or weights.bias is None else _rms(weights.bias),
                activation=_activation(element, train, followers),
                parameters=sum(sizes[name] for name in names - counted),
                receptive_field=None if field is None else field.pixels,
                stride=None if field is None else field.stride,
                weights=tuple(sorted(names)),
            )
        )
        counted |= names
    return Table(rows)


def _rms(tensor: torch.Tensor) -> float:
    """√⟨w²⟩ in float64."""
    return float(torch.linalg.vector_norm(tensor.detach(), dtype=torch.float64)) / math.sqrt(tensor.numel())


def _followers(train: Train) -> dict[int, list[Element]]:
    """Value → the elements it flows into, in order, without those of the loss."""
    followers: dict[int, list[Element]] = defaultdict(list)
    for element in train.before_loss():
        for i in set(element.inputs):
            followers[i].append(element)
    return followers


def _activation(element: Element, train: Train, followers: dict[int, list[Element]]) -> str:
    """The first element-wise function that the output enters, as it is or rearranged and normalised."""
    if element.operation in NONLINEARITIES:
        return ""
    queue: list[tuple[int, Element]] = []
    seen: set[int] = set()

    def follow(values: tuple[int, ...]) -> None:
        for value in values:
            for e in followers.get(value, ()):
                if e.index not in seen:
                    seen.add(e.index)
                    heapq.heappush(queue, (e.index, e))

    follow(element.outputs)
    while queue:
        _, e = heapq.heappop(queue)
        if e.operation in NONLINEARITIES:
            return e.operation
        if e.family in _PASSED:
            follow(e.outputs)
    return ""

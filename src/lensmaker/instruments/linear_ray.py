"""The linear ray: a recorded train linearised about its operating point, walked with tangent vectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from lensmaker.instruments.refraction import FAILURES, Tangents, refract
from lensmaker.systems.networks import Element, Train


@dataclass(frozen=True)
class Refraction:
    """One element crossed by the tangents.

    Attributes
    ----------
    element
        The element.
    value, tangents
        Index of its first floating-point output, and the K tangents there.
    source, incoming
        Index of its first signal input that carries tangents, and those; None where the ray starts here.
    """

    element: Element
    value: int
    tangents: Tangents
    source: int | None = None
    incoming: Tangents | None = None


def sources(train: Train) -> list[int]:
    """Where tangents start: the float inputs of the network, and what embeddings make of its integers."""
    found = [i for i in train.inputs if train.values[i].is_signal and train.values[i].is_float]
    for element in train.before_loss():
        output = train.signal_output(element)
        if output is not None and element.inputs and not train.signal_inputs(element):
            found.append(output.index)
    return found


def walk(train: Train, start: dict[int, Tangents], *, seed: int = 0) -> Iterator[Refraction]:
    """Carry K tangent vectors through a train whose contents were kept: δy = (∂y/∂x) δx at each element.

    Values behind an element that cannot be run again on tangents, or whose making was not recorded, are not
    reached and not reported.

    Parameters
    ----------
    train
        With kept contents (`Network.probes`).
    start
        Value → K tangents of its shape: the input of the ray.
    seed
        Random elements draw the same numbers for every tangent.

    Examples
    --------
    >>> from lensmaker.systems.networks import Network
    >>> net = torch.nn.Sequential(torch.nn.Tanh(), torch.nn.ReLU())
    >>> train = Network(net, torch.tensor([[1.0, -1.0]])).probes(1)
    >>> [step.tangents[0].tolist() for step in walk(train, {train.inputs[0]: [torch.ones(1, 2)]})]
    [[[0.4199..., 0.4199...]], [[0.4199..., 0.0]]]
    """
    tangents = dict(start)
    lost = {
        v.index
        for v in train.values
        if v.is_signal and v.is_float and v.producer is None and v.index not in start
    }
    last_use = {i: e.index for e in train.elements for i in e.inputs}
    with torch.random.fork_rng(devices=_devices(train)):
        for element in train.before_loss():
            output = train.signal_output(element)
            if lost.intersection(element.inputs) or (output is not None and not element.inputs):
                lost.update(element.outputs)
                continue
            incoming = {i: tangents[i] for i in element.inputs if i in tangents}
            if incoming:
                try:
                    tangents.update(refract(train, element, incoming, seed))
                except FAILURES:
                    lost.update(element.outputs)
                    continue
                if output is not None and output.index in tangents:
                    source = next(iter(incoming))
                    yield Refraction(element, output.index, tangents[output.index], source, incoming[source])
            elif output is not None and output.index in start:
                yield Refraction(element, output.index, start[output.index])
            for i in incoming:
                if last_use[i] == element.index:
                    del tangents[i]


def _devices(train: Train) -> list[torch.device]:
    found = {v.tensor.device for v in train.values if v.tensor is not None}
    return [d for d in found if d.type == "cuda"]

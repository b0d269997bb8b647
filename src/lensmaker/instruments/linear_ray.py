"""The linear ray: a recorded train linearised about its operating point, walked with tangent vectors."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.autograd.forward_ad as forward

from lensmaker.systems.networks import Element, Family, Origin, Train

_FAILURES = (RuntimeError, NotImplementedError, TypeError, ValueError)


@dataclass(frozen=True)
class Refraction:
    """One element crossed by the tangents.

    Attributes
    ----------
    element
        The element.
    value, tangents
        Index of its first floating-point output, and the tangents there, shape (K, …).
    source, incoming
        Index of its first signal input that carries tangents, and those; None where the ray starts here.
    """

    element: Element
    value: int
    tangents: torch.Tensor
    source: int | None = None
    incoming: torch.Tensor | None = None


def sources(train: Train) -> list[int]:
    """Where tangents start: the float inputs of the network, and what embeddings make of its integers."""
    found = [i for i in train.inputs if train.values[i].is_signal and train.values[i].is_float]
    for element in train.before_loss():
        output = train.signal_output(element)
        if output is not None and element.inputs and not train.signal_inputs(element):
            found.append(output.index)
    return found


def walk(train: Train, start: dict[int, torch.Tensor], *, seed: int = 0) -> Iterator[Refraction]:
    """Carry K tangent vectors through a train whose contents were kept: δy = (∂y/∂x) δx at each element.

    Each element is run again by forward-mode differentiation about the recorded values; where torch has no
    formula for it, by a symmetric difference in double precision. Values behind an element that admits
    neither, or whose making was not recorded, are not reached and not reported.

    Parameters
    ----------
    train
        With kept contents (`Network.probes`).
    start
        Value → K tangents, shape (K, *shape of the value): the input of the ray.
    seed
        Random elements draw the same numbers for every tangent.

    Examples
    --------
    >>> from lensmaker.systems.networks import Network
    >>> net = torch.nn.Sequential(torch.nn.Tanh(), torch.nn.ReLU())
    >>> train = Network(net, torch.tensor([[1.0, -1.0]])).probes(1)
    >>> [step.tangents.flatten().tolist() for step in walk(train, {train.inputs[0]: torch.ones(1, 1, 2)})]
    [[0.4199..., 0.4199...], [0.4199..., 0.0]]
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
                except _FAILURES:
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


def refract(
    train: Train, element: Element, incoming: dict[int, torch.Tensor], seed: int = 0
) -> dict[int, torch.Tensor]:
    """Tangents at the outputs of one element; those whose derivative vanishes identically are left out.

    Raises
    ------
    RuntimeError, TypeError, ValueError
        The element's own, if it can be run again neither by differentiation nor by differences.
    """
    count = len(next(iter(incoming.values())))
    for way in (_by_differentiation, _by_difference_in_double, _by_difference):
        try:
            here = seed + element.index
            rays = [way(train, element, {i: t[k] for i, t in incoming.items()}, here) for k in range(count)]
            break
        except _FAILURES:
            if way is _by_difference:
                raise
    return {
        value: torch.stack([ray[position] for ray in rays])
        for position, value in enumerate(element.outputs)
        if rays[0][position] is not None
    }


Ray = list[Any]
"""One tangent for each output, None where the derivative vanishes identically."""


def _by_differentiation(train: Train, element: Element, incoming: dict[int, torch.Tensor], seed: int) -> Ray:
    with forward.dual_level(), warnings.catch_warnings():
        # torch compiles decompositions at the first use of forward mode, by a function that it deprecates
        warnings.filterwarnings("ignore", "`torch.jit.script", DeprecationWarning)
        duals = {i: forward.make_dual(_given(train, element, i), t) for i, t in incoming.items()}
        torch.manual_seed(seed)
        outputs = element.replay(lambda i: duals[i] if i in duals else _given(train, element, i))
        continuous = [y.is_floating_point() or y.is_complex() for y in outputs]
        return [
            forward.unpack_dual(y).tangent if c else None for y, c in zip(outputs, continuous, strict=True)
        ]


def _by_difference_in_double(
    train: Train, element: Element, incoming: dict[int, torch.Tensor], seed: int
) -> Ray:
    return _by_difference(train, element, incoming, seed, torch.float64, 1e-5)


def _by_difference(
    train: Train,
    element: Element,
    incoming: dict[int, torch.Tensor],
    seed: int,
    dtype: torch.dtype | None = None,
    step: float = 5e-3,
) -> Ray:
    """(f(x + hδ) − f(x − hδ))/2h with h|δ| = `step`·|x|, which balances truncation and rounding."""

    def given(i: int) -> torch.Tensor:
        x = _given(train, element, i)
        return x.to(dtype) if dtype is not None and x.is_floating_point() else x

    size = sum(float(given(i).square().sum()) for i in incoming)
    length = sum(float(t.double().square().sum()) for t in incoming.values())
    if length == 0:
        values = [train.values[i] for i in element.outputs]
        return [torch.zeros_like(v.tensor) if v.is_float and v.tensor is not None else None for v in values]
    h = step * (size or 1.0) ** 0.5 / length**0.5
    ends = []
    for sign in (h, -h):
        moved = {i: given(i) for i in element.inputs}
        moved.update({i: moved[i] + sign * t.to(moved[i].dtype) for i, t in incoming.items()})
        torch.manual_seed(seed)
        ends.append(element.replay(moved.__getitem__))
    return [
        ((up - down) / (2 * h)).to(train.values[value].dtype) if up.is_floating_point() else None
        for value, up, down in zip(element.outputs, *ends, strict=True)
    ]


def content(train: Train, index: int) -> torch.Tensor:
    """The kept content of a value.

    Raises
    ------
    ValueError
        If the train was recorded without contents.
    """
    tensor = train.values[index].tensor
    if tensor is None:
        raise ValueError(f"value {index} was not kept")
    return tensor


def _given(train: Train, element: Element, index: int) -> torch.Tensor:
    """What an element may be run on again: batch norm writes running statistics behind torch's own count."""
    own = train.values[index].origin is Origin.CONSTANT and element.family is Family.NORMALISATION
    return content(train, index).clone() if own else content(train, index)


def _devices(train: Train) -> list[torch.device]:
    found = {v.tensor.device for v in train.values if v.tensor is not None}
    return [d for d in found if d.type == "cuda"]

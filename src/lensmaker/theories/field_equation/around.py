"""What stands around a convolution: padding before it, and behind it norms, factors, skips and an activation."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import torch
from torch import Tensor

from lensmaker.systems.networks import Element, Family, Ref, Train
from lensmaker.systems.networks.operations import ELEMENTWISE_ACTIVATIONS
from lensmaker.systems.networks.weights import Weights, named_arguments


class Skip(Enum):
    """What is added to a layer, or what it reads besides the layer before: how time passes."""

    NONE = "no path goes past the layer: what it makes replaces what was"
    EULER = "its own input is added to it: a step of time, which the kernel contains"
    ACTIVATED = (
        "its own input is added behind the activation: a step of time, which the kernel does not contain"
    )
    DELAYED = "another path of the network is added to it: non-local in time"
    MEMORY = "it reads several earlier layers at once: a memory"


class Boundary(Enum):
    """What a layer takes for the field beyond its border."""

    NONE = "nothing: outputs end where the kernel would leave the field"
    ZERO = "zero"
    PERIODIC = "the other side"
    REFLECTING = "the field mirrored"
    REPLICATED = "the value at the border"


@dataclass
class Around:
    """The surroundings of one convolution.

    Attributes
    ----------
    source
        The value that it reads, before any padding of its own.
    padding
        In front of each axis, in positions of the input.
    boundary
        What that padding is.
    scale, shift
        What norms and factors behind it make of each channel: scale·y + shift, float64 (out,).
    skip, activation
        What is added, and the function of each unit that comes next ("" if none does).
    notes
        What could not be folded, in words.
    """

    source: int
    padding: tuple[int, ...]
    boundary: Boundary
    scale: Tensor
    shift: Tensor
    skip: Skip = Skip.NONE
    activation: str = ""
    notes: list[str] = field(default_factory=list)


def followers(train: Train) -> dict[int, list[Element]]:
    """Value → the elements of the network that it flows into."""
    found: dict[int, list[Element]] = defaultdict(list)
    for element in train.before_loss():
        for index in set(element.inputs):
            found[index].append(element)
    return found


def around(element: Element, weights: Weights, train: Train, after: dict[int, list[Element]]) -> Around:
    """The surroundings of a convolution in its train.

    Parameters
    ----------
    element, weights, train
        The convolution, what `weights_of` reads there, and its train.
    after
        What `followers` finds.
    """
    out = _channels(weights)
    source, padding, boundary = _before(element, weights, train)
    bias = torch.zeros(out, dtype=torch.float64)
    if weights.bias is not None:
        bias = weights.bias.detach().to("cpu", torch.float64).flatten()
    found = Around(source, padding, boundary, torch.ones(out, dtype=torch.float64), bias)
    if _joined(source, train):
        found.skip = Skip.MEMORY
    value, behind = element.outputs[0], False
    while (then := after.get(value, ())) and len(then) == 1 and then[0].outputs:
        link = then[0]
        if link.operation == "add" and len(set(train.signal_inputs(link))) == 2:
            _add(link, value, found, train, behind)
            value, behind = link.outputs[0], True
        elif behind or not _fold(link, value, found, train):
            if link.operation in ELEMENTWISE_ACTIVATIONS and not found.activation:
                found.activation, behind = link.operation, True
            elif link.family is not Family.DROPOUT:
                break
        value = link.outputs[0]
    return found


def _channels(weights: Weights) -> int:
    return weights.weight.shape[0]


def _before(element: Element, weights: Weights, train: Train) -> tuple[int, tuple[int, ...], Boundary]:
    source = weights.signal
    padding = tuple(before for before, _ in weights.padding)
    producer = train.values[source].producer
    if producer is not None:
        pad = train.elements[producer]
        if pad.operation == "pad" and pad.where.path == element.where.path:
            a = named_arguments(pad, "input pad mode value")
            before = tuple(a["pad"][::2][::-1][-len(padding) :])
            mode = _MODES.get(a.get("mode", "constant"), Boundary.ZERO)
            return pad.inputs[0], tuple(p + q for p, q in zip(padding, before, strict=True)), mode
    return source, padding, Boundary.ZERO if any(map(any, weights.padding)) else Boundary.NONE


_MODES = {
    "circular": Boundary.PERIODIC,
    "reflect": Boundary.REFLECTING,
    "replicate": Boundary.REPLICATED,
}


def _joined(source: int, train: Train) -> bool:
    """Whether a value is a concatenation, as it is or behind norms and functions of each unit."""
    producer = train.values[source].producer
    while producer is not None:
        element = train.elements[producer]
        if element.operation == "cat":
            return len(train.signal_inputs(element)) > 1
        if element.family not in (Family.NORMALISATION, Family.ACTIVATION, Family.DROPOUT):
            return False
        signals = train.signal_inputs(element)
        producer = train.values[signals[0]].producer if signals else None
    return False


def _add(link: Element, value: int, found: Around, train: Train, behind: bool) -> None:
    a = named_arguments(link, "input other alpha")
    alpha = a.get("alpha", 1)
    other = next(i for i in train.signal_inputs(link) if i != value)
    second = isinstance(a.get("other"), Ref) and a["other"].value == value
    if found.skip is Skip.NONE and not (isinstance(alpha, int | float) and (second or alpha == 1)):
        found.skip = Skip.DELAYED
        found.notes.append("its skip is scaled, and not folded")
    elif found.skip is Skip.NONE:
        own = other == found.source
        found.skip = (Skip.ACTIVATED if behind else Skip.EULER) if own else Skip.DELAYED
        if not behind:
            found.scale, found.shift = found.scale * alpha, found.shift * alpha


def _fold(link: Element, value: int, found: Around, train: Train) -> bool:
    """Take a batch norm, or a factor, into scale and shift."""
    if link.operation == "batch_norm" and link.inputs[0] == value:
        scale, shift = _norm(link, train, found.notes)
    elif link.operation in ("mul", "div") and train.signal_inputs(link) == [value]:
        factor = _factor(link, train, len(found.scale))
        if factor is None:
            return False
        scale, shift = factor, torch.zeros_like(factor)
    else:
        return False
    if scale is None:
        return True
    found.scale, found.shift = found.scale * scale, found.shift * scale + shift
    return True


def _norm(link: Element, train: Train, notes: list[str]) -> tuple[Tensor | None, Tensor]:
    a = named_arguments(link, "input running_mean running_var weight bias training momentum eps")

    def vector(name: str) -> Tensor | None:
        ref = a.get(name)
        content = train.values[ref.value].tensor if isinstance(ref, Ref) else None
        return None if content is None else content.detach().to("cpu", torch.float64)

    mean, variance = vector("running_mean"), vector("running_var")
    if a.get("training") or mean is None or variance is None:
        content = train.values[link.inputs[0]].tensor
        if content is None:
            notes.append(
                "its batch norm is in training mode and its batch was not kept, so it is not folded: call .eval()"
            )
            return None, torch.zeros(())
        x = content.detach().to("cpu", torch.float64).transpose(0, 1).flatten(1)
        mean, variance = x.mean(1), x.var(1, correction=0)
    scale = (variance + a.get("eps", 1e-5)).rsqrt()
    if (gain := vector("weight")) is not None:
        scale = scale * gain
    shift = -mean * scale
    if (bias := vector("bias")) is not None:
        shift = shift + bias
    return scale, shift


def _factor(link: Element, train: Train, channels: int) -> Tensor | None:
    """The factor of each channel, where an element multiplies by a number or by one for each channel."""
    other: Any = next((a for a in link.args[:2] if not _signal(a, train)), None)
    if isinstance(other, Ref):
        content = train.values[other.value].tensor
        fits = content is not None and (
            content.numel() == 1 or (content.numel() == channels and channels in content.shape[:2])
        )
        if content is None or not fits:
            return None
        other = content.detach().to("cpu", torch.float64).flatten()
    elif not isinstance(other, int | float):
        return None
    if link.operation == "div" and not _signal(link.args[0], train):
        return None
    factor = torch.ones(channels, dtype=torch.float64)
    return factor / other if link.operation == "div" else factor * other


def _signal(argument: Any, train: Train) -> bool:
    return isinstance(argument, Ref) and train.values[argument.value].is_signal

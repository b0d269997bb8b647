"""What each kind of element makes of clouds of sensitivity."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from lensmaker.numerics.kernel_moments import moment, tap_positions
from lensmaker.systems.networks import Element, Family, Ref, Train
from lensmaker.systems.networks.operations import ELEMENTWISE_ACTIVATIONS
from lensmaker.systems.networks.weights import each_axis, named_arguments, weights_of
from lensmaker.theories.point_spread.cloud import Cloud, Weighing

Clouds = dict[int, Cloud]


class NoLaw(Exception):
    """An element of which clouds know nothing; the message says why."""


def law(element: Element, train: Train, clouds: Clouds, weighing: Weighing) -> Cloud:
    """The cloud at the first output of an element.

    Raises
    ------
    NoLaw
        If there is no law for it.
    """
    found = _BY_OPERATION.get(element.operation)
    if found is None and element.operation in ELEMENTWISE_ACTIVATIONS:
        found = _activation
    if found is None and element.family is Family.DROPOUT:
        found = _as_it_is
    if found is None:
        raise NoLaw("it has no law")
    return found(element, train, clouds, weighing)


def _convolution(element: Element, train: Train, clouds: Clouds, weighing: Weighing) -> Cloud:
    weights = weights_of(element, train)
    if weights is None or weights.signal not in clouds:
        raise NoLaw("its kernel is no parameter")
    cloud, d = clouds[weights.signal], len(weights.kernel)
    counted = weighing.of(weights.weight.detach().to("cpu", torch.float64))
    counted = counted.unflatten(0, (weights.groups, -1))
    places = [tap_positions(k, dil) for k, dil in zip(weights.kernel, weights.dilation, strict=True)]
    w0, w1, w2 = (moment(counted, places, n) for n in (0, 1, 2))
    half = torch.tensor([float(-z[0]) for z in places], dtype=torch.float64)
    before = torch.tensor([float(b) for b, _ in weights.padding], dtype=torch.float64)
    stride = torch.tensor(weights.stride, dtype=torch.float64)
    if not weights.transposed:
        return cloud.through(w0, w1, w2, half - before, stride)
    # Its kernel reads the input interleaved with zeros: finer positions, of which one phase in stride^d is seen.
    finer = replace(cloud, jump=cloud.jump / stride)
    phases = math.prod(weights.stride)
    return finer.through(
        w0 / phases, w1 / phases, w2 / phases, before - half, torch.ones(d, dtype=torch.float64)
    )


def _batch_norm(element: Element, train: Train, clouds: Clouds, weighing: Weighing) -> Cloud:
    a = named_arguments(element, "input running_mean running_var weight bias training momentum eps")
    cloud, x = _only(element, train, clouds)
    variance = _content(a.get("running_var"), train)
    if a.get("training") or variance is None:
        values = train.values[x].tensor
        if values is None:
            raise NoLaw("the batch that its statistics are of was not kept")
        variance = values.detach().double().transpose(0, 1).flatten(1).var(1, correction=0).cpu()
    scale = (variance + a.get("eps", 1e-5)).rsqrt()
    gain = _content(a.get("weight"), train)
    return cloud.scaled(weighing.of(scale if gain is None else scale * gain))


def _activation(element: Element, train: Train, clouds: Clouds, weighing: Weighing) -> Cloud:
    """The mean, over samples and positions, of what the slope counts in each channel."""
    cloud, index = _only(element, train, clouds)
    content = train.values[index].tensor
    if content is None or content.ndim != cloud.dimension + 2:
        raise NoLaw("what enters it was not kept, or has other axes than samples, channels and positions")
    with torch.enable_grad():
        x = content.detach().clone().requires_grad_()
        y = element.replay(lambda i: x if i == index else train.values[i].tensor)[0]
        if y.shape != x.shape or not y.requires_grad:
            raise NoLaw("it has no slope")
        (slope,) = torch.autograd.grad(y.sum(), x)
    counted = weighing.of(slope.transpose(0, 1).flatten(1).cpu())
    return cloud.scaled(counted.mean(1, dtype=torch.float64))


def _pooling(element: Element, train: Train, clouds: Clouds, weighing: Weighing) -> Cloud:
    """The gradient goes to one of the positions of a maximum, and to all of a mean."""
    cloud, _ = _only(element, train, clouds)
    d, mean = cloud.dimension, element.operation.startswith("avg")
    a = named_arguments(element, "input kernel_size stride padding " + ("ceil_mode" if mean else "dilation"))
    kernel = each_axis(a["kernel_size"], d)
    stride = each_axis(a.get("stride") or kernel, d)
    padding = each_axis(a.get("padding") or 0, d)
    dilation = each_axis(1 if mean else a.get("dilation") or 1, d)
    rows = [
        (dil * dil * (k * k - 1) / 12, dil * (k - 1) / 2 - p, float(s))
        for k, dil, p, s in zip(kernel, dilation, padding, stride, strict=True)
    ]
    smeared = cloud.smeared(*torch.tensor(rows, dtype=torch.float64).T)
    if mean and weighing is Weighing.SQUARED:
        return smeared.scaled(1 / math.prod(kernel))
    return smeared


def _sum(element: Element, train: Train, clouds: Clouds, weighing: Weighing) -> Cloud:
    a = named_arguments(element, "input other alpha")
    factors = {
        "input": 1.0,
        "other": float(a.get("alpha", 1)) * (-1.0 if element.operation == "sub" else 1.0),
    }
    parts = []
    for name, factor in factors.items():
        ref = a.get(name)
        if isinstance(ref, Ref) and ref.value in clouds:
            parts.append(clouds[ref.value].scaled(weighing.of(torch.tensor(factor, dtype=torch.float64))))
        elif isinstance(ref, Ref) and train.values[ref.value].is_signal:
            raise NoLaw("one of its paths has no law")
    if len(parts) == 1:
        return parts[0]
    one, two = parts
    if len(one.mass) != len(two.mass) or not torch.equal(one.jump, two.jump):
        raise NoLaw("its paths have other channels or positions")
    return one.plus(two)


def _product(element: Element, train: Train, clouds: Clouds, weighing: Weighing) -> Cloud:
    cloud, index = _only(element, train, clouds)
    other: Any = next((a for a in element.args[:2] if not (isinstance(a, Ref) and a.value == index)), None)
    if isinstance(other, Ref):
        content = _content(other, train)
        if content is None or content.numel() not in (1, len(cloud.mass)):
            raise NoLaw("its factor is no number of each channel")
        other = content.flatten()
    if not isinstance(other, int | float | Tensor):
        raise NoLaw("its factor is no number of each channel")
    factor = torch.as_tensor(other, dtype=torch.float64)
    if element.operation == "div":
        if not (isinstance(element.args[0], Ref) and element.args[0].value == index):
            raise NoLaw("it divides by the signal")
        factor = 1 / factor
    return cloud.scaled(weighing.of(factor))


def _joined(element: Element, train: Train, clouds: Clouds, weighing: Weighing) -> Cloud:
    dim = named_arguments(element, "tensors dim").get("dim", 0)
    parts = [clouds[i] for i in element.inputs if i in clouds]
    if len(parts) < len(element.inputs) or dim not in (1, -1 - parts[0].dimension):
        raise NoLaw("it does not join channels of known paths")
    if any(not torch.equal(c.jump, parts[0].jump) for c in parts):
        raise NoLaw("its paths have other positions")
    return Cloud.joined(parts)


def _padded(element: Element, train: Train, clouds: Clouds, weighing: Weighing) -> Cloud:
    cloud, _ = _only(element, train, clouds)
    a = named_arguments(element, "input pad mode value")
    before = a["pad"][::2]
    if len(before) != cloud.dimension:
        raise NoLaw("it pads more than positions")
    shift = torch.tensor([float(b) for b in before][::-1], dtype=torch.float64)
    return replace(cloud, origin=cloud.origin - cloud.jump * shift)


def _as_it_is(element: Element, train: Train, clouds: Clouds, weighing: Weighing) -> Cloud:
    return _only(element, train, clouds)[0]


def _only(element: Element, train: Train, clouds: Clouds) -> tuple[Cloud, int]:
    signals = train.signal_inputs(element)
    if len(set(signals)) != 1:
        raise NoLaw("it combines signals")
    if signals[0] not in clouds:
        raise NoLaw("what enters it has no cloud")
    return clouds[signals[0]], signals[0]


def _content(argument: Any, train: Train) -> Tensor | None:
    if not isinstance(argument, Ref) or train.values[argument.value].is_signal:
        return None
    content = train.values[argument.value].tensor
    return None if content is None else content.detach().to("cpu", torch.float64)


_BY_OPERATION: dict[str, Callable[[Element, Train, Clouds, Weighing], Cloud]] = {
    **{f"conv{n}d": _convolution for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": _convolution for n in (1, 2, 3)},
    **{f"{kind}_pool{n}d": _pooling for kind in ("max", "avg") for n in (1, 2, 3)},
    "batch_norm": _batch_norm,
    "add": _sum,
    "sub": _sum,
    "mul": _product,
    "div": _product,
    "cat": _joined,
    "pad": _padded,
    **dict.fromkeys(["contiguous", "clone", "detach", "float", "double", "to", "alias"], _as_it_is),
}

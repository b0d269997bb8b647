"""The laws of the statistical ray: what each family of elements does to a cloud of virtual neurons.

A cloud has the shape (R, *shape) for a recorded tensor of `shape`: R replicas of the network. Only random
linear maps, look-ups and normalisations over the batch need a law; everything else is applied to the cloud
as it is, replica by replica.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lensmaker.systems.networks import Element, Family, Train
from lensmaker.systems.networks.weights import Layout, Weights, named_arguments, weights_of
from lensmaker.theories.statistical_ray.ensemble import Ensemble
from lensmaker.theories.statistical_ray.mixing import mix

Clouds = Callable[[int], Tensor]


class NoLawError(Exception):
    """The ray has no law for an element; the message says why."""


_CASTS = {"to", "float", "double", "half", "bfloat16", "type", "type_as", "cuda", "cpu"}
_DENSE_GROUP = 16
"""Groups with at least this many inputs are mixed as a dense map; smaller ones channel by channel."""


def propagate(element: Element, train: Train, cloud: Clouds, ensemble: Ensemble) -> list[Tensor]:
    """The clouds that leave `element`, given those that enter it.

    Raises
    ------
    NoLawError
        If there is no law for the element.
    """
    if element.family is Family.RECURRENT:
        raise NoLawError(f"{element.operation} has no mean-field law here")
    if element.family is Family.LINEAR:
        weights = weights_of(element, train)
        if weights is None:
            raise NoLawError(f"the weights of this {element.operation} cannot be told from its signal")
        return [_random_map(element, weights, train, cloud, ensemble)]
    if element.operation == "batch_norm":
        return [_batch_norm(element, train, cloud)]
    if element.operation in _CASTS and train.values[element.outputs[0]].is_float:
        return [cloud(train.signal_inputs(element)[0])]
    return replay(element, train, cloud)


def replay(element: Element, train: Train, cloud: Clouds) -> list[Tensor]:
    """The element's own function on every replica of its clouds."""
    signals = list(dict.fromkeys(train.signal_inputs(element)))

    def one_replica(*tensors: Tensor) -> tuple[Tensor, ...]:
        live = dict(zip(signals, tensors, strict=True))
        return tuple(element.replay(lambda i: live[i] if i in live else constant(train, i)))

    with warnings.catch_warnings():
        # vmap falls back to a loop for a few operations and says so; the loop is what is wanted then.
        warnings.filterwarnings("ignore", message=".*performance drop.*")
        return list(torch.vmap(one_replica, randomness="different")(*(cloud(i) for i in signals)))


def constant(train: Train, index: int) -> Tensor:
    """The content of a value that does not depend on the input, in the precision of the clouds."""
    tensor = train.values[index].tensor
    if tensor is None:
        raise NoLawError("a constant of the model's code was not kept")
    return tensor.float() if tensor.is_floating_point() else tensor


# -- random linear maps -----------------------------------------------------------------------------


def _random_map(element: Element, weights: Weights, train: Train, cloud: Clouds, ensemble: Ensemble) -> Tensor:
    sigma_b = 0.0 if weights.bias is None else float(weights.bias.double().square().mean().sqrt())
    if weights.layout is Layout.LOOKUP:
        return _lookup(element, weights, train, ensemble)
    x = cloud(weights.signal)
    if weights.layout is Layout.CHANNELS:
        per_group = weights.weight.shape[1]
        if weights.groups > 1 and per_group < _DENSE_GROUP:
            return _grouped_convolution(x, weights, sigma_b, ensemble)
        return _convolution(x, weights, sigma_b, ensemble)
    if weights.layout is Layout.LABELS:
        raise NoLawError("an einsum of weights and signal")
    if weights.layout is Layout.ROWS:
        return _matrix(x.transpose(-1, -2), weights, sigma_b, ensemble).transpose(-1, -2)
    return _matrix(x, weights, sigma_b, ensemble)


def _matrix(x: Tensor, weights: Weights, sigma_b: float, ensemble: Ensemble) -> Tensor:
    scale = float(weights.weight.double().square().mean().sqrt())
    width = weights.weight.shape[0] // weights.groups
    if weights.groups == 1:
        rows = x.reshape(x.shape[0], -1, x.shape[-1]) * scale
        return mix(rows, width, ensemble, sigma_b).reshape(*x.shape[:-1], width)
    parts = [mix(part * scale, width, ensemble) for part in x.reshape(x.shape[0], weights.groups, -1, x.shape[-1]).unbind(1)]
    return torch.stack(parts, 1).reshape(*x.shape[:-1], width)


def _convolution(x: Tensor, weights: Weights, sigma_b: float, ensemble: Ensemble) -> Tensor:
    """A dense convolution: every kernel position is a random matrix of its own second moment.

    With A(i) the concatenation over offsets δ of √⟨w_δ²⟩ x(i + δ), the output clouds have the second moments
    ⟨y(i) y(j)⟩ = Σ_δ C_in ⟨w_δ²⟩ ⟨x(i+δ) x(j+δ)⟩ + σ_b², padding included.
    """
    axes = len(weights.kernel)
    channels_last = x.movedim(-axes - 1, -1)
    stride = weights.stride
    if weights.transposed:
        channels_last = _interleave_and_pad(channels_last, weights)
        stride = (1,) * axes
    else:
        channels_last = _pad(channels_last, weights.padding)
    sizes = channels_last.shape[-axes - 1 : -1]
    outputs = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, d, s in zip(sizes, weights.kernel, weights.dilation, stride, strict=True)
    ]
    # ⟨w²⟩ over output and input channels, for each offset; a group sees its own share of the channels alone.
    moments = weights.weight.double().square().mean((0, 1)) / weights.groups
    shifted = []
    for offset in itertools.product(*(range(k) for k in weights.kernel)):
        window = tuple(
            slice(o * d, o * d + s * (n - 1) + 1, s)
            for o, d, s, n in zip(offset, weights.dilation, stride, outputs, strict=True)
        )
        shifted.append(channels_last[(..., *window, slice(None))] * math.sqrt(float(moments[offset])))
    patches = torch.cat(shifted, -1)
    width = weights.weight.shape[0]
    rows = patches.reshape(patches.shape[0], -1, patches.shape[-1])
    y = mix(rows, width, ensemble, sigma_b)
    return y.reshape(*patches.shape[:-1], width).movedim(-1, -axes - 1)


def _grouped_convolution(x: Tensor, weights: Weights, sigma_b: float, ensemble: Ensemble) -> Tensor:
    """A convolution of few channels at a time: random kernels of the same second moments, one for each replica."""
    axes = len(weights.kernel)
    replicas = x.shape[0]
    moments = weights.weight.double().square().mean((0, 1)).sqrt().float()
    kernels = ensemble.normal(replicas, *weights.weight.shape) * moments
    folded = x.movedim(0, -axes - 2)  # (…, R, C, *space) with the replicas beside the channels
    folded = folded.flatten(-axes - 2, -axes - 1)
    stride: tuple[int, ...] = weights.stride
    if weights.transposed:
        folded = _interleave_and_pad(folded.movedim(-axes - 1, -1), weights).movedim(-1, -axes - 1)
        stride = (1,) * axes
    else:
        folded = F.pad(folded, [p for sides in reversed(weights.padding) for p in sides])
    convolve = (F.conv1d, F.conv2d, F.conv3d)[axes - 1]
    y = convolve(
        folded, kernels.flatten(0, 1), None, stride, 0, weights.dilation, groups=replicas * weights.groups
    )
    y = y.unflatten(-axes - 1, (replicas, -1)).movedim(-axes - 2, 0)
    if sigma_b:
        y = y + sigma_b * ensemble.normal(replicas, 1, y.shape[-axes - 1], *(1,) * axes)
    return y


def _pad(channels_last: Tensor, padding: tuple[tuple[int, int], ...]) -> Tensor:
    if not any(p for sides in padding for p in sides):
        return channels_last
    return F.pad(channels_last, [0, 0, *(p for sides in reversed(padding) for p in sides)])


def _interleave_and_pad(channels_last: Tensor, weights: Weights) -> Tensor:
    """Write a transposed convolution as a direct one: zeros between the inputs, then the full padding."""
    axes = len(weights.kernel)
    x = channels_last
    for axis, s in enumerate(weights.stride):
        if s > 1:
            position = x.ndim - 1 - axes + axis
            zeros = torch.zeros_like(x).unsqueeze(position + 1)
            x = torch.cat([x.unsqueeze(position + 1), *[zeros] * (s - 1)], position + 1).flatten(position, position + 1)
            x = x.narrow(position, 0, x.shape[position] - (s - 1))
    sides = [
        (d * (k - 1) - before, d * (k - 1) - after + extra)
        for k, d, (before, after), extra in zip(
            weights.kernel, weights.dilation, weights.padding, weights.output_padding, strict=True
        )
    ]
    return F.pad(x, [0, 0, *(p for pair in reversed(sides) for p in pair)])


def _lookup(element: Element, weights: Weights, train: Train, ensemble: Ensemble) -> Tensor:
    """Rows of an embedding: different tokens are orthogonal in the mean, each with its own second moment."""
    tokens = constant(train, weights.signal)
    width = weights.weight.shape[0]
    unique, place = torch.unique(tokens, return_inverse=True)
    sizes = weights.weight[:, unique].double().square().mean(0).sqrt().float()
    rows = ensemble.normal(ensemble.replicas, len(unique), width)
    if ensemble.pooled and len(unique) <= min(_EXACT_TOKENS, ensemble.replicas * width):
        rows = mix(torch.eye(len(unique)).expand(ensemble.replicas, -1, -1), width, ensemble)
    else:
        axes = (0, 2) if ensemble.pooled else (2,)
        rows = rows / rows.square().mean(axes, keepdim=True).sqrt()
    return (rows * sizes[:, None])[:, place]


_EXACT_TOKENS = 512


# -- statistics over the batch ----------------------------------------------------------------------


def _batch_norm(element: Element, train: Train, cloud: Clouds) -> Tensor:
    """Batch normalisation of each replica by its own statistics, or by the running ones in evaluation."""
    a = named_arguments(element, "input running_mean running_var weight bias training momentum eps")
    scale, shift, mean, variance = (
        constant(train, a[name].value) if a.get(name) is not None else None
        for name in ("weight", "bias", "running_mean", "running_var")
    )
    eps = a.get("eps", 1e-5)
    live = bool(a.get("training", False))

    def one_replica(x: Tensor) -> Tensor:
        if live:
            return F.batch_norm(x, None, None, scale, shift, True, 0.0, eps)
        return F.batch_norm(x, mean, variance, scale, shift, False, 0.0, eps)

    return torch.vmap(one_replica)(cloud(a["input"].value))

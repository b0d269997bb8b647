"""The laws of the statistical ray: what each family of elements does to a cloud of virtual neurons.

A cloud has the shape (R, *shape) for a recorded tensor of `shape`: R replicas of the network. Only random
linear maps, look-ups and normalisations over the batch need a law; everything else is applied to the cloud
as it is, replica by replica.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from lensmaker.systems.networks import Element, Family, Train
from lensmaker.systems.networks.operations import ELEMENTWISE_ACTIVATIONS, WRITERS
from lensmaker.systems.networks.weights import Layout, Weights, equation_of, named_arguments, weights_of
from lensmaker.theories.statistical_ray.batch_statistics import batch_statistics
from lensmaker.theories.statistical_ray.contracting import contract
from lensmaker.theories.statistical_ray.convolving import convolve, direct_padding
from lensmaker.theories.statistical_ray.duals import scaled, shifted
from lensmaker.theories.statistical_ray.ensemble import Ensemble
from lensmaker.theories.statistical_ray.kernels import random_kernels
from lensmaker.theories.statistical_ray.mixing import mix

Clouds = Callable[[int], Tensor]


class NoLawError(Exception):
    """The ray has no law for an element; the message says why."""


_CASTS = {"to", "float", "double", "half", "bfloat16", "type", "type_as", "cuda", "cpu"}
_DENSE_GROUP = 16
"""Groups with at least this many inputs are mixed as a dense map; smaller ones channel by channel."""


_FEW_CHANNELS = 512
"""Fewer virtual channels than these that come in pass kernels drawn one by one: their distribution is felt."""

_MOST_PAIRS = 2**26
"""Most products of two clouds."""

_FEW_REPLICAS = 4
"""So few replicas are networks, and no wide layer: their gradients come back through the very same kernels."""


def propagate(element: Element, train: Train, cloud: Clouds, ensemble: Ensemble) -> list[Tensor]:
    """The clouds that leave `element`, given those that enter it.

    Raises
    ------
    NoLawError
        If there is no law for the element.
    """
    if element.family is Family.RECURRENT:
        raise NoLawError(f"{element.operation} has no mean-field law here")
    if not element.inputs:
        raise NoLawError("a scripted or transformed function made it")
    if element.family is Family.LINEAR:
        weights = weights_of(element, train)
        if weights is None:
            raise NoLawError(f"the weights of this {element.operation} cannot be told from its signal")
        y = _random_map(element, weights, train, cloud, ensemble)
        return [shifted(y, common) if (common := _common(weights.bias)) else y]
    if element.family is Family.DROPOUT and _kept(element, train) < 1:
        raise NoLawError("it keeps less than one number of a sample")
    if element.operation == "batch_norm":
        return [_batch_norm(element, train, cloud, ensemble)]
    if element.operation in _CASTS and train.values[element.outputs[0]].is_float:
        return [cloud(train.signal_inputs(element)[0])]
    return replay(element, train, cloud, ensemble)


def replay(element: Element, train: Train, cloud: Clouds, ensemble: Ensemble) -> list[Tensor]:
    """The element's own function on every replica of its clouds."""
    if element.operation == "view" and not isinstance(element.args[-1], torch.dtype):
        # A cloud may lie otherwise in memory than the signal it stands for.
        element = replace(element, function=torch.Tensor.reshape)
    # What is written into belongs to each replica, be it constant before.
    writes = element.operation in WRITERS or element.mutates
    target = element.inputs[:1] if writes and element.family is not Family.NORMALISATION else ()
    signals = list(dict.fromkeys((*target, *train.signal_inputs(element))))
    clouds = [_of_each(i, train, cloud, ensemble) for i in signals]
    if element.operation in ELEMENTWISE_ACTIVATIONS and len(element.inputs) == 1:
        return list(element.replay({signals[0]: clouds[0]}.__getitem__))
    if element.family is Family.NORMALISATION:  # vmap's group normalisation asks for memory in order
        clouds = [c.contiguous() for c in clouds]
    if ensemble.replicas == 1:
        live = dict(zip(signals, (c.squeeze(0) for c in clouds), strict=True))
        found = element.replay(lambda i: live[i] if i in live else constant(train, i))
        return [c.unsqueeze(0) for c in found]

    def one_replica(*tensors: Tensor) -> tuple[Tensor, ...]:
        live = dict(zip(signals, tensors, strict=True))
        return tuple(element.replay(lambda i: live[i] if i in live else constant(train, i)))

    with warnings.catch_warnings():
        # vmap falls back to a loop for a few operations and says so; the loop is what is wanted then.
        warnings.filterwarnings("ignore", message=".*performance drop.*")
        return list(torch.vmap(one_replica, randomness="different")(*clouds))


def _of_each(index: int, train: Train, cloud: Clouds, ensemble: Ensemble) -> Tensor:
    """The cloud of a value; of a constant the same for each replica."""
    content = cloud(index)
    return content if train.values[index].is_signal else content.expand(ensemble.replicas, *content.shape)


def _kept(element: Element, train: Train) -> float:
    """How many numbers of a sample a dropout leaves in the mean."""
    a = named_arguments(element, "input p training inplace")
    numbers = math.prod(train.values[element.outputs[0]].shape) / train.samples
    return numbers * (1 - a.get("p", 0.5)) if a.get("training", True) else numbers


def constant(train: Train, index: int) -> Tensor:
    """The content of a value that does not depend on the input, in the precision of the clouds."""
    tensor = train.values[index].tensor
    if tensor is None:
        raise NoLawError("a constant of the model's code was not kept")
    return tensor.float() if tensor.is_floating_point() else tensor


# -- random linear maps -----------------------------------------------------------------------------


def _random_map(
    element: Element, weights: Weights, train: Train, cloud: Clouds, ensemble: Ensemble
) -> Tensor:
    bias = None if weights.bias is None else weights.bias.double() - _common(weights.bias)
    sigma_b = 0.0 if bias is None else float(bias.square().mean().sqrt())
    if weights.layout is Layout.LOOKUP:
        rows = _lookup(weights, train, ensemble)
        if element.operation == "embedding_bag":
            of_sum = named_arguments(element, "input weight offsets max_norm norm_type scale mode").get(
                "mode"
            )
            return rows.sum(2) if of_sum == "sum" else rows.mean(2)
        return rows
    square = mean_square(weights.weight.detach().flatten(1))
    if _sum_to_zero(weights.weight, square):
        raise NoLawError("the weights of each of its units sum to zero, as independent ones do not")
    x = _of_each(weights.signal, train, cloud, ensemble)
    if weights.layout is Layout.CHANNELS:
        per_group = weights.weight.shape[1]
        sparse = weights.groups > 1 and per_group < _DENSE_GROUP
        few_in = ensemble.replicas * per_group * weights.groups < _FEW_CHANNELS
        few_out = ensemble.replicas * weights.weight.shape[0] < _FEW_CHANNELS
        alone = few_out and ensemble.replicas <= _FEW_REPLICAS
        if sparse or not ensemble.pooled or few_in or alone:
            return _kernels(x, weights, sigma_b, ensemble)
        return convolve(x, weights, sigma_b, ensemble)
    if weights.layout is Layout.LABELS:
        labels = equation_of(element, train)
        if labels is None or weights.weight.is_complex() or len(set(labels.signal)) < len(labels.signal):
            raise NoLawError("an einsum of another kind")
        return contract(x, labels, weights, train.values[element.outputs[0]].shape, ensemble)
    if weights.layout is Layout.PAIRS:
        other = _of_each(element.args[1].value, train, cloud, ensemble)
        if x.numel() * other.shape[-1] > _MOST_PAIRS:
            raise NoLawError("more products of its two inputs than are affordable")
        pairs = (x.unsqueeze(-1) * other.unsqueeze(-2)).flatten(-2)
        return _matrix(pairs, weights, square**0.5, sigma_b, ensemble)
    if weights.layout is Layout.ROWS:
        return _matrix(x.transpose(-1, -2), weights, square**0.5, sigma_b, ensemble).transpose(-1, -2)
    y = _matrix(x, weights, square**0.5, sigma_b, ensemble)
    return y.reshape(len(y), *train.values[element.outputs[0]].shape) if y.shape[-1] == 1 else y


def _common(bias: Tensor | None) -> float:
    """The mean of biases that do not have mean zero: the same at each unit, it adds up along a residual stream."""
    if bias is None:
        return 0.0
    mean, square = float(bias.double().mean()), float(bias.double().square().mean())
    return mean if bias.numel() * mean**2 > _BY_CHANCE * square else 0.0


_BY_CHANCE = 16
"""Squared mean over its variance below which it is one of random biases: four standard errors."""


def mean_square(rows: Tensor) -> float:
    """⟨w²⟩ of a matrix, row by row in its own precision where that has the range for it.

    Examples
    --------
    >>> round(mean_square(torch.tensor([[3.0, 4.0], [0.0, 5e-30]])), 6)
    6.25
    """
    lengths = torch.linalg.vector_norm(rows, dim=1) if rows.dtype == torch.float32 else torch.zeros(1)
    if bool(((lengths > _SHORT) & (lengths < _LONG)).all()):
        return float(lengths.double().square().sum()) / rows.numel()
    return float(rows.double().square().mean())


_SHORT, _LONG = 1e-13, 1e13
"""Lengths between which squares in single precision neither vanish nor overflow."""


def _sum_to_zero(weight: Tensor, square: float) -> bool:
    """Whether (Σ_j w_ij)² is far below Σ_j w_ij², `square` in the mean: standardised weights feel no mean of x."""
    rows = weight.detach().flatten(1)
    sums = rows.sum(1).double()
    return len(rows) >= _TELLING and float(sums.square().sum()) < _NO_SUM * rows.numel() * square


_TELLING, _NO_SUM = 16, 0.03
"""Of 16 independent rows, the squared sums are below 3 % of their mean once in 10¹⁰ matrices."""


def _matrix(x: Tensor, weights: Weights, scale: float, sigma_b: float, ensemble: Ensemble) -> Tensor:
    width = weights.weight.shape[0] // weights.groups
    if weights.groups == 1:
        return mix(x, scale, width, ensemble, sigma_b)
    if x.ndim < 4 or x.shape[-3] not in (1, weights.groups):
        raise NoLawError("a stack of matrices on several axes")
    blocks = x.expand(*x.shape[:-3], weights.groups, *x.shape[-2:]).unbind(-3)
    return torch.stack([mix(block, scale, width, ensemble) for block in blocks], -3)


def _kernels(x: Tensor, weights: Weights, sigma_b: float, ensemble: Ensemble) -> Tensor:
    """A convolution by random kernels and biases, drawn for each replica."""
    axes, replicas = len(weights.kernel), x.shape[0]
    kernels, biases = random_kernels(weights, sigma_b, replicas, ensemble.stream())
    folded = x.movedim(0, -axes - 2).flatten(-axes - 2, -axes - 1)  # the replicas beside the channels
    stride: tuple[int, ...] = weights.stride
    sides = weights.padding
    if weights.transposed:
        folded, stride, sides = _interleaved(folded, weights), (1,) * axes, direct_padding(weights)
    folded = F.pad(folded, [p for pair in reversed(sides) for p in pair])
    function = (F.conv1d, F.conv2d, F.conv3d)[axes - 1]
    y = function(folded, kernels, biases, stride, 0, weights.dilation, replicas * weights.groups)
    return y.unflatten(-axes - 1, (replicas, -1)).movedim(-axes - 2, 0)


def _interleaved(x: Tensor, weights: Weights) -> Tensor:
    """Zeros between the inputs, as a transposed convolution written as a direct one sees them."""
    first = x.ndim - len(weights.kernel)
    for axis, s in enumerate(weights.stride, first):
        if s > 1:
            x = torch.stack([x, *[torch.zeros_like(x)] * (s - 1)], axis + 1).flatten(axis, axis + 1)
            x = x.narrow(axis, 0, x.shape[axis] - (s - 1))
    return x


def _lookup(weights: Weights, train: Train, ensemble: Ensemble) -> Tensor:
    """Rows of an embedding: those of different tokens are independent, each has its actual second moment."""
    tokens = constant(train, weights.signal)
    width = weights.weight.shape[0]
    unique, place = torch.unique(tokens, return_inverse=True)
    sizes = weights.weight[:, unique].double().square().mean(0).sqrt().float()
    if ensemble.repeated is None:
        rows = ensemble.normal(ensemble.replicas, len(unique), width)
    else:
        tables = [replace(ensemble, repeated=ensemble.repeated + int(token)).stream() for token in unique]
        rows = torch.stack([table.normal(ensemble.replicas, width) for table in tables], 1)
    rows = rows / rows.square().mean(2, keepdim=True).sqrt()
    return (rows * sizes[:, None])[:, place]


# -- statistics over the batch ----------------------------------------------------------------------


def _batch_norm(element: Element, train: Train, cloud: Clouds, ensemble: Ensemble) -> Tensor:
    """Batch normalisation by the statistics of the whole batch, or by the running ones in evaluation."""
    a = named_arguments(element, "input running_mean running_var weight bias training momentum eps")
    x = cloud(a["input"].value)

    def of_channels(name: str) -> Tensor:
        return constant(train, a[name].value).view(-1, *(1,) * (x.ndim - 3))

    if a.get("training", False) or a.get("running_mean") is None:
        mean, variance = batch_statistics(x, ensemble.samples * x.shape[1] // train.samples, ensemble)
    else:
        mean, variance = of_channels("running_mean"), of_channels("running_var")
    factor = torch.rsqrt(shifted(variance, a.get("eps", 1e-5)))
    if a.get("weight") is not None:
        factor = scaled(factor, of_channels("weight"))
    y = (x - mean) * factor
    return y if a.get("bias") is None else shifted(y, of_channels("bias"))

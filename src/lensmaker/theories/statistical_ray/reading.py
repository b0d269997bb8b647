"""What a passing ray shows: the standard quantities, for each replica and each probe."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.systems.networks import Element, Family
from lensmaker.systems.networks.operations import ELEMENTWISE_ACTIVATIONS
from lensmaker.systems.networks.weights import named_arguments
from lensmaker.theories.statistical_ray.walk import Passage

SATURATED_SLOPE = 0.05
"""Slope, relative to the largest, below which a unit counts as saturated."""

DEAD_PROBES = 16
"""For how many samples a unit is zero that counts as dead; where the ray follows fewer, it does not say."""


@dataclass(frozen=True)
class Reading:
    """A quantity read off the ray, as parts that can be averaged over replicas and over probes.

    The value is Σ numerator / Σ denominator, both of shape (R, P), or (R, 1) where probes cannot be told
    apart. For the correlation they are sums over the pairs that a probe takes part in, so that leaving
    one probe out is exact. `step` is the smallest change of a fraction of so many units: its spread is not
    less than half of that.
    """

    name: str
    numerator: Tensor
    denominator: Tensor
    pairs: Tensor | None = None
    step: float = 0.0

    @property
    def value(self) -> float:
        """Of the pooled ensemble."""
        return float(self.numerator.sum() / self.denominator.sum())


def read(passage: Passage, probes: int, samples: int, pooled: bool = False) -> list[Reading]:
    """Every standard quantity that the passage of so many probes, of all samples, shows.

    Of a pooled cloud, the replicas are one wide layer. What has no entries shows nothing.
    """
    x = passage.output
    if not x.numel():
        return []
    sample = _sample_axis(tuple(x.shape), probes)
    rows, scale = _scaled(_by_sample(x, sample))
    products = (rows @ rows.mT).double() / rows.shape[-1]
    square = products.diagonal(dim1=-2, dim2=-1) * scale**2
    mean = rows.sum(-1).double() / rows.shape[-1] * scale
    ones = torch.ones_like(square)
    readings = [
        Reading("second_moment", square, ones),
        Reading("mean", mean, ones),
        Reading("variance", square - mean.mean(1, keepdim=True).square(), ones),
    ]
    if rows.shape[1] == probes > 1 and bool(square.any()):
        # Two numbers have the cosine ±1, in every network; a layer of one unit is not a wide one.
        readings.append(_correlation(products, pooled and rows.shape[-1] > 1))
    words = _words(passage, x, sample)
    if words is not None and words.shape[2] > 1:
        readings.append(_token_correlation(words))
    readings += _tangents(passage, sample)
    if passage.gradient is not None:
        gradient = _squares(_by_sample(passage.gradient, sample))
        readings.append(Reading("gradient", gradient, torch.ones_like(gradient)))
    if passage.element.operation in ELEMENTWISE_ACTIVATIONS:
        zero = _zeros(rows).mean(-1).double()
        readings.append(Reading("zero_fraction", zero, torch.ones_like(zero), step=1 / rows[0].numel()))
        if sample is not None and probes >= min(DEAD_PROBES, samples):
            readings.append(_dead(x.narrow(sample, 0, min(probes, DEAD_PROBES)), zero, passage.units + 1))
        readings += _saturation(passage, sample)
    readings += _entropy(passage, sample)
    return readings


def _scaled(x: Tensor) -> tuple[Tensor, float]:
    """The tensor in single precision, over a power of two where its squares would leave that; the power."""
    x = x.float()
    largest = max(abs(float(end)) for end in torch.aminmax(x)) if x.numel() else 0.0
    if _SMALL < largest < 1 / _SMALL or not 0 < largest < math.inf:
        return x, 1.0
    power = 2.0 ** math.floor(math.log2(largest))
    return x / power, power


_SMALL = 1e-8


def _zeros(x: Tensor) -> Tensor:
    """One where an entry is zero: counted in floats, which sum many times faster than booleans."""
    return torch.eq(x, 0, out=torch.empty(x.shape))


def _squares(rows: Tensor) -> Tensor:
    """Mean square along the last axis, in double precision."""
    square = torch.linalg.vecdot(rows, rows) if rows.dtype == torch.float32 else torch.zeros(1)
    if not bool(((square > _SMALL**2) & (square < _SMALL**-2)).all()):
        rows, scale = _scaled(rows)
        return torch.linalg.vecdot(rows, rows).double() * (scale**2 / rows.shape[-1])
    return square.double() / rows.shape[-1]


def _sample_axis(shape: tuple[int, ...], probes: int) -> int | None:
    """The axis (after that of the replicas) of the probes; None where they are merged with others."""
    for axis in (1, 2):
        if len(shape) > axis and shape[axis] == probes:
            return axis
    return None


def _by_sample(x: Tensor, sample: int | None) -> Tensor:
    """(R, P, everything else), or (R, 1, everything)."""
    if sample is None:
        return x.reshape(x.shape[0], 1, -1)
    return x.movedim(sample, 1).reshape(x.shape[0], x.shape[sample], -1)


def _correlation(products: Tensor, pooled: bool) -> Reading:
    if pooled:  # the replicas are one layer
        products = products.sum(0, keepdim=True)
    sizes = products.diagonal(dim1=-2, dim2=-1).sqrt().clamp_min(torch.finfo(products.dtype).tiny)
    cosines = products / sizes.unsqueeze(-1) / sizes.unsqueeze(-2)
    cosines = cosines - torch.diag_embed(cosines.diagonal(dim1=-2, dim2=-1))
    rows = cosines.sum(-1)
    return Reading("correlation", rows, torch.full_like(rows, products.shape[-1] - 1), cosines)


def _words(passage: Passage, x: Tensor, sample: int | None) -> Tensor | None:
    """The output as (R, P, tokens, features), the heads of an attention together; None where it is no sequence.

    The channels of a one-dimensional convolution are no tokens.
    """
    if passage.element.operation == "scaled_dot_product_attention" and x.ndim == 5 and sample == 1:
        return x.transpose(2, 3).flatten(3)
    if x.ndim != 4 or sample is None:
        return None
    if passage.element.family is Family.POOLING or passage.units != x.ndim - 2:
        return None
    return x if sample == 1 else x.transpose(1, 2)


def _token_correlation(x: Tensor) -> Reading:
    x, _ = _scaled(x)
    unit = x / torch.linalg.vector_norm(x, dim=-1, keepdim=True).clamp_min(torch.finfo(x.dtype).tiny)
    tokens = x.shape[2]
    total = unit.sum(2).double()
    cosine = (torch.linalg.vecdot(total, total) - torch.linalg.vecdot(unit, unit).double().sum(-1)) / (
        tokens * (tokens - 1)
    )
    return Reading("token_correlation", cosine, torch.ones_like(cosine))


def _tangents(passage: Passage, sample: int | None) -> list[Reading]:
    if passage.tangent is None:
        return []
    out = _squares(_by_sample(passage.tangent, sample))
    readings = [Reading("tangent", out, torch.ones_like(out))]
    before = passage.input_tangent
    if before is not None and before.numel():
        if (
            sample is not None
            and before.ndim > sample
            and before.shape[sample] == passage.output.shape[sample]
        ):
            readings.append(Reading("chi", out, _squares(_by_sample(before, sample))))
        else:
            readings.append(Reading("chi", out.mean(1, keepdim=True), _squares(_by_sample(before, None))))
    return readings


def _dead(x: Tensor, zero: Tensor, unit: int) -> Reading:
    """Units (channels of images) that are zero for every probe at every position."""
    if float(zero.max()) == 0:
        fraction = torch.zeros_like(zero[:, :1])
    else:
        silent = (x == 0).all(tuple(a for a in range(1, x.ndim) if a != unit)) if x.ndim > 2 else (x == 0)
        fraction = silent.double().mean(1, keepdim=True)
    return Reading("dead_fraction", fraction, torch.ones_like(fraction), step=1 / x.shape[unit])


def _saturation(passage: Passage, sample: int | None) -> list[Reading]:
    element = passage.element
    if len(element.inputs) > 1 or not passage.inputs:
        return []
    x = passage.inputs[0]
    rows = _by_sample(x, sample)
    some = rows[..., : max(_SLOPES // (rows.shape[0] * rows.shape[1]), 16)]
    # The largest slope is sought on a grid, beside the slopes at the cloud's own entries.
    grid = torch.linspace(-8.0, 8.0, 4001)
    slope = _slope(element, torch.cat([some.flatten(), grid]))
    if slope is None:
        return []
    slope, grid = slope[:-4001].view(some.shape), slope[-4001:]
    low = slope.abs() < SATURATED_SLOPE * grid.abs().max()
    fraction = low.float().mean(-1).double()
    return [Reading("saturation", fraction, torch.ones_like(fraction))]


_SLOPES = 2**16
"""Most slopes of an activation that are looked at."""


def _slope(element: Element, x: Tensor) -> Tensor | None:
    live = x.detach().clone().requires_grad_()
    index = element.inputs[0]
    with torch.enable_grad():
        (y, *_) = element.replay({index: live}.__getitem__)
        if not y.requires_grad:
            return None
        return torch.autograd.grad(y.sum(), live)[0]


def _entropy(passage: Passage, sample: int | None) -> list[Reading]:
    weights = attention_weights(passage)
    if weights is None:
        return []
    entropy = torch.special.entr(weights).sum(-1)
    by_sample = _by_sample(
        entropy, _sample_axis(tuple(entropy.shape), passage.output.shape[1]) if sample else None
    )
    value = by_sample.mean(-1)
    return [Reading("attention_entropy", value, torch.ones_like(value))]


def attention_weights(passage: Passage) -> Tensor | None:
    """softmax(q kᵀ·scale + mask) of an attention element, or the output of a softmax over its last axis."""
    element = passage.element
    if element.operation == "softmax":
        x = passage.output.double()
        sums = x.sum(-1)
        return x if x.ndim >= 4 and bool((sums - 1).abs().max() < 1e-3) else None
    if element.operation != "scaled_dot_product_attention":
        return None
    arguments = named_arguments(element, "query key value attn_mask dropout_p is_causal")
    query, key = passage.inputs[0].double(), passage.inputs[1].double()
    if key.shape[-3] != query.shape[-3]:  # grouped queries share their keys
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
    scale = arguments.get("scale") or query.shape[-1] ** -0.5
    logits = query @ key.mT * scale
    mask = passage.mask
    if arguments.get("is_causal"):
        mask = torch.ones(logits.shape[-2:], dtype=torch.bool).tril()
    if mask is not None:
        logits = logits.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else logits + mask.double()
    return logits.softmax(-1).nan_to_num()

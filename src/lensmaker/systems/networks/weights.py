"""The weights of a linear element in one canonical form, however the network spells the product."""

from __future__ import annotations

import math
import string
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import torch

from lensmaker.systems.networks.operations import Family
from lensmaker.systems.networks.train import Element, Ref, Train

Sides = tuple[tuple[int, int], ...]


class Layout(Enum):
    """Where in the signal the units are that the weights mix."""

    LAST = "on its last axis (linear, addmm, x @ W); with groups, one matrix for each leading index"
    ROWS = "on the axis before the last (W @ x); with groups, one matrix for each leading index"
    CHANNELS = "on the axis before the spatial ones (convolutions)"
    LOOKUP = "integers that choose columns of the weight (embedding)"
    LABELS = "on the axes that the equation of an einsum names"
    PAIRS = "on the last axes of two signals, whose products are mixed (bilinear)"


@dataclass(frozen=True)
class Weights:
    """The affine map y = W x + b of an element.

    Attributes
    ----------
    weight
        W as (out, in/groups, *kernel), a view or copy of what the element used. Kernels are those of a
        cross-correlation. A transposed convolution is written as the direct one that it equals: x is
        interleaved with `stride` − 1 zeros, padded by dilation·(kernel − 1) − padding on both sides
        (and by `output_padding` more at the end), and correlated with the weight at stride 1; for
        this the stored kernel is flipped in space and its channels are exchanged.
    bias
        b as (out,), or as the element spells it where it is no vector; None without one.
    fan_in
        Inputs summed by one output, in the mean: in/groups·kernel; for a transposed convolution that
        over the stride, for an embedding 1.
    fan_out
        Outputs that one input reaches, in the mean: out/groups·kernel; for a direct convolution that
        over the stride.
    layout
        Where the units are in the signal.
    groups
        Number of blocks that do not mix.
    kernel, stride, padding, dilation, output_padding
        For each spatial axis; padding as (before, after); all empty without spatial axes.
    transposed
        Whether the element is a transposed convolution.
    signal
        Index of the value that W acts on.
    """

    weight: torch.Tensor
    bias: torch.Tensor | None
    fan_in: float
    fan_out: float
    layout: Layout
    signal: int
    groups: int = 1
    kernel: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    padding: Sides = ()
    dilation: tuple[int, ...] = ()
    transposed: bool = False
    output_padding: tuple[int, ...] = ()


def weights_of(element: Element, train: Train) -> Weights | None:
    """The weights of `element`; None where it is not an affine map of one signal by known weights.

    Examples
    --------
    >>> from lensmaker.systems.networks import record
    >>> train = record(torch.nn.Conv2d(6, 4, 3, stride=2, groups=2), torch.ones(1, 6, 9, 9))
    >>> w = weights_of(train.elements[0], train)
    >>> tuple(w.weight.shape), w.fan_in, w.fan_out, w.padding
    ((4, 3, 3, 3), 27, 4.5, ((0, 0), (0, 0)))
    """
    if element.family is Family.ATTENTION and train.weight_inputs(element):
        return None  # learned queries, handed to each sample
    read = _READERS.get(element.operation)
    return None if read is None else read(element, train)


def named_arguments(element: Element, names: str) -> dict[str, Any]:
    """The arguments of `element` by name, given the names of its positional ones.

    Examples
    --------
    >>> from lensmaker.systems.networks import record
    >>> train = record(torch.nn.AvgPool2d(2, stride=1), torch.ones(1, 1, 4, 4))
    >>> named_arguments(train.elements[0], "input kernel_size stride")["stride"]
    1
    """
    return {**dict(zip(names.split(), element.args, strict=False)), **element.kwargs}


def each_axis(value: Any, axes: int) -> tuple[int, ...]:
    """One integer for each spatial axis, as torch spells kernel sizes and strides.

    Examples
    --------
    >>> each_axis(2, 3), each_axis([3], 2), each_axis((1, 2), 2)
    ((2, 2, 2), (3, 3), (1, 2))
    """
    numbers = (value,) if isinstance(value, int) else tuple(value)
    return numbers * axes if len(numbers) == 1 else numbers


# -- products with a matrix -------------------------------------------------------------------------


def _linear(element: Element, train: Train) -> Weights | None:
    a = named_arguments(element, "input weight bias")
    weight = _content(a["weight"], train)
    if weight is None or _is_signal(a.get("bias"), train):
        return None
    return _matrix(torch.atleast_2d(weight), _content(a.get("bias"), train), Layout.LAST, a["input"])


def _bilinear(element: Element, train: Train) -> Weights | None:
    a = named_arguments(element, "left right weight bias")
    weight = _content(a["weight"], train)
    if weight is None:
        return None
    return _matrix(weight.flatten(1), _content(a.get("bias"), train), Layout.PAIRS, a["left"])


def _embedding(element: Element, train: Train) -> Weights | None:
    a = named_arguments(element, "input weight padding_idx max_norm norm_type")
    weight = _content(a["weight"], train)
    if weight is None:
        return None
    if (most := a.get("max_norm")) is not None:  # rows are cut to that length where they are looked up
        norms = torch.linalg.vector_norm(weight, a.get("norm_type", 2.0), 1, keepdim=True)
        weight = weight * (most / (norms + 1e-7)).clamp(max=1)
    return Weights(weight.T, None, 1, 1, Layout.LOOKUP, a["input"].value)


def _bag(element: Element, train: Train) -> Weights | None:
    a = named_arguments(
        element, "input weight offsets max_norm norm_type scale_grad_by_freq mode sparse per_sample_weights"
    )
    weight = _content(a["weight"], train)
    bags = len(train.values[a["input"].value].shape) == 2 and a.get("mode", "mean") in ("mean", "sum")
    special = any(a.get(name) is not None for name in ("max_norm", "per_sample_weights", "padding_idx"))
    return (
        Weights(weight.T, None, 1, 1, Layout.LOOKUP, a["input"].value)
        if bags and not special and weight is not None
        else None
    )


def _product(element: Element, train: Train) -> Weights | None:
    left, right = (a for a in (*element.args, *element.kwargs.values()) if isinstance(a, Ref))
    if (weight := _content(right, train)) is not None:  # x @ W
        transposed = weight.unsqueeze(0) if weight.ndim == 1 else weight.mT
        return _matrix(transposed, None, Layout.LAST, left)
    if (weight := _content(left, train)) is not None:  # W @ x
        vector = len(train.values[right.value].shape) == 1
        return _matrix(torch.atleast_2d(weight), None, Layout.LAST if vector else Layout.ROWS, right)
    return None


def _sum_and_product(element: Element, train: Train) -> Weights | None:
    a = named_arguments(element, "input first second")
    bias, first, second = (r for r in a.values() if isinstance(r, Ref))
    weight, left = _content(second, train), False
    if weight is None:
        weight, left = _content(first, train), True
    if weight is None or _is_signal(bias, train):
        return None
    matrix = a.get("alpha", 1) * (weight if left else weight.mT)
    constant = _content(bias, train)
    if constant is not None:
        constant = a.get("beta", 1) * constant
    return _matrix(matrix, constant, Layout.ROWS if left else Layout.LAST, first if not left else second)


@dataclass(frozen=True)
class Equation:
    """The labels of an einsum of a weight and a signal.

    Attributes
    ----------
    weight, signal, result
        Its labels, a letter for each axis.
    which
        Whether the weight is its first operand (0) or its second.
    """

    weight: str
    signal: str
    result: str
    which: int

    @property
    def shared(self) -> str:
        """Axes of the weight along which each entry of the signal has a matrix of its own."""
        return "".join(c for c in self.weight if c in self.signal and c in self.result)

    @property
    def outward(self) -> str:
        """Axes of the weight that the units of the result lie along."""
        return "".join(c for c in self.weight if c not in self.signal and c in self.result)

    @property
    def inward(self) -> str:
        """Axes of the weight that are summed over."""
        return "".join(c for c in self.weight if c in self.signal and c not in self.result)


def equation_of(element: Element, train: Train) -> Equation | None:
    """The labels of an einsum of one weight with one signal, the ellipsis spelt out; None where it is not that.

    Examples
    --------
    >>> from lensmaker.systems.networks import record
    >>> class Mapped(torch.nn.Linear):
    ...     def forward(self, x):
    ...         return torch.einsum("bti,oi->bto", x, self.weight)
    >>> train = record(Mapped(3, 2), torch.ones(5, 4, 3))
    >>> equation_of(train.elements[0], train).outward
    'o'
    """
    equation, operands = element.args[0], _operands(element)
    if not isinstance(equation, str) or len(operands) != 2:
        return None
    terms, arrow, result = equation.replace(" ", "").partition("->")
    if not arrow:
        result = "".join(sorted(c for c in terms if c.isalpha() and terms.count(c) == 1))
        result = ("..." if "." in terms else "") + result
    which = 1 if not _is_signal(operands[1], train) else 0
    given = terms.split(",")[1 - which]
    others = len(train.values[operands[1 - which].value].shape) - len(given.replace("...", ""))
    ellipsis = "".join(c for c in string.ascii_letters if c not in equation)[:others]
    labels = terms.replace("...", ellipsis).split(",")
    found = Equation(labels[which], labels[1 - which], result.replace("...", ellipsis), which)
    known = len(found.shared) + len(found.outward) + len(found.inward)
    if (
        "." in terms.split(",")[which]
        or len(set(found.weight)) < len(found.weight)
        or known < len(found.weight)
    ):
        return None
    return found if found.inward else None


def _operands(element: Element) -> list[Any]:
    return [a for group in element.args[1:] for a in (group if isinstance(group, list | tuple) else (group,))]


def _einsum(element: Element, train: Train) -> Weights | None:
    labels = equation_of(element, train)
    if labels is None:
        return None
    operands = _operands(element)
    weight = _content(operands[labels.which], train)
    if weight is None:
        return None
    parts = (labels.shared, labels.outward, labels.inward)
    size = dict(zip(labels.weight, weight.shape, strict=True))
    ordered = weight.permute([labels.weight.index(c) for part in parts for c in part])
    blocks = ordered.reshape([math.prod(size[c] for c in part) for part in parts])
    return _matrix(blocks, None, Layout.LABELS, operands[1 - labels.which])


def _matrix(weight: torch.Tensor, bias: torch.Tensor | None, layout: Layout, signal: Ref) -> Weights:
    """From a matrix (out, in), or a stack of them (*groups, out, in)."""
    fan_out, fan_in = weight.shape[-2:]
    groups = math.prod(weight.shape[:-2])
    return Weights(weight.reshape(-1, fan_in), bias, fan_in, fan_out, layout, signal.value, groups)


# -- convolutions -----------------------------------------------------------------------------------


def _conv(element: Element, train: Train) -> Weights | None:
    a = named_arguments(element, "input weight bias stride padding dilation groups")
    weight = _content(a["weight"], train)
    if weight is None or _is_signal(a.get("bias"), train):
        return None
    kernel, groups = tuple(weight.shape[2:]), a.get("groups", 1)
    stride, dilation = (each_axis(a.get(name, 1), len(kernel)) for name in ("stride", "dilation"))
    taps, reached = math.prod(kernel), math.prod(kernel) / math.prod(stride)
    return Weights(
        weight,
        _content(a.get("bias"), train),
        weight.shape[1] * taps,
        weight.shape[0] // groups * reached,
        Layout.CHANNELS,
        a["input"].value,
        groups,
        kernel,
        stride,
        _sides(a.get("padding", 0), kernel, dilation),
        dilation,
        output_padding=(0,) * len(kernel),
    )


def _conv_transpose(element: Element, train: Train) -> Weights | None:
    a = named_arguments(element, "input weight bias stride padding output_padding groups dilation")
    weight = _content(a["weight"], train)
    if weight is None or _is_signal(a.get("bias"), train):
        return None
    kernel, groups = tuple(weight.shape[2:]), a.get("groups", 1)
    stride, dilation = (each_axis(a.get(name, 1), len(kernel)) for name in ("stride", "dilation"))
    blocks = weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)
    taps, reached = math.prod(kernel), math.prod(kernel) / math.prod(stride)
    return Weights(
        blocks.flip(tuple(range(2, blocks.ndim))),
        _content(a.get("bias"), train),
        blocks.shape[1] * reached,
        weight.shape[1] * taps,
        Layout.CHANNELS,
        a["input"].value,
        groups,
        kernel,
        stride,
        _sides(a.get("padding", 0), kernel, dilation),
        dilation,
        transposed=True,
        output_padding=each_axis(a.get("output_padding", 0), len(kernel)),
    )


def _sides(padding: Any, kernel: tuple[int, ...], dilation: tuple[int, ...]) -> Sides:
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return tuple((t // 2, t - t // 2) for t in total)
    each = each_axis(0 if padding == "valid" else padding, len(kernel))
    return tuple((p, p) for p in each)


# -- contents ---------------------------------------------------------------------------------------


def _content(argument: Any, train: Train) -> torch.Tensor | None:
    """What the train knows of an argument that is not itself a signal."""
    if not isinstance(argument, Ref) or _is_signal(argument, train):
        return None
    return train.values[argument.value].tensor


def _is_signal(argument: Any, train: Train) -> bool:
    return isinstance(argument, Ref) and train.values[argument.value].is_signal


_READERS: dict[str, Callable[[Element, Train], Weights | None]] = {
    "linear": _linear,
    "bilinear": _bilinear,
    "embedding": _embedding,
    "embedding_bag": _bag,
    "matmul": _product,
    "mm": _product,
    "bmm": _product,
    "addmm": _sum_and_product,
    "baddbmm": _sum_and_product,
    "einsum": _einsum,
    **{f"conv{n}d": _conv for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": _conv_transpose for n in (1, 2, 3)},
}

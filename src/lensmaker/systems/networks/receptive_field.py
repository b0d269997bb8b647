"""Receptive fields: how many input pixels one output of a convolutional network sees, and their spacing.

The recursion is that of Araujo, Norris and Sim, "Computing receptive fields of convolutional neural
networks", Distill (2019): r ← r + (k − 1)·d·j and j ← j·s for kernel k, dilation d and stride s.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import torch

from lensmaker.systems.networks.operations import Family
from lensmaker.systems.networks.train import Element, Train
from lensmaker.systems.networks.weights import Layout, each_axis, named_arguments, weights_of


@dataclass(frozen=True)
class Field:
    """What one position of a value sees of the input.

    Attributes
    ----------
    axes
        The spatial axes of the value, counted from its end; empty before the first convolution or pooling.
    extent, jump
        For each of them: input pixels seen, and input pixels between neighbouring positions.
    """

    axes: tuple[int, ...] = ()
    extent: tuple[Fraction, ...] = ()
    jump: tuple[Fraction, ...] = ()

    @property
    def pixels(self) -> tuple[int, ...] | None:
        """The receptive field in whole pixels; None before the first convolution or pooling."""
        return tuple(math.ceil(e) for e in self.extent) or None

    @property
    def stride(self) -> tuple[int, ...] | None:
        """The stride in pixels; None where it is not a whole number, after upsampling beyond the input."""
        whole = all(j.denominator == 1 for j in self.jump)
        return tuple(int(j) for j in self.jump) or None if whole else None


def receptive_fields(train: Train) -> dict[int, Field]:
    """The receptive fields of those values of a train that have one.

    Where paths merge the larger field counts. Statistics of normalisations, and gates that see the whole
    image (squeeze and excitation), are not counted; what has passed a flattening, a global pooling,
    attention or recurrence has no receptive field any more.
    """
    fields = {i: Field() for i in train.inputs}
    for element in train.before_loss():
        incoming = [(i, fields[i]) for i in element.inputs if i in fields]
        if not incoming:
            continue
        for position, output in enumerate(element.outputs):
            field = _law(element)(element, train, incoming, position)
            if field is not None:
                fields[output] = field
    return fields


_Incoming = list[tuple[int, Field]]
_Law = Callable[[Element, Train, _Incoming, int], Field | None]


def _law(element: Element) -> _Law:
    return _BY_OPERATION.get(element.operation) or _BY_FAMILY.get(element.family, _lost)


# -- laws -------------------------------------------------------------------------------------------


def _lost(element: Element, train: Train, incoming: _Incoming, position: int) -> Field | None:
    return None


def _unit_by_unit(element: Element, train: Train, incoming: _Incoming, position: int) -> Field | None:
    """The largest of the fields that come in; those of other axes make it meaningless."""
    with_axes = [f for _, f in incoming if f.axes]
    if not with_axes:
        return Field()
    if len({f.axes for f in with_axes}) > 1:
        return None
    extents, jumps = zip(*((f.extent, f.jump) for f in with_axes), strict=True)
    return Field(
        with_axes[0].axes,
        tuple(max(e) for e in zip(*extents, strict=True)),
        tuple(max(j) for j in zip(*jumps, strict=True)),
    )


def _linear(element: Element, train: Train, incoming: _Incoming, position: int) -> Field | None:
    weights = weights_of(element, train)
    if weights is None:
        return None
    field = dict(incoming).get(weights.signal)
    if field is None:
        return None
    if weights.layout is Layout.CHANNELS:
        if weights.transposed:
            reach = tuple(map(_transposed_reach, weights.kernel, weights.dilation, weights.stride))
            return _window(field, reach, tuple(Fraction(1, s) for s in weights.stride))
        reach = tuple(d * (k - 1) for k, d in zip(weights.kernel, weights.dilation, strict=True))
        return _window(field, reach, weights.stride)
    if weights.layout is Layout.LOOKUP:
        return replace(field, axes=tuple(a - 1 for a in field.axes))
    mixed = {Layout.LAST: -1, Layout.ROWS: -2}.get(weights.layout)
    if mixed is None or mixed in field.axes:
        return None
    # A matrix of samples and features has no positions left for a later convolution.
    return field if field.axes or len(train.values[weights.signal].shape) > 2 else None


def _transposed_reach(kernel: int, dilation: int, stride: int) -> int:
    """Input pixels from the first to the last that one output of a transposed convolution sees."""
    by_phase: dict[int, list[int]] = {}
    for tap in range(kernel):
        by_phase.setdefault(tap * dilation % stride, []).append(tap * dilation)
    return max(taps[-1] - taps[0] for taps in by_phase.values()) // stride


def _window(field: Field, reach: tuple[int, ...], stride: tuple[int | Fraction, ...]) -> Field | None:
    """The field behind a window on the last axes that reaches over `reach` neighbours."""
    axes = tuple(range(-len(reach), 0))
    if not field.axes:
        one = (Fraction(1),) * len(reach)
        field = Field(axes, one, one)
    if field.axes != axes:
        return None
    return Field(
        axes,
        tuple(e + r * j for e, r, j in zip(field.extent, reach, field.jump, strict=True)),
        tuple(j * s for j, s in zip(field.jump, stride, strict=True)),
    )


def _pool(element: Element, train: Train, incoming: _Incoming, position: int) -> Field | None:
    axes = int(element.operation[-2])
    names = "input norm_type kernel_size stride" if element.operation.startswith("lp") else ""
    a = named_arguments(element, names or "input kernel_size stride padding dilation")
    kernel = each_axis(a["kernel_size"], axes)
    stride = each_axis(a.get("stride") or kernel, axes)
    dilation = each_axis(a.get("dilation", 1), axes) if element.operation.startswith("max") else (1,) * axes
    return _window(incoming[0][1], tuple(d * (k - 1) for k, d in zip(kernel, dilation, strict=True)), stride)


def _resize(element: Element, train: Train, incoming: _Incoming, position: int) -> Field | None:
    """Adaptive pooling and interpolation, by the sizes before and after."""
    (index, field), output = incoming[0], train.values[element.outputs[0]].shape
    sizes = train.values[index].shape
    if element.operation.startswith("adaptive"):
        axes = int(element.operation[-2])
        ratios = [Fraction(n, m) for n, m in zip(sizes[-axes:], output[-axes:], strict=True)]
        if any(m == 1 < n for n, m in zip(sizes[-axes:], output[-axes:], strict=True)):
            return None
        if any(r.denominator > 1 for r in ratios):
            return None
        return _window(field, tuple(int(r) - 1 for r in ratios), tuple(ratios))
    axes = len(sizes) - 2
    ratios = [Fraction(n, m) for n, m in zip(sizes[2:], output[2:], strict=True)]
    mode = named_arguments(element, "input size scale_factor mode").get("mode", "nearest")
    reach = {"nearest": 0, "nearest-exact": 0, "linear": 1, "bilinear": 1, "trilinear": 1, "bicubic": 3}.get(
        mode
    )
    return None if reach is None else _window(field, (reach,) * axes, tuple(ratios))


def _reduction(element: Element, train: Train, incoming: _Incoming, position: int) -> Field | None:
    if len(element.inputs) > 1:
        return _unit_by_unit(element, train, incoming, position)
    (index, field), output = incoming[0], train.values[element.outputs[0]].shape
    sizes = train.values[index].shape
    dims = named_arguments(element, "input p dim" if element.operation == "norm" else "input dim").get("dim")
    if dims is None:
        return None
    reduced = {(d if d < 0 else d - len(sizes)) for d in ([dims] if isinstance(dims, int) else dims)}
    if reduced & set(field.axes):
        return None
    if len(output) == len(sizes):
        return field
    return replace(field, axes=tuple(a + sum(d > a for d in reduced) for a in field.axes))


def _shuffle(element: Element, train: Train, incoming: _Incoming, position: int) -> Field | None:
    factor = element.args[1] if len(element.args) > 1 else next(iter(element.kwargs.values()))
    if element.operation == "pixel_shuffle":
        return _window(incoming[0][1], (0, 0), (Fraction(1, factor),) * 2)
    return _window(incoming[0][1], (factor - 1,) * 2, (factor,) * 2)


def _stack(element: Element, train: Train, incoming: _Incoming, position: int) -> Field | None:
    field = _unit_by_unit(element, train, incoming, position)
    dim = named_arguments(element, "tensors dim").get("dim", 0)
    new = dim if dim < 0 else dim - len(train.values[element.outputs[0]].shape)
    return None if field is None else replace(field, axes=tuple(a if a > new else a - 1 for a in field.axes))


def _rearranged(element: Element, train: Train, incoming: _Incoming, position: int) -> Field | None:
    """Follow the axes by their strides, through the same operation on a tensor without content."""
    index, field = incoming[0]
    if not field.axes:
        return field

    def stand_in(i: int) -> Any:
        return torch.empty(train.values[i].shape, dtype=train.values[i].dtype, device="meta")

    try:
        after = element.replay(stand_in)[position]
    except (RuntimeError, NotImplementedError, TypeError, IndexError, ValueError):
        return None
    before = stand_in(index)
    free = list(range(-after.ndim, 0))
    axes, jumps = [], []
    for axis, jump in zip(field.axes, field.jump, strict=True):
        stride, size = before.stride(axis), before.shape[axis]
        # A step m along the axis has m times its stride, and stays within it.
        found = next(
            (
                k
                for k in sorted(free, key=lambda k: (after.stride(k), after.shape[k]) != (stride, size))
                if after.stride(k) % stride == 0 < after.stride(k)
                and (after.shape[k] - 1) * after.stride(k) < stride * size
                and (after.shape[k] > 1 or size == 1)
            ),
            None,
        )
        if found is None:
            return None
        free.remove(found)
        axes.append(found)
        jumps.append(jump * (after.stride(found) // stride))
    return Field(tuple(axes), field.extent, tuple(jumps))


_BY_OPERATION: dict[str, _Law] = {
    **{f"{kind}_pool{n}d": _pool for kind in ("max", "avg", "lp") for n in (1, 2, 3)},
    **{f"adaptive_{kind}_pool{n}d": _resize for kind in ("max", "avg") for n in (1, 2, 3)},
    **dict.fromkeys(["interpolate", "upsample"], _resize),
    **dict.fromkeys(["mean", "sum", "amax", "amin", "max", "min", "var", "std", "norm"], _reduction),
    **dict.fromkeys(["logsumexp", "prod"], _reduction),
    **dict.fromkeys(["pixel_shuffle", "pixel_unshuffle"], _shuffle),
    **dict.fromkeys(["pad", "flip", "roll", "copy", "setitem"], _unit_by_unit),
    **dict.fromkeys(["fold", "unfold", "gather", "take_along_dim"], _lost),
    "stack": _stack,
}
_BY_FAMILY: dict[Family, _Law] = {
    Family.LINEAR: _linear,
    Family.STRUCTURE: _rearranged,
    **dict.fromkeys([Family.ACTIVATION, Family.NORMALISATION, Family.DROPOUT, Family.MERGE], _unit_by_unit),
}

"""Receptive fields: how many input pixels one output of a convolutional network sees, and their spacing.

For windows alone the recursion is that of Araujo, Norris and Sim, "Computing receptive fields of
convolutional neural networks", Distill (2019): r ← r + (k − 1)·d·j and j ← j·s for kernel k, dilation d
and stride s. Behind upsampling the field differs from one output to the next, with a period; here the
first and the last input of every output of a period are followed, which is exact for both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import torch

from lensmaker.systems.networks.operations import Family
from lensmaker.systems.networks.train import Element, Train
from lensmaker.systems.networks.weights import Layout, each_axis, named_arguments, weights_of


@dataclass(frozen=True)
class Sight:
    """The input pixels that the positions of one axis see, far from the border.

    Attributes
    ----------
    first, last
        The first and the last pixel seen, for each position of one period.
    shift
        By how many pixels the next period sees further on.
    """

    first: tuple[int, ...] = (0,)
    last: tuple[int, ...] = (0,)
    shift: int = 1

    def at(self, position: int) -> tuple[int, int]:
        """The first and the last pixel that a position sees."""
        periods, phase = divmod(position, len(self.first))
        return self.first[phase] + periods * self.shift, self.last[phase] + periods * self.shift

    def through(self, taps: Callable[[int], Sequence[int]], step: Fraction) -> Sight:
        """The sight of outputs o that read the positions taps(o), where taps(o + n) = taps(o) + n·step."""
        period = math.lcm(step.denominator, (len(self.first) / step).numerator)
        ends = [[self.at(i) for i in taps(o)] for o in range(period)]
        return Sight(
            tuple(min(a for a, _ in seen) for seen in ends),
            tuple(max(b for _, b in seen) for seen in ends),
            int(step * period * Fraction(self.shift, len(self.first))),
        )

    def joined(self, other: Sight) -> Sight:
        """What two paths see together; the further one where their strides differ."""
        if self.stride != other.stride:
            return max(self, other, key=lambda s: s.extent)
        period = math.lcm(len(self.first), len(other.first))
        ends = [(*self.at(o), *other.at(o)) for o in range(period)]
        return Sight(
            tuple(min(a, c) for a, _, c, _ in ends),
            tuple(max(b, d) for _, b, _, d in ends),
            int(self.stride * period),
        )

    @property
    def extent(self) -> int:
        """Pixels from the first to the last that one output sees, the most of any."""
        return max(b - a + 1 for a, b in zip(self.first, self.last, strict=True))

    @property
    def stride(self) -> Fraction:
        """Pixels from one output to the next, in the mean."""
        return Fraction(self.shift, len(self.first))


@dataclass(frozen=True)
class Field:
    """What the positions of a value see of the input.

    Attributes
    ----------
    axes
        The spatial axes of the value, counted from its end; empty before the first convolution or pooling.
    sights
        What they see, for each of these axes.
    """

    axes: tuple[int, ...] = ()
    sights: tuple[Sight, ...] = ()

    @property
    def pixels(self) -> tuple[int, ...] | None:
        """The receptive field; None before the first convolution or pooling."""
        return tuple(s.extent for s in self.sights) or None

    @property
    def stride(self) -> tuple[int, ...] | None:
        """The stride in pixels; None where it is not a whole number, after upsampling beyond the input."""
        whole = all(s.stride.denominator == 1 for s in self.sights)
        return tuple(int(s.stride) for s in self.sights) or None if whole else None


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
    sights = with_axes[0].sights
    for other in with_axes[1:]:
        sights = tuple(map(Sight.joined, sights, other.sights))
    return Field(with_axes[0].axes, sights)


def _linear(element: Element, train: Train, incoming: _Incoming, position: int) -> Field | None:
    weights = weights_of(element, train)
    if weights is None:
        return None
    field = dict(incoming).get(weights.signal)
    if field is None:
        return None
    if weights.layout is Layout.CHANNELS:
        window = _transposed if weights.transposed else _direct
        starts = tuple(before for before, _ in weights.padding)
        return _through(field, list(map(window, weights.kernel, weights.stride, starts, weights.dilation)))
    if weights.layout is Layout.LOOKUP:
        return replace(field, axes=tuple(a - 1 for a in field.axes))
    mixed = {Layout.LAST: -1, Layout.ROWS: -2}.get(weights.layout)
    if mixed is None or mixed in field.axes:
        return None
    # A matrix of samples and features has no positions left for a later convolution.
    return field if field.axes or len(train.values[weights.signal].shape) > 2 else None


_LONGEST_PERIOD = 4096
"""Resizing by one odd ratio after another repeats so late that nothing is gained by following it."""

_Window = tuple[Callable[[int], Sequence[int]], Fraction]


def _direct(kernel: int, stride: int, padding: int, dilation: int) -> _Window:
    """The positions that one output of a convolution or pooling reads."""
    return lambda o: [o * stride - padding + t * dilation for t in range(kernel)], Fraction(stride)


def _transposed(kernel: int, stride: int, padding: int, dilation: int) -> _Window:
    """Those of a transposed convolution; an output between two kernels reads nothing but its place."""

    def taps(o: int) -> list[int]:
        sources = [o + padding - t * dilation for t in range(kernel)]
        return [i // stride for i in sources if i % stride == 0] or [(o + padding) // stride]

    return taps, Fraction(1, stride)


def _through(field: Field, windows: Sequence[_Window]) -> Field | None:
    """The field behind a window on each of the last axes."""
    axes = tuple(range(-len(windows), 0))
    sights = field.sights or (Sight(),) * len(windows)
    if field.axes not in ((), axes) or any(len(s.first) > _LONGEST_PERIOD for s in sights):
        return None
    return Field(axes, tuple(s.through(taps, step) for s, (taps, step) in zip(sights, windows, strict=True)))


def _pool(element: Element, train: Train, incoming: _Incoming, position: int) -> Field | None:
    axes = int(element.operation[-2])
    names = "input norm_type kernel_size stride" if element.operation.startswith("lp") else ""
    a = named_arguments(element, names or "input kernel_size stride padding dilation")
    kernel = each_axis(a["kernel_size"], axes)
    stride = each_axis(a.get("stride") or kernel, axes)
    padding = each_axis(0 if names else a.get("padding", 0), axes)
    dilation = each_axis(a.get("dilation", 1) if element.operation.startswith("max") else 1, axes)
    return _through(incoming[0][1], list(map(_direct, kernel, stride, padding, dilation)))


def _resize(element: Element, train: Train, incoming: _Incoming, position: int) -> Field | None:
    """Adaptive pooling and interpolation, by the sizes before and after."""
    (index, field), output = incoming[0], train.values[element.outputs[0]].shape
    sizes = train.values[index].shape
    adaptive = element.operation.startswith("adaptive")
    axes = int(element.operation[-2]) if adaptive else len(sizes) - 2
    steps = [Fraction(n, m) for n, m in zip(sizes[-axes:], output[-axes:], strict=True)]
    mode = named_arguments(element, "input size scale_factor mode").get("mode", "nearest")
    if adaptive or mode == "area":
        if any(
            step.denominator > 1 or m == 1 < n
            for step, n, m in zip(steps, sizes[-axes:], output[-axes:], strict=True)
        ):
            return None
        return _through(field, [_direct(int(step), int(step), 0, 1) for step in steps])
    return _through(field, [_interpolated(step, mode) for step in steps])


def _interpolated(step: Fraction, mode: str) -> _Window:
    """The positions that one output of an interpolation reads, with aligned cells."""

    def taps(o: int) -> Sequence[int]:
        if mode.startswith("nearest"):
            return [math.floor(o * step)]
        place = (o + Fraction(1, 2)) * step - Fraction(1, 2)
        if place.denominator == 1:
            return [int(place)]
        around = 2 if mode == "bicubic" else 1
        return range(math.floor(place) - around + 1, math.floor(place) + around + 1)

    return taps, step


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
        return _through(incoming[0][1], [_interpolated(Fraction(1, factor), "nearest")] * 2)
    return _through(incoming[0][1], [_direct(factor, factor, 0, 1)] * 2)


def _pad(element: Element, train: Train, incoming: _Incoming, position: int) -> Field | None:
    """Positions begin earlier, by what is put in front; before the first window, if a window follows."""
    field = incoming[0][1]
    before = tuple(named_arguments(element, "input pad").get("pad", ()))[::2]
    axes = field.axes
    if not axes and _enters_window(element, train, len(before)):
        axes = tuple(range(-len(before), 0))
    left = [before[-1 - a] if -a <= len(before) else 0 for a in axes]
    if len(incoming) > 1 or not any(left):
        return _unit_by_unit(element, train, incoming, position)
    sights = field.sights or (Sight(),) * len(axes)
    return Field(axes, tuple(s.through(*_direct(1, 1, n, 1)) for s, n in zip(sights, left, strict=True)))


def _enters_window(element: Element, train: Train, axes: int) -> bool:
    """Whether a convolution or pooling over so many axes reads what an element makes."""
    return any(
        element.outputs[0] in e.inputs and e.operation.endswith(f"{axes}d")
        for e in train.elements[element.index :]
    )


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
    axes, sights = [], []
    for axis, sight in zip(field.axes, field.sights, strict=True):
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
        taps, step = _direct(1, after.stride(found) // stride, 0, 1)
        sights.append(sight.through(taps, step))
    return Field(tuple(axes), tuple(sights))


_BY_OPERATION: dict[str, _Law] = {
    **{f"{kind}_pool{n}d": _pool for kind in ("max", "avg", "lp") for n in (1, 2, 3)},
    **{f"adaptive_{kind}_pool{n}d": _resize for kind in ("max", "avg") for n in (1, 2, 3)},
    **dict.fromkeys(["interpolate", "upsample"], _resize),
    **dict.fromkeys(["mean", "sum", "amax", "amin", "max", "min", "var", "std", "norm"], _reduction),
    **dict.fromkeys(["logsumexp", "prod"], _reduction),
    **dict.fromkeys(["pixel_shuffle", "pixel_unshuffle"], _shuffle),
    **dict.fromkeys(["flip", "roll", "copy", "setitem"], _unit_by_unit),
    "pad": _pad,
    **dict.fromkeys(["fold", "unfold", "gather", "take_along_dim"], _lost),
    "stack": _stack,
}
_BY_FAMILY: dict[Family, _Law] = {
    Family.LINEAR: _linear,
    Family.STRUCTURE: _rearranged,
    **dict.fromkeys([Family.ACTIVATION, Family.NORMALISATION, Family.DROPOUT, Family.MERGE], _unit_by_unit),
}

"""From a recorded train to its recursion: which law each element has, and where there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch

from lensmaker.core import InputError
from lensmaker.systems.networks import Element, Family, Ref, Train
from lensmaker.systems.networks.operations import ELEMENTWISE_ACTIVATIONS
from lensmaker.systems.networks.weights import Layout, Weights, each_axis, named_arguments, weights_of
from lensmaker.theories.activation_functions import activation
from lensmaker.theories.kernel_recursion.data_path import data_path, space_of
from lensmaker.theories.kernel_recursion.duals import Dual, Erf, Gelu, Kinked
from lensmaker.theories.kernel_recursion.hermite import Series
from lensmaker.theories.kernel_recursion.laws import (
    Convolution,
    Dense,
    ElementWise,
    Law,
    Multiple,
    Pooling,
    Rearranged,
    Space,
    Sum,
)
from lensmaker.theories.kernel_recursion.layouts import FLAT, Signal, rearranged
from lensmaker.theories.kernel_recursion.learning import Parametrisation, scales
from lensmaker.theories.kernel_recursion.recursion import Recursion, Step


class NoLawError(Exception):
    """An element has no law; the message says why."""


@dataclass(frozen=True)
class Reading:
    """A train as kernels see it.

    Attributes
    ----------
    recursion
        The laws in order.
    slots
        Value of the train → value of the recursion, for values that are random over the weights.
    lost
        Value of the train → why its kernel is not known.
    doubt
        Why the recursion's assumptions fail here, "" where they hold.
    """

    recursion: Recursion
    slots: dict[int, int]
    lost: dict[int, str]
    doubt: str


def read(train: Train, parametrisation: Parametrisation) -> Reading:
    """Find the law of each element of a train that was recorded with its contents.

    Raises
    ------
    InputError
        If the network takes anything but one floating-point tensor.
    """
    inputs = [train.values[i] for i in train.inputs]
    if len(inputs) != 1 or not inputs[0].is_float or inputs[0].shape[:1] != (train.samples,):
        got = ", ".join(f"{v.dtype} {v.shape}" for v in inputs)
        raise InputError("a network of one floating-point input", got, "kernels compare two such inputs")
    reader = _Reader(train, parametrisation)
    for element in train.before_loss():
        reader.meet(element)
    full = any(isinstance(step.law, Pooling) for step in reader.steps)
    recursion = Recursion(reader.sources, tuple(reader.steps), reader.spaces, full)
    return Reading(recursion, reader.slots, reader.lost, reader.doubt)


class _Reader:
    def __init__(self, train: Train, parametrisation: Parametrisation) -> None:
        self.train, self.parametrisation = train, parametrisation
        self.sources: dict[int, Any] = {}
        self.steps: list[Step] = []
        self.spaces: dict[int, Space] = {}
        self.slots: dict[int, int] = {}
        self.signals: dict[int, Signal] = {}
        self.lost: dict[int, str] = {}
        self.doubt = ""
        self.used: dict[str, Element] = {}

    def meet(self, element: Element) -> None:
        """Add the element's law, or note that it has none."""
        inputs = self.train.signal_inputs(element)
        if not any(self.train.values[o].is_signal for o in element.outputs):
            return
        known = next((self.lost[i] for i in inputs if i in self.lost), "")
        try:
            if known:
                raise NoLawError(known)
            self._law(element, inputs)
        except NoLawError as reason:
            text = str(reason) if known else f"{element.where}: {reason}"
            self.lost.update(dict.fromkeys(element.outputs, text))

    def _law(self, element: Element, inputs: list[int]) -> None:
        if element.family is Family.LINEAR or (weights := weights_of(element, self.train)) is not None:
            weights = weights_of(element, self.train)
            if weights is None:
                raise NoLawError("its weights cannot be told from its signal")
            self._affine(element, weights)
        elif self.train.weight_inputs(element):
            raise NoLawError(f"the kernels have no law for {element.operation} with parameters")
        elif element.operation == "batch_norm" or not element.inputs:
            raise NoLawError(f"the kernels have no law for {element.operation}")
        elif any(i in self.slots for i in inputs):
            self._random(element, inputs)

    def _affine(self, element: Element, weights: Weights) -> None:
        index, own = weights.signal, scales(weights, self.parametrisation)
        shape = self.train.values[index].shape
        for name in sorted(set().union(*(v.parameters for v in self.train.weight_inputs(element)))):
            if name in self.used:
                self.doubt = self.doubt or f"{element.where} has the weights of {self.used[name].where}"
            self.used[name] = element
        if weights.groups > 1 or weights.transposed or weights.layout not in (Layout.LAST, Layout.CHANNELS):
            raise NoLawError("weights that are neither dense nor a plain convolution")
        units = 1 if weights.layout is Layout.CHANNELS else len(shape) - 1
        slot, signal = self._taken(index, units)
        law: Law
        if weights.layout is Layout.LAST:
            flattened = signal.space if signal.units == FLAT else ()
            space = () if signal.units == FLAT else signal.space
            law = Dense(own, flattened)
        else:
            if len(signal.space) != len(weights.kernel):
                raise NoLawError("its input has no axis of samples")
            law = Convolution(
                own, signal.space, weights.kernel, weights.stride, weights.padding, weights.dilation
            )
            space = space_of(self.train.values[element.outputs[0]].shape, 1)
        root = frozenset({element.index})
        self._add(element, law, (slot,), Signal(units, space, True, root, signal.ancestors | root))

    def _random(self, element: Element, inputs: list[int]) -> None:
        operation, family = element.operation, element.family
        signal = self.signals[next(i for i in inputs if i in self.slots)]
        if operation in ("add", "sub"):
            self._sum(element, inputs)
        elif len(inputs) > 1:
            raise NoLawError(f"{operation} of several signals")
        elif operation in ("mul", "div"):
            self._add(element, Multiple(self._factor(element)), (self.slots[inputs[0]],), signal)
        elif operation == "neg":
            self._add(element, Multiple(-1.0), (self.slots[inputs[0]],), signal)
        elif operation in ELEMENTWISE_ACTIVATIONS:
            if not signal.gaussian:
                raise NoLawError("it acts on a signal that is not Gaussian in the limit")
            after = replace(signal, gaussian=False, roots=frozenset())
            self._add(element, ElementWise(self._dual(element)), (self.slots[inputs[0]],), after)
        elif family is Family.DROPOUT:
            a = named_arguments(element, "input p training")
            if a.get("training", True) and a.get("p", 0.5) > 0:
                raise NoLawError("dropout draws: put the network into evaluation mode")
            self._alias(element, inputs[0], signal)
        elif family is Family.POOLING:
            self._pool(element, inputs[0], signal)
        elif family is Family.STRUCTURE:
            self._rearrange(element, inputs[0], signal)
        else:
            raise NoLawError(f"the kernels have no law for {operation}")

    # -- single laws --------------------------------------------------------------------------------

    def _sum(self, element: Element, inputs: list[int]) -> None:
        shape = self.train.values[element.outputs[0]].shape
        if len(inputs) != 2 or any(self.train.values[i].shape != shape for i in inputs):
            raise NoLawError("a sum with what is not a signal of the same shape")
        if named_arguments(element, "input other alpha").get("alpha", 1) != 1:
            raise NoLawError("a weighted sum")
        units = next(self.signals[i].units for i in inputs if i in self.slots)
        (slot, x), (other, y) = (self._taken(i, units) for i in inputs)
        apart = (x.roots and not x.roots & y.ancestors) or (y.roots and not y.roots & x.ancestors)
        if not apart:
            raise NoLawError("a sum of signals that depend on the same weights")
        if (x.units, x.space) != (y.units, y.space):
            raise NoLawError("a sum of signals that lie otherwise")
        gaussian = x.gaussian and y.gaussian
        both = Signal(
            x.units,
            x.space,
            gaussian,
            x.roots | y.roots if gaussian else frozenset(),
            x.ancestors | y.ancestors,
        )
        self._add(element, Sum(), (slot, other), both)

    def _factor(self, element: Element) -> float:
        signal = self.train.signal_inputs(element)[0]
        left, right = (*element.args, *element.kwargs.values())[:2]
        first = isinstance(left, Ref) and left.value == signal
        number = right if first else left
        if isinstance(number, Ref):
            content = self.train.values[number.value].tensor
            number = content.item() if content is not None and content.numel() == 1 else None
        if not isinstance(number, int | float) or (element.operation == "div" and not first):
            raise NoLawError(f"{element.operation} by what is not a number")
        return 1 / number if element.operation == "div" else float(number)

    def _dual(self, element: Element) -> Dual:
        a = named_arguments(element, "input first second")
        if element.operation == "relu":
            return Kinked(0.0)
        if element.operation == "abs":
            return Kinked(-1.0)
        if element.operation == "leaky_relu":
            return Kinked(float(element.kwargs.get("negative_slope", a.get("first", 0.01))))
        if element.operation == "erf":
            return Erf()
        if element.operation == "gelu" and element.kwargs.get("approximate", "none") == "none":
            return Gelu()

        def function(x: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = element.replay(lambda _: x)[0]
            return found

        function.__name__ = element.operation
        try:
            φ = activation(function)
        except InputError as error:
            raise NoLawError(str(error)) from error
        if φ.jumps:
            raise NoLawError("its function jumps, so the tangent kernel is infinite")
        return Series(φ)

    def _pool(self, element: Element, index: int, signal: Signal) -> None:
        operation, space, axes = element.operation, signal.space, len(signal.space)
        units = signal.units
        pairs = max(math.prod(space) for space in self.spaces.values()) ** 2
        if pairs > _MOST_PAIRS:
            raise NoLawError(f"it needs all {pairs:.0e} pairs of positions, too many to hold")
        if units == FLAT or not space or not (operation == "mean" or "avg_pool" in operation):
            raise NoLawError(f"the kernels have no law for {operation}")
        if operation == "mean":
            a = named_arguments(element, "input dim keepdim")
            dims = a.get("dim")
            ndim = len(self.train.values[index].shape)
            chosen = {d % ndim for d in ((dims,) if isinstance(dims, int) else dims or (0,))}
            positions = [axis for axis in range(1, ndim) if axis != units]
            if not chosen <= set(positions):
                raise NoLawError("a mean over units or samples")
            kernel = tuple(n if axis in chosen else 1 for axis, n in zip(positions, space, strict=True))
            pooled = self._append(
                Pooling(space, kernel, kernel), (self._slot(index),), _pooled(space, kernel, kernel)
            )
            if not a.get("keepdim", False):
                onto = tuple(n for axis, n in zip(positions, space, strict=True) if axis not in chosen)
                pooled = self._append(Rearranged(self.spaces[pooled], None, onto), (pooled,), onto)
                units = len([axis for axis in range(1, units) if axis not in chosen]) + 1
            else:
                onto = self.spaces[pooled]
            self._made(
                element, pooled, replace(signal, units=units, space=onto, gaussian=False, roots=frozenset())
            )
            return
        if operation.startswith("adaptive"):
            sizes = each_axis(named_arguments(element, "input output_size")["output_size"], axes)
            if any(m is None or n % m for n, m in zip(space, sizes, strict=True)):
                raise NoLawError("an adaptive pool with windows of different sizes")
            kernel = stride = tuple(n // m for n, m in zip(space, sizes, strict=True))
        else:
            a = named_arguments(
                element, "input kernel_size stride padding ceil_mode count_include_pad divisor_override"
            )
            kernel = each_axis(a["kernel_size"], axes)
            stride = each_axis(a.get("stride") or kernel, axes)
            if any(each_axis(a.get("padding", 0), axes)) or a.get("ceil_mode") or a.get("divisor_override"):
                raise NoLawError("a pool with padding, a ceiling or a divisor of its own")
        after = replace(signal, space=_pooled(space, kernel, stride), gaussian=False, roots=frozenset())
        self._add(element, Pooling(space, kernel, stride), (self._slot(index),), after)

    def _rearrange(self, element: Element, index: int, signal: Signal) -> None:
        try:
            found = rearranged(element, self.train.values[index].shape, signal.units, signal.space)
        except (RuntimeError, IndexError, TypeError, ValueError) as error:
            raise NoLawError(str(error).splitlines()[0]) from error
        if found is None:
            raise NoLawError("samples, units and positions change places")
        law, units, space = found
        after = replace(signal, units=units, space=space)
        if law is None:
            self._alias(element, index, after)
        else:
            self._add(element, law, (self._slot(index),), after)

    # -- bookkeeping --------------------------------------------------------------------------------

    def _taken(self, index: int, units: int) -> tuple[int, Signal]:
        """Slot and signal of a value that a law takes; data enter here, if they have no weight behind them."""
        shape = self.train.values[index].shape
        if index in self.slots:
            signal = self.signals[index]
            if signal.units not in (units, FLAT) or (signal.units == FLAT and len(shape) != 2):
                raise NoLawError("it mixes positions rather than units")
            return self.slots[index], signal
        if len(shape) < 2 or shape[0] != self.train.samples:
            raise NoLawError("its input has no axis of samples")
        slot, flat = self._new(), units == FLAT
        self.sources[slot] = data_path(self.train, index, 1 if flat else units)
        space = () if flat else space_of(shape, units)
        self.spaces[slot] = space
        return slot, Signal(units, space, False, frozenset(), frozenset())

    def _slot(self, index: int) -> int:
        return self.slots[index]

    def _new(self) -> int:
        return len(self.spaces)

    def _append(self, law: Law | ElementWise, slots: tuple[int, ...], space: Space) -> int:
        slot = self._new()
        self.spaces[slot] = space
        self.steps.append(Step(law, slots, slot))
        return slot

    def _add(self, element: Element, law: Law | ElementWise, slots: tuple[int, ...], signal: Signal) -> None:
        self._made(element, self._append(law, slots, signal.space), signal)

    def _made(self, element: Element, slot: int, signal: Signal) -> None:
        (output,) = element.outputs
        self.slots[output], self.signals[output] = slot, signal

    def _alias(self, element: Element, index: int, signal: Signal) -> None:
        self._made(element, self.slots[index], signal)


_MOST_PAIRS = 2**28
"""Pairs of positions of one pair of inputs: a gigabyte in single precision."""


def _pooled(space: Space, kernel: Space, stride: Space) -> Space:
    return tuple((n - k) // s + 1 for n, k, s in zip(space, kernel, stride, strict=True))

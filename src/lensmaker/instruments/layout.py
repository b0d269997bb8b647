"""Where in a tensor its samples and its features lie, followed along the train."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import nn

from lensmaker.systems.networks import Element, Family
from lensmaker.systems.networks.operations import CHANNELS_FIRST

# fmt: off
_KEEPS_AXES = frozenset([
    "contiguous", "clone", "detach", "data", "to", "float", "double", "half", "bfloat16", "type", "type_as",
    "cpu", "cuda", "alias", "requires_grad_", "copy", "fill", "zero", "tril", "triu",
])
# fmt: on


@dataclass(frozen=True)
class Layout:
    """How a tensor is divided among the samples of the batch.

    Attributes
    ----------
    samples
        Number of samples B.
    axis
        The axis along which samples lie; None if that is not known.
    owner
        Sample to which each position along `axis` belongs: (0, 1, …, B−1) as a rule, but
        (0, 0, 1, 1, …) where heads are merged into the axis and (0, 1, …, 0, 1, …) where times are.
    features
        The axis of features: 1 for channels, otherwise the last.

    Examples
    --------
    >>> Layout(2, 1, torch.tensor([0, 1]), 2).rows(torch.arange(8).view(2, 2, 2)).tolist()
    [[0, 1, 4, 5], [2, 3, 6, 7]]
    """

    samples: int
    axis: int | None
    owner: torch.Tensor
    features: int

    @property
    def is_plain(self) -> bool:
        """Whether the axis is the batch and nothing else."""
        return self.axis is not None and len(self.owner) == self.samples and self._order is None

    @cached_property
    def _order(self) -> torch.Tensor | None:
        ordered = bool((self.owner[1:] >= self.owner[:-1]).all())
        return None if ordered else torch.argsort(self.owner, stable=True)

    @cached_property
    def is_known(self) -> bool:
        """Whether each sample can be cut out: all hold equally many positions."""
        if self.axis is None:
            return False
        counts = torch.bincount(self.owner, minlength=self.samples)
        return len(counts) == self.samples and bool((counts == counts[0]).all()) and int(counts[0]) > 0

    def by_sample(self, tensor: torch.Tensor) -> torch.Tensor:
        """`tensor` with its samples along axis 0, and what shared their axis along axis 1.

        All of it counts as a single sample where the layout is not known.
        """
        if not self.is_known:
            return tensor.unsqueeze(0)
        axis = self.axis or 0
        if self._order is not None:
            tensor = tensor.index_select(axis, self._order.to(tensor.device))
        share = len(self.owner) // self.samples
        if share == 1:
            return tensor.movedim(axis, 0)
        return tensor.unflatten(axis, (self.samples, share)).movedim((axis, axis + 1), (0, 1))

    def rows(self, tensor: torch.Tensor) -> torch.Tensor:
        """Each sample flattened: shape (B, …), or (1, …) where the layout is not known."""
        return self.by_sample(tensor).reshape(self.samples if self.is_known else 1, -1)

    def owners(self, flat: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        """The sample to which each flat index into a tensor of that shape belongs."""
        if not self.is_known:
            return torch.zeros_like(flat)
        axis = self.axis or 0
        return self.owner.to(flat.device)[flat // shape[axis + 1 :].numel() % shape[axis]]


class Layouts:
    """Follows the layout of every value while a network runs.

    Structural operations (views, permutations, slices) are run again on the sample numbers themselves; all
    others keep the sample axis where it is. A value without known origin is read by its shape: the batch axis
    is the one of its size, or the leading axis that is a multiple of it.

    Parameters
    ----------
    samples, axis
        Size and axis of the batch.
    """

    def __init__(self, samples: int, axis: int = 0) -> None:
        self.samples = samples
        self.axis = axis
        self._known: dict[int, Layout] = {}

    def guess(self, shape: torch.Size) -> Layout:
        """The layout that the shape alone suggests."""
        features = 1 if len(shape) >= 4 else len(shape) - 1
        for axis in dict.fromkeys((self.axis, *range(len(shape)))):
            if axis < len(shape) and shape[axis] == self.samples:
                return Layout(self.samples, axis, torch.arange(self.samples), features)
        if shape and shape[0] and shape[0] % self.samples == 0:
            owner = torch.arange(self.samples).repeat_interleave(shape[0] // self.samples)
            return Layout(self.samples, 0, owner, features)
        return self._unknown(features)

    def follow(self, element: Element, inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> None:
        """Note the layout of the outputs of `element`."""
        if element.family is Family.STRUCTURE and element.operation not in _KEEPS_AXES:
            found = self._through_structure(element, inputs, outputs)
        else:
            found = [self._through(element, inputs, output) for output in outputs]
        self._known.update(zip(element.outputs, found, strict=False))

    def of(self, value: int, shape: torch.Size) -> Layout:
        """The layout of a value."""
        return self._known.get(value) or self.guess(shape)

    def _unknown(self, features: int) -> Layout:
        return Layout(self.samples, None, torch.zeros(0, dtype=torch.int64), features)

    def _through(self, element: Element, inputs: list[torch.Tensor], output: torch.Tensor) -> Layout:
        sources = [
            (self._known[i], t) for i, t in zip(element.inputs, inputs, strict=True) if i in self._known
        ]
        if not sources:  # the input of the network
            given = next((t for t in inputs if not isinstance(t, nn.Parameter)), output)
            sources = [(self.guess(given.shape), given)]
        sources.sort(key=lambda source: source[1].ndim != output.ndim)  # a broadcast operand does not decide
        layout, source = sources[0]
        features = self._features(element, layout, source, output)
        axis = layout.axis
        if axis is None:
            return self._unknown(features)
        if element.operation == "stack":
            axis += _dims(element, output.ndim)[0] <= axis
        if element.family is Family.POOLING and output.ndim < source.ndim:
            gone = _dims(element, source.ndim)
            if axis in gone or not gone:
                return self._unknown(features)
            axis -= sum(k < axis for k in gone)
        if axis < output.ndim and output.shape[axis] == len(layout.owner):
            same = (axis, features) == (layout.axis, layout.features)
            return layout if same else Layout(self.samples, axis, layout.owner, features)
        if element.operation == "cat" and axis < output.ndim:
            parts = [self.of(i, t.shape) for i, t in zip(element.inputs, inputs, strict=True)]
            owner = torch.cat([p.owner for p in parts])
            if len(owner) == output.shape[axis]:
                return Layout(self.samples, axis, owner, features)
        candidates = [k for k, n in enumerate(output.shape) if n == len(layout.owner)]
        if candidates:
            return Layout(self.samples, candidates[0], layout.owner, features)
        return self._unknown(features)

    @staticmethod
    def _features(element: Element, layout: Layout, source: torch.Tensor, output: torch.Tensor) -> int:
        if element.operation.startswith(CHANNELS_FIRST) and output.ndim > 1:
            return 1
        inherits = {Family.ACTIVATION, Family.MERGE, Family.DROPOUT, Family.STRUCTURE}
        if element.family in inherits and source.ndim == output.ndim:
            return layout.features
        return output.ndim - 1

    def _through_structure(
        self, element: Element, inputs: list[torch.Tensor], outputs: list[torch.Tensor]
    ) -> list[Layout]:
        live = dict(zip(element.inputs, inputs, strict=True))
        signal = next((i for i in element.inputs if i in self._known), element.inputs[0])
        layout = self.of(signal, live[signal].shape)
        if layout.axis is None:
            return [self._unknown(o.ndim - 1) for o in outputs]
        numbers = (layout.owner + 1).to(torch.int32).to(live[signal].device)  # 0 is of no sample: padding
        numbers = numbers.view([-1 if k == layout.axis else 1 for k in range(live[signal].ndim)])
        expanded = numbers.expand(live[signal].shape)
        for copy in (False, True):  # most views can be had of the expanded numbers, which take no memory
            given = {**live, signal: expanded.contiguous() if copy else expanded}
            try:
                moved = element.replay(given.__getitem__)
                return [self._read(m, o) for m, o in zip(moved, outputs, strict=False)]
            except Exception:  # any function may refuse integers: the shape decides
                continue
        return [self.guess(o.shape) for o in outputs]

    def _read(self, numbers: torch.Tensor, output: torch.Tensor) -> Layout:
        features = 1 if output.ndim >= 4 else output.ndim - 1
        if numbers.shape != output.shape or output.numel() == 0:
            return self.guess(output.shape)
        centre = [n // 2 for n in numbers.shape]
        if not numbers[tuple(centre)]:
            place = (numbers != 0).flatten().int().argmax()
            centre = [int(k) for k in torch.unravel_index(place, numbers.shape)]
        found = self._unknown(features)
        for axis, n in enumerate(numbers.shape):
            index: tuple[Any, ...] = (*centre[:axis], slice(None), *centre[axis + 1 :])
            line = numbers[index].to("cpu", torch.int64)
            inside = line[line != 0]
            if len(inside) and bool((inside != inside[0]).any()):
                if found.axis is not None or len(inside) < n:
                    return self._unknown(features)
                found = Layout(self.samples, axis, line - 1, features)
        if found.axis is None and self.samples == 1 and output.ndim:
            return Layout(1, 0, torch.zeros(output.shape[0], dtype=torch.int64), features)
        return found


def _dims(element: Element, ndim: int) -> list[int]:
    """The axes that an element was told to work along, from its second argument or its keyword."""
    given = element.kwargs.get(
        "dim", element.kwargs.get("axis", element.args[1] if len(element.args) > 1 else None)
    )
    if given is None:
        return [0] if element.operation == "stack" else []
    return [int(k) % ndim for k in (given if isinstance(given, list | tuple) else [given])]

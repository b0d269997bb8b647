"""Which value a live tensor holds, through in-place operations and views: the functional form of a pass."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import torch
from torch import nn

from lensmaker.systems.networks.bits import version_of
from lensmaker.systems.networks.operations import LIKES, SHAPE_READERS
from lensmaker.systems.networks.train import Element, Origin, Ref, Train, Value
from lensmaker.systems.networks.trees import mapped

_T = TypeVar("_T")


@dataclass
class _Memory:
    """A piece of memory: the value that the whole of it holds, and how often it was written."""

    whole: int
    writes: int = 0


@dataclass(frozen=True)
class _View:
    """One step from a tensor to a view of it: an element, which input of it is seen, as which output."""

    element: Element
    source: int
    position: int


@dataclass
class _Holding:
    """What is known of a live tensor.

    Attributes
    ----------
    alive
        Returns the tensor, or None once it is gone.
    value, version, writes
        The value it held at its last use; torch's and the memory's count of writes at that time.
    memory, views
        The memory behind it, and the steps from the whole of that to this tensor.
    """

    alive: Callable[[], torch.Tensor | None]
    value: int
    version: int
    writes: int
    memory: _Memory
    views: tuple[_View, ...]


@dataclass(frozen=True)
class Provenance:
    """What a value depends on: its origin, the parameters where on those alone, and whether on the batch."""

    origin: Origin = Origin.CONSTANT
    parameters: frozenset[str] = frozenset()
    from_batch: bool = False

    def value(self, index: int, shape: tuple[int, ...], dtype: torch.dtype, producer: int | None) -> Value:
        """A value without content that depends on this."""
        return Value(index, shape, dtype, self.origin, self.parameters, self.from_batch, producer=producer)


def provenance(operation: str, inputs: tuple[int, ...], train: Train) -> Provenance:
    """What the outputs of an operation depend on."""
    if operation in SHAPE_READERS:
        return Provenance()
    values = [train.values[i] for i in (inputs[:1] if operation in LIKES else inputs)]
    from_batch = any(v.from_batch for v in values)
    weights = [v.parameters for v in values if v.origin is Origin.PARAMETER]
    if any(v.is_signal for v in values) or (weights and from_batch):
        return Provenance(Origin.SIGNAL, from_batch=True)
    if weights:
        return Provenance(Origin.PARAMETER, frozenset().union(*weights))
    return Provenance(from_batch=from_batch)


class Ledger:
    """The values of a train, and what is known of the tensors that hold them.

    An element that writes into a view also changes the whole, and every other view of it. The ledger adds
    the elements that say so: the whole with a part replaced, and views taken again.

    Parameters
    ----------
    train
        Receives the values and the elements.
    keep
        Keep the content of every value instead of that of parameters and constants alone.
    """

    def __init__(self, train: Train, *, keep: bool) -> None:
        self.train = train
        self.keep = keep
        self._known: dict[int, _Holding] = {}
        self._contents: dict[int, list[Value]] = {}

    def new(self, tensor: torch.Tensor, source: Provenance, producer: int | None = None) -> int:
        """A value that is no output of a recorded operation, held by `tensor` in memory of its own."""
        index = self._value(tensor, source, producer)
        self._hold(tensor, index, _Memory(index))
        return index

    def knows(self, tensor: torch.Tensor) -> bool:
        """Whether `tensor` holds a value."""
        held = self._known.get(id(tensor))
        return held is not None and held.alive() is tensor

    def index_of(self, tensor: torch.Tensor) -> int:
        """The value that `tensor` holds now; unknown tensors are constants of the model's code."""
        if not self.knows(tensor):
            parameter = isinstance(tensor, nn.Parameter)
            return self.new(tensor, Provenance(Origin.PARAMETER if parameter else Origin.CONSTANT))
        held = self._known[id(tensor)]
        if held.writes != held.memory.writes:
            self._hold(tensor, self._see_again(held), held.memory, held.views)
        elif held.version != version_of(tensor):  # written by what the recorder does not see
            old = self.train.values[held.value]
            self._write(tensor, self._value(tensor, Provenance(old.origin, old.parameters, old.from_batch)))
        return self._known[id(tensor)].value

    @contextmanager
    def watching(
        self, tensors: list[torch.Tensor], targets: list[torch.Tensor]
    ) -> Iterator[list[torch.Tensor]]:
        """Collect those of `tensors` that are overwritten inside; `targets` are expected to be."""
        for target in targets if self.keep else ():
            for value in self._contents.pop(_address(target), ()):
                if value.tensor is not None and value.origin is not Origin.PARAMETER:
                    value.tensor = value.tensor.clone()
        distinct = {id(t): t for t in tensors}
        before = {key: version_of(t) for key, t in distinct.items()}
        written: list[torch.Tensor] = []
        yield written
        written += [t for key, t in distinct.items() if version_of(t) != before[key]]
        # Inside torch.inference_mode there are no versions.
        written += [t for t in targets if t.is_inference() and id(t) in distinct]

    def enter(
        self,
        element: Element,
        source: Provenance,
        tensors: list[torch.Tensor],
        outputs: list[torch.Tensor],
        written: list[torch.Tensor],
    ) -> Element:
        """Append an element that just ran; its output tensors hold new values from now on."""
        made = tuple(self._value(o, source, producer=element.index) for o in outputs)
        element = replace(element, outputs=made)
        self.train.elements.append(element)
        for position, (output, value) in enumerate(zip(outputs, made, strict=True)):
            if any(output is t for t in written):
                self._write(output, value)
                continue
            seen = next((k for k, t in enumerate(tensors) if _address(t) == _address(output) != 0), None)
            if seen is None:
                self._hold(output, value, _Memory(value))
                continue
            held = self._known[id(tensors[seen])]
            step = () if output is tensors[seen] else (_View(element, element.inputs[seen], position),)
            self._hold(output, value, held.memory, (*held.views, *step))
        for tensor in written:
            if not any(tensor is o for o in outputs):  # a buffer that the function updates: a running mean
                self._write(tensor, self._value(tensor, Provenance()))
        return element

    # -- one entry ------------------------------------------------------------------------------

    def _value(self, tensor: torch.Tensor, source: Provenance, producer: int | None = None) -> int:
        value = source.value(len(self.train.values), tuple(tensor.shape), tensor.dtype, producer)
        self.train.values.append(value)
        if self.keep or source.origin is not Origin.SIGNAL:
            self._fill(value, tensor.detach())
        return value.index

    def _fill(self, value: Value, content: torch.Tensor) -> None:
        value.tensor = content
        self._contents.setdefault(_address(content), []).append(value)

    def _hold(self, tensor: torch.Tensor, value: int, memory: _Memory, views: tuple[_View, ...] = ()) -> None:
        alive: Callable[[], torch.Tensor | None] = (lambda: tensor) if self.keep else weakref.ref(tensor)
        self._known[id(tensor)] = _Holding(alive, value, version_of(tensor), memory.writes, memory, views)

    # -- memory ---------------------------------------------------------------------------------

    def _write(self, tensor: torch.Tensor, value: int) -> None:
        """`tensor` was overwritten and holds `value` now; so does the part of the whole that it sees."""
        held = self._known[id(tensor)]
        held.memory.writes += 1
        if not held.views:
            held.memory.whole = value
        else:
            whole = held.memory.whole
            last = held.views[-1].element
            element = replace(
                last,
                operation="setitem",
                function=partial(_overwrite, self.train.values, held.views),
                args=(Ref(whole), Ref(value)),
                kwargs={},
                inputs=(whole, value),
                outputs=(whole,),
            )
            held.memory.whole = self._imply(element)[0]
        self._hold(tensor, value, held.memory, held.views)

    def _see_again(self, held: _Holding) -> int:
        """What a view holds after its memory was overwritten through another one."""
        value = held.memory.whole
        for view in held.views:
            element = view.element
            source, now = view.source, value
            exchanged = partial(_exchange, Ref(source), Ref(now))
            args, kwargs = mapped(Ref, exchanged, (element.args, element.kwargs))
            inputs = tuple(_exchange(source, now, i) for i in element.inputs)
            value = self._imply(replace(element, args=args, kwargs=kwargs, inputs=inputs))[view.position]
        return value

    def _imply(self, like: Element) -> tuple[int, ...]:
        """Append an element that rearranges memory; its outputs are new values like those of `like`."""
        values = self.train.values
        index = len(self.train.elements)
        source = provenance(like.operation, like.inputs, self.train)
        made = []
        for old in [values[i] for i in like.outputs]:
            made.append(len(values))
            values.append(source.value(len(values), old.shape, old.dtype, index))
        if self.keep:
            with torch.no_grad():
                for i, content in zip(made, like.replay(lambda i: values[i].tensor), strict=True):
                    self._fill(values[i], content)
        where = replace(like.where, operation=like.operation, ordinal=-1)
        self.train.elements.append(replace(like, index=index, where=where, outputs=tuple(made)))
        return tuple(made)


def _overwrite(
    values: list[Value], views: tuple[_View, ...], whole: torch.Tensor, part: torch.Tensor
) -> torch.Tensor:
    """The whole with one view of it replaced by `part`."""
    copy = seen = whole.clone()
    for view in views:
        seen = view.element.replay(_except(view.source, seen, values))[view.position]
    seen.copy_(part)
    return copy


def _except(index: int, tensor: torch.Tensor, values: list[Value]) -> Callable[[int], torch.Tensor | None]:
    """The contents of the values, but for one."""
    return lambda i: tensor if i == index else values[i].tensor


def _exchange(old: _T, new: _T, item: _T) -> _T:
    return new if item == old else item


def _address(tensor: torch.Tensor) -> int:
    """Where the memory of a tensor begins; 0 for one without memory of its own."""
    try:
        return tensor.untyped_storage().data_ptr()
    except (NotImplementedError, RuntimeError):  # sparse, or wrapped by a transformation of functions
        return 0

"""The train of elements that one forward pass really ran, ready to be walked by any ray."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import torch

from lensmaker.core import Where
from lensmaker.systems.networks.operations import Family
from lensmaker.systems.networks.trees import mapped, tensors_in


class Origin(Enum):
    """What a value depends on."""

    CONSTANT = "neither on the float inputs nor on parameters"
    PARAMETER = "on parameters alone"
    SIGNAL = "on the input"


@dataclass(frozen=True)
class Ref:
    """A placeholder, among the arguments of an element, for an earlier value."""

    value: int


@dataclass
class Value:
    """A tensor of the pass: its shape, what it depends on and, where it was kept, its content."""

    index: int
    shape: tuple[int, ...]
    dtype: torch.dtype
    origin: Origin
    parameters: frozenset[str] = frozenset()
    from_batch: bool = False
    tensor: torch.Tensor | None = None
    producer: int | None = None

    @property
    def is_signal(self) -> bool:
        return self.origin is Origin.SIGNAL

    @property
    def is_float(self) -> bool:
        return self.dtype.is_floating_point


@dataclass(frozen=True)
class Element:
    """One operation of the train.

    Attributes
    ----------
    index, where, operation, family
        Position in the train, place in the network, canonical name and family.
    function, args, kwargs
        The torch function that ran and its arguments, tensors replaced by `Ref`.
    inputs, outputs
        Indices of the tensor values that flow in and out.
    overwrites
        Those of `inputs` that the function writes into; `replay` gives it copies of them.
    """

    index: int
    where: Where
    operation: str
    family: Family
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    overwrites: tuple[int, ...] = ()

    @property
    def mutates(self) -> bool:
        """Whether the function overwrites its first input."""
        return bool(self.inputs) and self.inputs[0] in self.overwrites

    def replay(self, resolve: Callable[[int], Any]) -> list[Any]:
        """Run the function again on other tensors; returns one tensor for each of `outputs`."""
        copies: list[torch.Tensor] = []

        def content(ref: Ref) -> Any:
            tensor = resolve(ref.value)
            if ref.value in self.overwrites:
                tensor = tensor.clone()
                copies.append(tensor)
            return tensor

        kwargs = {name: a for name, a in self.kwargs.items() if name != "out"}
        args, kwargs = mapped(Ref, content, (self.args, kwargs))
        returned = self.function(*args, **kwargs)
        return (tensors_in(returned) or copies)[: len(self.outputs)]


@dataclass
class Train:
    """A recorded forward pass.

    Attributes
    ----------
    model
        Name of the model's class.
    elements, values
        What ran, in order, and the tensors that flowed.
    inputs
        Values that the batch brought in.
    samples
        Number of samples in the batch.
    boundary
        Values at which the loss takes over from the network: its output, or what entered the loss.
    boundary_gradients
        Gradient of the loss with respect to those values (None where there was no loss).
    loss
        Value of the loss, None without one.
    modules
        Module path → class name.
    """

    model: str
    samples: int
    elements: list[Element] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    boundary: tuple[int, ...] = ()
    boundary_gradients: tuple[torch.Tensor | None, ...] = ()
    loss: float | None = None
    modules: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def signal_inputs(self, element: Element) -> list[int]:
        """Those inputs of `element` that depend on the network's input."""
        return [i for i in element.inputs if self.values[i].is_signal]

    def signal_output(self, element: Element) -> Value | None:
        """The first floating-point output that depends on the network's input, if there is one."""
        for i in element.outputs:
            if self.values[i].is_signal and self.values[i].is_float:
                return self.values[i]
        return None

    def before_loss(self) -> Iterator[Element]:
        """The elements of the network itself, without those of the loss."""
        for element in self.elements:
            if element.family is Family.LOSS or element.where.path.startswith(LOSS_PATH):
                continue
            yield element

    def visible(self) -> Iterator[Element]:
        """The elements a reader wants to see: those that do something to the signal."""
        for element in self.before_loss():
            if element.family is not Family.STRUCTURE and self.signal_output(element) is not None:
                yield element

    def weight_inputs(self, element: Element) -> list[Value]:
        """The values that `element` takes from parameters alone."""
        return [self.values[i] for i in element.inputs if self.values[i].origin is Origin.PARAMETER]


LOSS_PATH = "(loss)"
"""Path under which the elements of an external loss function are recorded."""

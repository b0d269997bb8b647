"""Record one real forward pass as a train: a torch function mode sees every operation that runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from lensmaker.core import Where
from lensmaker.systems.networks.composites import OPENED, in_autocast
from lensmaker.systems.networks.ledger import Ledger, Provenance, provenance
from lensmaker.systems.networks.operations import QUESTIONS, WRITERS, Family, canonical_name, family_of
from lensmaker.systems.networks.places import Places
from lensmaker.systems.networks.train import Element, Origin, Ref, Train, Value
from lensmaker.systems.networks.trees import mapped, tensors_in


@runtime_checkable
class Observer(Protocol):
    """Whoever wants to see the live tensors while they flow.

    One that has a method `overwriting(operation, inputs)` is also called before each operation that may
    overwrite its first input, while the input is still there.
    """

    def element(self, element: Element, inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> None:
        """Called right after each operation, before any later one can overwrite its outputs."""


class Recorder(TorchFunctionMode):
    """Builds a `Train` from the operations that run while the mode is active.

    Parameters
    ----------
    model
        Its parameters, buffers and module paths give values and elements their names.
    keep
        Keep the content of every value (for replays), instead of that of parameters and constants alone.
    observers
        Who sees live tensors.
    """

    def __init__(
        self, model: nn.Module, samples: int, *, keep: bool, observers: tuple[Observer, ...] = ()
    ) -> None:
        super().__init__()
        modules = {name: type(m).__name__ for name, m in model.named_modules()}
        self.train = Train(type(model).__name__, samples, modules=modules)
        self.observers = observers
        self.places = Places(model)
        self._ledger = Ledger(self.train, keep=keep)
        for name, p in model.named_parameters():
            self._ledger.new(p, Provenance(Origin.PARAMETER, frozenset([name])))
        for b in model.buffers():
            self._ledger.new(b, Provenance())

    def add_input(self, tensor: torch.Tensor) -> None:
        """Declare a tensor of the batch: floats start the signal, integers and masks are given."""
        continuous = tensor.is_floating_point() or tensor.is_complex()
        origin = Origin.SIGNAL if continuous else Origin.CONSTANT
        self.train.inputs.append(self._ledger.new(tensor, Provenance(origin, from_batch=True)))

    def index_of(self, tensor: torch.Tensor) -> int:
        """The value that `tensor` holds now."""
        if tensor.grad_fn is not None and not self._ledger.knows(tensor):
            self._unseen(tensor)
        return self._ledger.index_of(tensor)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        operation = canonical_name(func)
        if operation in QUESTIONS or getattr(func, "__name__", "") in QUESTIONS or _is_transformed():
            return func(*args, **kwargs)
        if func in OPENED:
            with self:
                return OPENED[func](*args, **kwargs)
        tensors = tensors_in((args, kwargs))
        inputs = tuple(self.index_of(t) for t in tensors)
        by_tensor = {id(t): Ref(i) for t, i in zip(tensors, inputs, strict=True)}
        recorded_args, recorded_kwargs = mapped(torch.Tensor, lambda t: by_tensor[id(t)], (args, kwargs))
        targets = _targets(func, args, kwargs)
        for observer in self.observers if targets else ():
            if hasattr(observer, "overwriting"):
                observer.overwriting(operation, tensors)
        moved = _running_statistics(operation, args, kwargs)
        with self._ledger.watching(tensors, [*targets, *moved]) as written:
            returned = func(*args, **kwargs)
        written += [t for t in moved if not any(t is w for w in written)]
        outputs = tensors_in(returned) or written
        if not outputs:
            return returned
        source = provenance(operation, inputs, self.train)
        element = Element(
            len(self.train.elements),
            self._where(operation, source.origin, tensors, inputs),
            operation,
            self._family(operation, inputs),
            in_autocast(func),
            recorded_args,
            recorded_kwargs,
            inputs,
            outputs=(),
            overwrites=tuple(i for t, i in zip(tensors, inputs, strict=True) if any(t is w for w in written)),
        )
        element = self._ledger.enter(element, source, tensors, outputs, written)
        if source.origin is Origin.SIGNAL:
            self._notify(element, tensors, outputs)
        return returned

    def _notify(self, element: Element, inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> None:
        # Whoever looks on may differentiate; a checkpoint counts what is saved for that as the network's own.
        with torch.autograd.graph.saved_tensors_hooks(_as_it_is, _as_it_is):
            for observer in self.observers:
                observer.element(element, inputs, outputs)

    def _unseen(self, tensor: torch.Tensor) -> None:
        """A differentiable tensor that no recorded operation made: the result of a scripted or transformed function."""
        index = len(self.train.elements)
        value = self._ledger.new(tensor, Provenance(Origin.SIGNAL, from_batch=True), producer=index)
        content = self.train.values[value]
        element = Element(
            index,
            self.places.here("unseen", []),
            "unseen",
            Family.OTHER,
            lambda: content.tensor,
            (),
            {},
            inputs=(),
            outputs=(value,),
        )
        self.train.elements.append(element)
        self._notify(element, [], [tensor])

    def _where(
        self, operation: str, origin: Origin, tensors: list[torch.Tensor], inputs: tuple[int, ...]
    ) -> Where:
        # Only elements of the signal are places; bookkeeping with constants keeps no count.
        if origin is not Origin.SIGNAL:
            return self.places.unnumbered(operation)
        weights = [
            t for t, i in zip(tensors, inputs, strict=True) if self.train.values[i].origin is Origin.PARAMETER
        ]
        return self.places.here(operation, weights)

    def _family(self, operation: str, inputs: tuple[int, ...]) -> Family:
        family = family_of(operation)
        values = [self.train.values[i] for i in inputs]
        if operation == "scaled_dot_product_attention":  # whose mask, or queries, may be learned
            return family
        if family is Family.ATTENTION or operation in {"addmm", "baddbmm"}:
            # A product with a parameter is linear; of signals with one another, attention. A stack of matrices
            # on several axes (sample, head) is computed: learned queries, say, handed to each sample.
            parameters = [v for v in values if v.origin is Origin.PARAMETER]
            learned = any(len(v.shape) > 3 and self._is_computed(v, operation) for v in parameters)
            return Family.LINEAR if parameters and not learned else Family.ATTENTION
        if operation in WRITERS:
            carriers = sum(v.is_float and v.origin is not Origin.CONSTANT for v in values)
            return Family.MERGE if carriers > 1 else Family.STRUCTURE
        return family

    def _is_computed(self, value: Value, operation: str) -> bool:
        """Whether a stack of matrices is no weight: expanded for `matmul`, or other than rearranged for `einsum`."""
        if operation == "matmul" or value.producer is None:
            return operation == "matmul"
        return self.train.elements[value.producer].family is not Family.STRUCTURE


def _as_it_is(saved: torch.Tensor) -> torch.Tensor:
    return saved


def _is_transformed() -> bool:
    """Whether a transformation (`torch.vmap`, `torch.func.grad`) runs: of it, the result alone is seen."""
    return torch._C._functorch.peek_interpreter_stack() is not None


def _targets(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[torch.Tensor]:
    """The tensors that a function may overwrite, told by its name and arguments."""
    if "out" in kwargs:
        return tensors_in(kwargs["out"])
    name = getattr(func, "__name__", "")
    inplace = (name.endswith("_") and not name.endswith("__")) or name == "__setitem__"
    augmented = name.startswith("__i") and name not in {"__invert__", "__index__", "__int__", "__iter__"}
    # A positional `inplace` cannot be told from other flags: any positional True counts as one.
    if inplace or augmented or kwargs.get("inplace") or any(a is True for a in args):
        first = next((a for a in (*args, *kwargs.values()) if tensors_in(a)), None)
        return tensors_in(first)
    return []


def _running_statistics(operation: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[torch.Tensor]:
    """The buffers that a normalisation moves, of which torch's version counters say nothing."""
    flag = {"batch_norm": "training", "instance_norm": "use_input_stats"}.get(operation)
    if flag is None or not kwargs.get(flag):
        return []
    return tensors_in([args[1:3], kwargs.get("running_mean"), kwargs.get("running_var")])

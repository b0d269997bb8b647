"""Record one real forward pass as a train: a torch function mode sees every operation, hooks say in which module."""

from __future__ import annotations

import types
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules import module as module_hooks
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only

from lensmaker.core import Where
from lensmaker.systems.networks.operations import Family, canonical_name, family_of
from lensmaker.systems.networks.train import LOSS_PATH, Element, Origin, Ref, Train, Value

_DECLINED = {"is_leaf", "grad_fn", "grad", "backward", "register_hook", "requires_grad", "retain_grad", "item", "tolist"}


@runtime_checkable
class Observer(Protocol):
    """Whoever wants to see the live tensors while they flow."""

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

    def __init__(self, model: nn.Module, samples: int, *, keep: bool, observers: tuple[Observer, ...] = ()) -> None:
        super().__init__()
        self.train = Train(type(model).__name__, samples)
        self.keep = keep
        self.observers = observers
        self._known: dict[int, tuple[Callable[[], torch.Tensor | None], int, int]] = {}
        self._paths = {id(m): name for name, m in model.named_modules()}
        self.train.modules = {name: type(m).__name__ for name, m in model.named_modules()}
        self._owners: dict[int, str] = {}
        for path, m in model.named_modules():
            for p in m._parameters.values():
                if p is not None:
                    self._owners.setdefault(id(p), path)
        self._calls: Counter[str] = Counter()
        self._ordinals: Counter[tuple[str, int, str]] = Counter()
        self._stack: list[tuple[nn.Module | None, str, int]] = [(model, "", 0)]
        for name, p in model.named_parameters():
            self._leaf(p, Origin.PARAMETER, frozenset([name]))
        for b in model.buffers():
            self._leaf(b, Origin.CONSTANT)

    # -- values ---------------------------------------------------------------------------------

    def _new(self, tensor: torch.Tensor, origin: Origin, **fields: Any) -> int:
        value = Value(len(self.train.values), tuple(tensor.shape), tensor.dtype, origin, **fields)
        self.train.values.append(value)
        if self.keep or origin is not Origin.SIGNAL:
            value.tensor = tensor.detach()
        alive: Callable[[], torch.Tensor | None] = (lambda: tensor) if self.keep else weakref.ref(tensor)
        self._known[id(tensor)] = (alive, value.index, _version(tensor))
        return value.index

    def _leaf(self, tensor: torch.Tensor, origin: Origin, parameters: frozenset[str] = frozenset()) -> int:
        return self._new(tensor, origin, parameters=parameters)

    def add_input(self, tensor: torch.Tensor) -> None:
        """Declare a tensor of the batch: floats start the signal, integers and masks are given."""
        origin = Origin.SIGNAL if tensor.is_floating_point() else Origin.CONSTANT
        self.train.inputs.append(self._new(tensor, origin, from_batch=True))

    def index_of(self, tensor: torch.Tensor) -> int:
        """The value that `tensor` holds now; unknown tensors are constants of the model's code."""
        alive, index, version = self._known.get(id(tensor), (lambda: None, -1, -1))
        if alive() is not tensor:
            return self._leaf(tensor, Origin.PARAMETER if isinstance(tensor, nn.Parameter) else Origin.CONSTANT)
        if _version(tensor) != version:
            # Overwritten through another view of its memory: what it holds now is a value of its own, known
            # only by its content.
            old = self.train.values[index]
            return self._new(tensor, old.origin, parameters=old.parameters, from_batch=old.from_batch)
        return index

    # -- places ---------------------------------------------------------------------------------

    @contextmanager
    def modules(self) -> Iterator[None]:
        """Follow which module is running, by global hooks that are gone on leaving."""
        handles = [
            module_hooks.register_module_forward_pre_hook(self._enter),
            module_hooks.register_module_forward_hook(self._leave),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @contextmanager
    def in_loss(self) -> Iterator[None]:
        """Record what runs inside under the path of the loss."""
        self._stack.append((None, LOSS_PATH, 0))
        try:
            yield
        finally:
            self._stack.pop()

    def _enter(self, module: nn.Module, args: Any) -> None:
        path = self._paths.get(id(module))
        if path is None or self._stack[-1][1] == LOSS_PATH:
            path = self._stack[-1][1]
            self._stack.append((module, path, self._stack[-1][2]))
            return
        call = self._calls[path]
        self._calls[path] += 1
        self._stack.append((module, path, call))

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        # Modules that an exception left, and that the model caught itself, go with their parent.
        for depth in range(len(self._stack) - 1, 0, -1):
            if self._stack[depth][0] is module:
                del self._stack[depth:]
                return

    def unwind(self) -> None:
        """Forget the modules that an exception left open."""
        del self._stack[1:]

    @property
    def path(self) -> str:
        """Path of the module that is running."""
        return self._stack[-1][1]

    def _where(self, operation: str, weights: list[torch.Tensor]) -> Where:
        module, path, call = self._stack[-1]
        own = set() if module is None else {id(p) for p in module._parameters.values() if p is not None}
        for w in weights:
            # A submodule's weight used by its parent (the out_proj of nn.MultiheadAttention) names that submodule.
            owner = self._owners.get(id(w))
            if owner is not None and id(w) not in own and owner.startswith(path + "." if path else ""):
                path = owner
                break
        key = (path, call, operation)
        ordinal = self._ordinals[key]
        self._ordinals[key] += 1
        return Where(path, call, operation, ordinal)

    # -- operations -----------------------------------------------------------------------------

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        operation = canonical_name(func)
        if operation in _DECLINED:
            return func(*args, **kwargs)
        if func in _OPENED:
            with self:
                return _OPENED[func](*args, **kwargs)
        tensors: list[torch.Tensor] = []
        tree_map_only(torch.Tensor, tensors.append, (args, kwargs))
        inputs = [self.index_of(t) for t in tensors]
        versions = [_version(t) for t in tensors]
        if self.keep and tensors and _overwrites(func, kwargs, args):
            self._copy_before_overwriting(tensors[0])
        refs = {id(t): Ref(i) for t, i in zip(tensors, inputs, strict=True)}
        recorded_args, recorded_kwargs = tree_map_only(torch.Tensor, lambda t: refs[id(t)], (args, kwargs))

        returned = func(*args, **kwargs)

        mutated = [t for t, v in zip(tensors, versions, strict=True) if _version(t) != v]
        outputs: list[torch.Tensor] = []
        _gather(returned, outputs)
        if returned is None and mutated:
            outputs = mutated[:1]
        if not outputs:
            return returned
        family = family_of(operation)
        if family is Family.ATTENTION or operation == "addmm":
            family = self._contraction(inputs)
        weights = [t for t, i in zip(tensors, inputs, strict=True) if self.train.values[i].origin is Origin.PARAMETER]
        origin, parameters, from_batch = self._provenance(inputs, outputs[0])
        index = len(self.train.elements)
        # Only elements of the signal are places; bookkeeping with constants keeps no count.
        where = (
            self._where(operation, weights)
            if origin is Origin.SIGNAL
            else Where(self.path, self._stack[-1][2], operation, -1)
        )
        made = []
        for o in outputs:
            value = self._new(o, origin, parameters=parameters, from_batch=from_batch)
            self.train.values[value].producer = index
            made.append(value)
        for t in mutated:
            if not any(t is o for o in outputs):  # a buffer that the function updates, such as a running mean
                self._leaf(t, Origin.CONSTANT)
        element = Element(
            index,
            where,
            operation,
            family,
            func,
            recorded_args,
            recorded_kwargs,
            tuple(inputs),
            tuple(made),
            None,
            mutates=any(t is o for t in mutated for o in outputs),
        )
        self.train.elements.append(element)
        if origin is Origin.SIGNAL:
            for observer in self.observers:
                observer.element(element, tensors, outputs)
        return returned

    def _contraction(self, inputs: list[int]) -> Family:
        """A product with a parameter is linear; of signals with one another, attention."""
        origins = [self.train.values[i].origin for i in inputs]
        return Family.LINEAR if Origin.PARAMETER in origins else Family.ATTENTION

    def _provenance(self, inputs: list[int], output: torch.Tensor) -> tuple[Origin, frozenset[str], bool]:
        values = [self.train.values[i] for i in inputs]
        parameters = frozenset().union(*(v.parameters for v in values if v.origin is Origin.PARAMETER))
        from_batch = any(v.from_batch for v in values)
        has_parameter = any(v.origin is Origin.PARAMETER for v in values)
        if any(v.is_signal for v in values) or (has_parameter and from_batch and output.is_floating_point()):
            return Origin.SIGNAL, frozenset(), True
        return (Origin.PARAMETER if has_parameter else Origin.CONSTANT), parameters, from_batch

    def _copy_before_overwriting(self, target: torch.Tensor) -> None:
        memory = target.untyped_storage().data_ptr()
        for value in self.train.values:
            if (
                value.tensor is not None
                and value.origin is Origin.SIGNAL
                and value.tensor.untyped_storage().data_ptr() == memory
            ):
                value.tensor = value.tensor.clone()


def _version(tensor: torch.Tensor) -> int:
    return -1 if tensor.is_inference() else tensor._version


def _gather(returned: Any, found: list[torch.Tensor]) -> None:
    if isinstance(returned, torch.Tensor):
        found.append(returned)
    elif isinstance(returned, list | tuple):
        for item in returned:
            _gather(item, found)
    elif isinstance(returned, dict):
        for item in returned.values():
            _gather(item, found)


def _overwrites(func: Callable[..., Any], kwargs: dict[str, Any], args: tuple[Any, ...]) -> bool:
    name = getattr(func, "__name__", "")
    inplace = (name.endswith("_") and not name.endswith("__")) or name == "__setitem__"
    augmented = name.startswith("__i") and name not in {"__invert__", "__index__", "__int__", "__iter__"}
    # A positional `inplace` cannot be told from other flags: any positional True asks for the copy.
    flagged = bool(kwargs.get("inplace")) or "out" in kwargs or any(a is True for a in args)
    return inplace or augmented or flagged


def _opened(function: types.FunctionType) -> types.FunctionType:
    """The same Python function, whose own dispatch to `__torch_function__` is switched off."""
    namespace = {**function.__globals__}
    for name in ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic"):
        namespace[name] = lambda *tensors: False
    copy = types.FunctionType(
        function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


# Composite functions that are recorded as the operations inside them.
_OPENED: dict[Any, Callable[..., Any]] = {F.multi_head_attention_forward: _opened(F.multi_head_attention_forward)}

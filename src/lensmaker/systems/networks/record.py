"""Run the network once, undisturbed, and bring back the train with the loss gradient at its boundary."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_flatten

from lensmaker.core import InputError, ModelError
from lensmaker.systems.networks.batch import Batch
from lensmaker.systems.networks.operations import Family
from lensmaker.systems.networks.recorder import Observer, Recorder
from lensmaker.systems.networks.train import LOSS_PATH, Element, Train
from lensmaker.systems.networks.undisturbed import remembered, seed_torch

LossFn = Callable[..., torch.Tensor]
ParameterGradients = dict[str, torch.Tensor]


def record(
    model: nn.Module,
    batch: Any,
    loss_fn: LossFn | None = None,
    *,
    keep: bool = True,
    gradients: bool = False,
    observers: tuple[Observer, ...] = (),
    on_parameter_gradients: Callable[[ParameterGradients], None] | None = None,
    seed: int = 0,
    batch_axis: int = 0,
    restore: Callable[[], object] | None = None,
) -> Train:
    """Record one forward pass of `model` on `batch`, and the loss gradient at its output.

    Parameters
    ----------
    model
        Any module; it is left bitwise as it was.
    batch
        A tensor, an `(x, y)` pair, or a dict for `model(**batch)`.
    loss_fn
        `loss_fn(output, y)`; `loss_fn(output)` for a lone tensor; None where the model returns its own
        `.loss`, or where no gradient is wanted.
    keep
        Keep the content of every value, so that rays can replay the train.
    gradients
        Run the backward pass through the whole network, for observers and `on_parameter_gradients`;
        otherwise it stops at the boundary with the loss.
    seed
        Seeds torch's generator inside, for dropout and its like.
    restore
        Brings model and loss back to what they were; None: what `remembered` knows of them.

    Raises
    ------
    InputError
        If the batch is not usable or the loss does not depend on the network.
    ModelError
        If the model raises; its own exception is the cause.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    >>> [str(e.where) for e in record(net, torch.ones(2, 3)).visible()]
    ['0:linear', '1:relu']
    """
    _check(model)
    restore = restore or partial(remembered(model, loss_fn), True)
    try:
        seed_torch(seed)
        batch = Batch.of(batch, batch_axis)
        return _run(model, batch, loss_fn, keep, gradients, observers, on_parameter_gradients)
    finally:
        restore()


def _run(
    model: nn.Module,
    batch: Batch,
    loss_fn: LossFn | None,
    keep: bool,
    gradients: bool,
    observers: tuple[Observer, ...],
    on_parameter_gradients: Callable[[ParameterGradients], None] | None,
) -> Train:
    trainable = _trainable(model)
    batch = batch.detached(requires_grad=not trainable)
    recorder = Recorder(model, batch.samples, keep=keep, observers=observers)
    train = recorder.train
    for t in batch.tensors:
        recorder.add_input(t)
    boundary = _Boundary(train)
    recorder.observers = (*observers, boundary)
    with torch.enable_grad(), _uncompiled(), recorder.places.followed():
        try:
            with recorder:
                output = model(*batch.args, **batch.kwargs)
        except (Exception, SystemExit) as error:
            place = f"module {recorder.places.path!r}" if recorder.places.path else "the network itself"
            raise ModelError(
                f"{type(model).__name__} to run on the batch ({batch})",
                f"{type(error).__name__} in {place}: {_first_line(error)}",
                "check that the batch has the shape and dtype the network is trained with",
            ) from error
        loss = _loss(recorder, output, batch, loss_fn)
    ends = boundary.found or {recorder.index_of(t): t for t in _float_tensors(output)}
    train.boundary = tuple(ends)
    train.notes += _axes(recorder.places.time_first, batch)
    if loss is not None:
        train.loss = float(loss.detach())
        leaves = list(trainable.values()) or [t for t in batch.tensors if t.requires_grad]
        found = _backward(train, loss, list(ends.values()), leaves if gradients else [])
        if gradients and on_parameter_gradients is not None:
            pairs = zip(trainable, found, strict=False)
            on_parameter_gradients({n: g for n, g in pairs if g is not None})
    return train


def _axes(time_first: dict[str, torch.Size], batch: Batch) -> list[str]:
    """A note, where a module takes for time what the batch is said to have its samples along."""
    for path, shape in time_first.items():
        if batch.axis == 0 and shape[0] == batch.samples != shape[1]:
            taken = f"{path or 'the network'} takes axis 0 for time (batch_first=False)"
            remedy = "pass batch_axis=1 if the samples lie along axis 1"
            return [f"{taken}, which counts as the {batch.samples} samples here: {remedy}"]
    return []


def _trainable(model: nn.Module) -> dict[str, torch.Tensor]:
    """The parameters that training would change; all of them in a network that is frozen throughout."""
    parameters: dict[str, torch.Tensor] = {
        n: p for n, p in model.named_parameters() if p.is_floating_point() or p.is_complex()
    }
    trainable = {n: p for n, p in parameters.items() if p.requires_grad}
    if not trainable:
        for parameter in parameters.values():
            parameter.requires_grad_(True)
    return trainable or parameters


@contextmanager
def _uncompiled() -> Iterator[None]:
    """What `torch.compile` wrapped runs as it was written; nothing to do while its compiler is not loaded."""
    if "torch._dynamo" not in sys.modules:
        yield
        return
    with warnings.catch_warnings(), torch.compiler.set_stance("force_eager"):
        warnings.filterwarnings("ignore", message="Using `torch.compile.*global hooks")
        yield


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") or "no message"


def _check(model: Any) -> None:
    if torch.is_inference_mode_enabled():
        raise InputError(
            "gradients to be possible",
            "torch.inference_mode()",
            "call it outside of that; torch.no_grad() does no harm",
        )
    if not isinstance(model, nn.Module):
        raise InputError("a torch.nn.Module", f"a {type(model).__name__}", "pass the network itself")
    if any(nn.parameter.is_lazy(p) for p in model.parameters()):
        raise InputError(
            "a network whose parameters exist",
            "lazy parameters without a shape",
            "run one forward pass first",
        )
    if any(p.is_meta for p in model.parameters()):
        raise InputError("parameters with values", "parameters on the meta device", "load the weights first")
    if any(hasattr(p, "device_mesh") for p in model.parameters()):
        raise InputError(
            "parameters that are whole in this process",
            "parameters sharded over processes",
            "inspect the network before it is sharded",
        )
    for path, module in model.named_modules():
        if type(module).__module__.startswith(("torch.ao.nn.quantized", "torch.ao.nn.intrinsic.quantized")):
            raise InputError(
                "weights in floating point",
                f"quantised ones at {path!r}",
                "inspect the network before it is quantised",
            )
        if isinstance(module, torch.jit.ScriptModule):
            raise InputError(
                "a network written in Python",
                f"a compiled TorchScript module at {path!r}" if path else "a compiled TorchScript module",
                "pass the module that torch.jit was given",
            )


class _Boundary:
    """Finds where the loss takes over: the signals that it takes from the network."""

    def __init__(self, train: Train) -> None:
        self.train = train
        self.found: dict[int, torch.Tensor] = {}
        self._of_loss: set[int] = set()

    def element(self, element: Element, inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> None:
        if element.family is not Family.LOSS and not element.where.path.startswith(LOSS_PATH):
            return
        self._of_loss.update(element.outputs)
        for index, tensor in zip(element.inputs, inputs, strict=True):
            value = self.train.values[index]
            if (
                value.is_signal
                and value.is_float
                and index not in self._of_loss
                and value.producer is not None
            ):
                self.found[index] = tensor


def _float_tensors(output: Any) -> list[torch.Tensor]:
    leaves = tree_flatten(dict(output) if hasattr(output, "keys") else output)[0]
    return [t for t in leaves if isinstance(t, torch.Tensor) and t.is_floating_point() and t.ndim > 0]


def _loss(recorder: Recorder, output: Any, batch: Batch, loss_fn: LossFn | None) -> torch.Tensor | None:
    if loss_fn is None:
        loss = output.get("loss") if hasattr(output, "get") else getattr(output, "loss", None)
    else:
        arguments = (output,) if batch.target is None and not batch.kwargs else (output, batch.target)
        if batch.target is None and batch.kwargs:
            arguments = (output, batch.kwargs)
        try:
            with recorder, recorder.places.in_loss(), warnings.catch_warnings(record=True) as heard:
                loss = loss_fn(*arguments)
        except Exception as error:  # which says what its warnings have announced
            raise ModelError(
                "the loss function to accept the network's output and the target",
                f"{type(error).__name__}: {_first_line(error)}",
                "check shapes and dtypes of output and target",
            ) from error
        for warning in heard:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    if loss is None and loss_fn is None:
        return None
    if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
        got = (
            f"a tensor of shape {tuple(loss.shape)}"
            if isinstance(loss, torch.Tensor)
            else f"a {type(loss).__name__}"
        )
        fix = "let the loss function return it" if loss is None else "reduce it with .mean()"
        raise InputError("a loss that is one number", got, fix)
    return loss


def _backward(
    train: Train, loss: torch.Tensor, boundary: list[torch.Tensor], leaves: list[torch.Tensor]
) -> tuple[torch.Tensor | None, ...]:
    """Store the loss gradient at the boundary; return that of `leaves`."""
    if not loss.requires_grad:
        raise InputError(
            "a loss that depends on the network's parameters",
            "one without a gradient",
            "check for detach(), no_grad() or .item() between network and loss",
        )
    wanted = [t for t in boundary if t.requires_grad]
    if not wanted and not leaves:
        return ()
    try:
        found = torch.autograd.grad(loss, [*wanted, *leaves], allow_unused=True)
    except RuntimeError as error:
        raise ModelError(
            "the backward pass to run",
            f"{type(error).__name__}: {_first_line(error)}",
            "check that the network trains; checkpointed parts need use_reentrant=False",
        ) from error
    by_leaf = found[len(wanted) :]
    if leaves and all(g is None for g in by_leaf):
        raise InputError(
            "a loss that depends on the network's parameters",
            "one whose gradient reaches none of them",
            "check for detach() or no_grad() between network and loss",
        )
    by_tensor = {id(t): g for t, g in zip(wanted, found, strict=False)}
    train.boundary_gradients = tuple(by_tensor.get(id(t)) for t in boundary)
    return by_leaf

"""A correction of a network: new contents for some of its tensors, all or none, and taken back bitwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lensmaker.core import CorrectionError
from lensmaker.numerics.finite import all_finite
from lensmaker.systems.networks.bits import version_of

Change = Callable[[Tensor], Tensor]
"""New content of a parameter or buffer from the present one, which is left alone."""


@dataclass(frozen=True)
class Scaled:
    """The change that multiplies by a factor.

    Examples
    --------
    >>> Scaled(3.0)(torch.tensor([1.0, 2.0]))
    tensor([3., 6.])
    """

    factor: float

    def __call__(self, tensor: Tensor) -> Tensor:
        return tensor * self.factor

    def __str__(self) -> str:
        return f"scaling it by {self.factor:.4g}"


@dataclass(frozen=True)
class ScaledRows:
    """The change that multiplies some rows, from `start` up to `stop`, by a factor."""

    factor: float
    start: int
    stop: int

    def __call__(self, tensor: Tensor) -> Tensor:
        new = tensor.clone()
        new[self.start : self.stop] *= self.factor
        return new

    def __str__(self) -> str:
        return f"scaling it by {self.factor:.4g}"


@dataclass(frozen=True)
class Replaced:
    """The change that puts a content that is known, where `chosen` (all entries, by default) is true."""

    content: Tensor
    chosen: Tensor | None = None

    def __call__(self, tensor: Tensor) -> Tensor:
        new = self.content.to(tensor).expand_as(tensor)
        return new.clone() if self.chosen is None else torch.where(self.chosen.to(tensor.device), new, tensor)

    def __str__(self) -> str:
        return "writing new values"


def combined(changes: Iterable[Mapping[str, Change]]) -> dict[str, Change]:
    """The changes of several findings as one: those of one tensor after another, of factors their product."""
    found: dict[str, Change] = {}
    for some in changes:
        for name, change in some.items():
            before = found.get(name)
            if before is None:
                found[name] = change
            elif isinstance(before, Scaled) and isinstance(change, Scaled):
                found[name] = Scaled(before.factor * change.factor)
            else:
                found[name] = _After(before, change)
    return found


@dataclass(frozen=True)
class _After:
    first: Change
    second: Change

    def __call__(self, tensor: Tensor) -> Tensor:
        return self.second(self.first(tensor))

    def __str__(self) -> str:
        return f"{self.first} and {self.second}"


@dataclass(frozen=True)
class Correction:
    """A correction that has been applied, with what it needs to be taken back.

    Examples
    --------
    >>> net = nn.Linear(2, 2)
    >>> before = net.weight.detach().clone()
    >>> done = apply(net, {"weight": Scaled(3.0)})
    >>> done.undo()
    >>> bool((net.weight == before).all())
    True
    """

    model: nn.Module
    originals: tuple[tuple[str, Tensor], ...]
    corrected: tuple[tuple[str, Tensor], ...]

    def undo(self) -> None:
        """Restore every corrected tensor bitwise.

        Raises
        ------
        CorrectionError
            If one has changed since, for example by training: undoing would lose that.
        """
        tensors = _tensors(self.model)
        for name, value in self.corrected:
            if not _same(tensors.get(name), value):
                raise CorrectionError(
                    "the network as the correction left it",
                    f"{name} changed since",
                    "undo before training on, or keep a copy of the weights",
                )
        _write(tensors, self.originals, otherwise=self.corrected)


def apply(model: nn.Module, changes: Mapping[str, Change]) -> Correction:
    """Change each named parameter or buffer; nothing is changed if any of them cannot be.

    Raises
    ------
    CorrectionError
        If a name is not one of theirs, or a value is not a floating-point one, or the result is not finite.
    """
    correction = _prepared(model, changes)
    _write(_tensors(model), correction.corrected, otherwise=correction.originals)
    return correction


def versions(model: nn.Module) -> dict[str, tuple[int, int]]:
    """Of each parameter and buffer, what is another one once it was written to or exchanged."""
    return {n: (id(t), version_of(t)) for n, t in _tensors(model).items()}


@contextmanager
def tried(model: nn.Module, changes: Mapping[str, Change]) -> Iterator[None]:
    """The network as it would be with the correction, for as long as the block runs.

    Autograd does not hear of it, so a graph that was recorded before is still good for a backward pass after.

    Raises
    ------
    CorrectionError
        As `apply`.
    """
    correction = _prepared(model, changes)
    tensors = {n: t.data for n, t in _tensors(model).items()}  # .data has a version counter of its own
    _write(tensors, correction.corrected, otherwise=correction.originals)
    try:
        yield
    finally:
        _write(tensors, correction.originals, otherwise=correction.originals)


_Values = Sequence[tuple[str, Tensor]]


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def _prepared(model: nn.Module, changes: Mapping[str, Change]) -> Correction:
    """The correction, not yet applied."""
    tensors = _tensors(model)
    originals, corrected = [], []
    for name, change in changes.items():
        tensor = tensors.get(name)
        if tensor is None or not tensor.is_floating_point():
            raise CorrectionError(
                "a floating-point parameter of the network", repr(name), "scale the weight where it is made"
            )
        value = change(tensor.detach())
        if not all_finite(value):
            raise CorrectionError(
                f"finite weights after {str(change).replace(' it', f' {name}')}",
                "values that overflow or are not numbers",
                "repair the weights that are not finite first",
            )
        originals.append((name, tensor.detach().clone()))
        corrected.append((name, value))
    return Correction(model, tuple(originals), tuple(corrected))


def _same(tensor: Tensor | None, value: Tensor) -> bool:
    if tensor is None or (tensor.dtype, tensor.device) != (value.dtype, value.device):
        return False
    return torch.equal(tensor.detach(), value)


def _write(tensors: Mapping[str, Tensor], values: _Values, *, otherwise: _Values) -> None:
    """Write all the values, or after an interrupt `otherwise`: half a correction is none."""
    try:
        with torch.no_grad():
            for name, value in values:
                tensors[name].copy_(value)
    except BaseException:
        with torch.no_grad():
            for name, value in otherwise:
                tensors[name].copy_(value)
        raise

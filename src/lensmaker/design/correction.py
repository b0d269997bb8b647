"""A correction of a network: parameters multiplied by factors, all or none, and taken back bitwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lensmaker.core import CorrectionError


@dataclass(frozen=True)
class Correction:
    """A correction that has been applied, with what it needs to be taken back.

    Examples
    --------
    >>> net = nn.Linear(2, 2)
    >>> before = net.weight.detach().clone()
    >>> done = apply(net, {"weight": 3.0})
    >>> done.undo()
    >>> bool((net.weight == before).all())
    True
    """

    model: nn.Module
    originals: tuple[tuple[str, Tensor], ...]
    corrected: tuple[tuple[str, Tensor], ...]

    def undo(self) -> None:
        """Restore every corrected parameter bitwise.

        Raises
        ------
        CorrectionError
            If a parameter has changed since, for example by training: undoing would lose that.
        """
        parameters = dict(self.model.named_parameters())
        for name, value in self.corrected:
            if not _same(parameters.get(name), value):
                raise CorrectionError(
                    "the network as the correction left it",
                    f"{name} changed since",
                    "undo before training on, or keep a copy of the weights",
                )
        _write(parameters, self.originals, otherwise=self.corrected)


def apply(model: nn.Module, factors: Mapping[str, float]) -> Correction:
    """Multiply each named parameter by its factor; nothing is changed if any of them cannot be.

    Raises
    ------
    CorrectionError
        If a name is not a parameter, or a value is not a floating-point one, or the result is not finite.
    """
    correction = _prepared(model, factors)
    _write(dict(model.named_parameters()), correction.corrected, otherwise=correction.originals)
    return correction


def versions(model: nn.Module) -> dict[str, tuple[int, int]]:
    """Of each parameter, what is another one once it was written to or exchanged."""
    return {n: (id(p), 0 if p.is_inference() else p._version) for n, p in model.named_parameters()}


@contextmanager
def tried(model: nn.Module, factors: Mapping[str, float]) -> Iterator[None]:
    """The network as it would be with the correction, for as long as the block runs.

    Autograd does not hear of it, so a graph that was recorded before is still good for a backward pass after.

    Raises
    ------
    CorrectionError
        As `apply`.
    """
    correction = _prepared(model, factors)
    parameters = {n: p.data for n, p in model.named_parameters()}  # .data has a version counter of its own
    _write(parameters, correction.corrected, otherwise=correction.originals)
    try:
        yield
    finally:
        _write(parameters, correction.originals, otherwise=correction.originals)


_Values = Sequence[tuple[str, Tensor]]


def _prepared(model: nn.Module, factors: Mapping[str, float]) -> Correction:
    """The correction, not yet applied."""
    parameters = dict(model.named_parameters())
    originals, corrected = [], []
    for name, factor in factors.items():
        parameter = parameters.get(name)
        if parameter is None or not parameter.is_floating_point():
            raise CorrectionError(
                "a floating-point parameter of the network", repr(name), "scale the weight where it is made"
            )
        value = parameter.detach() * factor
        if not bool(value.isfinite().all()):
            raise CorrectionError(
                f"finite weights after scaling {name} by {factor:.4g}",
                "values that overflow or are not numbers",
                "repair the weights that are not finite first",
            )
        originals.append((name, parameter.detach().clone()))
        corrected.append((name, value))
    return Correction(model, tuple(originals), tuple(corrected))


def _same(parameter: Tensor | None, value: Tensor) -> bool:
    if parameter is None or (parameter.dtype, parameter.device) != (value.dtype, value.device):
        return False
    return torch.equal(parameter.detach(), value)


def _write(parameters: Mapping[str, Tensor], values: _Values, *, otherwise: _Values) -> None:
    """Write all the values, or after an interrupt `otherwise`: half a correction is none."""
    try:
        with torch.no_grad():
            for name, value in values:
                parameters[name].copy_(value)
    except BaseException:
        with torch.no_grad():
            for name, value in otherwise:
                parameters[name].copy_(value)
        raise

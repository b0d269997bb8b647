"""A bump through a stack of layers: how far it moves and widens, and by how much activations make that untrue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from lensmaker.core import INSIDE, InputError, Regime
from lensmaker.theories.field_equation.layer_field import LayerField

TRUSTED = 0.01
"""Relative change of a field by all activations together from which a bump is said to be outside of the theory."""

SMALLEST = 1e-300


@dataclass(frozen=True)
class Bump:
    """What becomes of a bump.

    Attributes
    ----------
    shift
        By how much its centroid moves: −Σ A, pixels, (d,).
    growth
        By how much its covariance grows: Σ (g − AAᵀ), pixels², (d, d).
    bending
        Bound on the relative change of the field by the activations, summed over layers.
    regime
        Outside where that is more than a hundredth, or where the layers are no one chain of single channels.
    """

    shift: Tensor
    growth: Tensor
    bending: float
    regime: Regime


def bump(fields: Sequence[LayerField], amplitude: float) -> Bump:
    r"""A bump of the given height after a chain of single-channel layers, none of which is near a border.

    Sums of cumulants are exact while the layers are linear on what flows: through ReLU while no kernel has a negative
    weight; through others while the height a_t ≤ a Π Σ|w| stays where f(u) = f′(0)u up to a part δ_t. The sum of these
    parts is `bending`.

    Parameters
    ----------
    fields
        The layers, in order.
    amplitude
        Largest value of the bump, positive.

    Raises
    ------
    InputError
        If the height is not positive, a layer has several channels or a stride, or its weights sum to zero.

    Examples
    --------
    >>> from lensmaker.systems.networks import record
    >>> from lensmaker.theories.field_equation.theory import read
    >>> conv = torch.nn.Conv1d(1, 1, 3, bias=False)
    >>> with torch.no_grad():
    ...     _ = conv.weight.copy_(torch.tensor([[[0.0, 0.5, 0.5]]]))
    >>> layers = read(record(torch.nn.Sequential(conv, torch.nn.Tanh()), torch.ones(1, 1, 9)))
    >>> small, large = bump(layers, 1e-3), bump(layers, 1.0)
    >>> small.shift.tolist(), small.growth.tolist(), bool(small.regime), bool(large.regime)
    ([-0.5], [[0.25]], True, False)
    """
    if not amplitude > 0:
        raise InputError("a bump of positive height", f"{amplitude}", "pass amplitude=1e-3")
    for field in fields:
        _check(field)
    shift = -torch.stack([field.drift for field in fields]).sum(0)
    growth = torch.stack([field.covariance for field in fields]).sum(0)
    height, bending, reason, positive = float(amplitude), 0.0, "", True
    for field in fields:
        taps = field.kernel.taps
        height *= float(taps.abs().sum())
        positive = positive and bool((taps >= 0).all())
        if bool(field.kernel.shift.any()):
            reason = reason or f"{field.kernel.where} has a bias, which is no part of a bump"
        activation = field.kernel.activation
        if not activation:
            continue
        part = _bending(activation, height, positive)
        bending += part
        if bending > TRUSTED and not reason:
            reason = (
                f"{activation} behind {field.kernel.where} bends fields of height {height:.2g} by {part:.1%}"
            )
    return Bump(shift, growth, bending, Regime(reason) if reason else INSIDE)


def _check(field: LayerField) -> None:
    kernel = field.kernel
    if kernel.inputs != 1 or kernel.outputs != 1:
        raise InputError(
            "layers of one channel",
            f"{kernel.where} with {kernel.inputs} and {kernel.outputs}",
            "read branches",
        )
    if set(kernel.stride) != {1.0}:
        raise InputError("layers of stride 1", f"{kernel.where} with {kernel.stride}", "leave the stride out")


def _bending(activation: str, height: float, positive: bool) -> float:
    """The largest |f(u) − f(0) − f′(0)u| / (f′(0) height) for |u| ≤ height, or for 0 ≤ u where fields stay positive."""
    f: Callable[[Tensor], Tensor] | None = getattr(torch, activation, None) or getattr(F, activation, None)
    if f is None:
        return float("inf")
    u = torch.linspace(0 if positive else -height, height, 257, dtype=torch.float64)
    with torch.enable_grad():
        zero = torch.tensor([SMALLEST], dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(f(zero).sum(), zero)
    if not float(slope):
        return float("inf")
    with torch.no_grad():
        off = (f(u) - f(torch.zeros_like(u)) - slope * u).abs().max()
    return float(off / (slope.abs() * height))

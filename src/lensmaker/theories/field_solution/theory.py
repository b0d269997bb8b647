"""Field solution: what a network's signals are if it is the field equation that it is read as."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lensmaker.core import INSIDE, Convergence, Prediction, Reference, Regime, Table
from lensmaker.core.bibliography import RUTHOTTO_2020
from lensmaker.systems.networks import Network
from lensmaker.theories.base import Theory
from lensmaker.theories.field_equation.layer_field import LayerField
from lensmaker.theories.field_solution.solved import Solved, solved

TRUSTED = 0.3
"""Relative error of the field, added up over the layers, beyond which the theory calls itself outside."""


@dataclass(frozen=True)
class FieldSolution(Theory):
    r"""Mean and second moment behind each layer, from the first field on by the field equation alone.

        ∂_t φ = ½ g^{ij} ∂_i∂_j φ + A^i ∂_i φ + V φ,   one unit of time a layer

    The error is what a layer makes otherwise of the field that the equation has made, |f(Kφ) − φ′|, added up over the
    layers; K is taken as periodic there.

    Raises
    ------
    InputError
        If there is no chain of convolutions that keep the shape, or it has biases, another activation than ReLU and
        tanh, or no real logarithm.

    Parameters
    ----------
    samples
        Of the batch that are followed.

    Examples
    --------
    >>> conv = torch.nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular", bias=False)
    >>> with torch.no_grad():
    ...     _ = conv.weight.copy_(torch.tensor([[[0.25, 0.5, 0.25]]]))
    >>> wave = torch.cos(2 * torch.pi / 64 * torch.arange(64.0))[None, None]
    >>> for p in FieldSolution().predict(Network(torch.nn.Sequential(conv, conv), wave)):
    ...     if p.quantity.name == "second_moment":
    ...         print(p.where, round(p.value, 4), p.error < 1e-5)  # ½ e^{−k²t/2}
    0:conv1d 0.4976 True
    0@1:conv1d 0.4952 True
    """

    samples: int = 8

    name = "field_solution"
    summary = "Mean and second moment behind each layer, by solving the network's field equation."
    quantities = ("mean", "second_moment")
    assumptions = (
        "layers are convolutions that keep the shape of the field, behind each other",
        "fields are smooth over a kernel",
        "fields stay positive where the activation is ReLU, and small where it is tanh",
    )
    references: ClassVar[tuple[Reference, ...]] = (RUTHOTTO_2020,)

    def predict(self, system: Network) -> Table[Prediction]:
        return Table(self._predictions(solved(system.probes(self.samples))))

    def _predictions(self, found: Solved) -> Iterator[Prediction]:
        failed = found.solution.convergence is not Convergence.CONVERGED
        error, before = 0.0, found.start
        for layer, where, field in zip(
            found.chain.fields, found.chain.wheres, found.solution.fields, strict=True
        ):
            error += math.inf if failed else defect(layer, before, field)
            regime = self._regime(layer, field, error, found.solution.convergence)
            mean, second = float(field.mean()), float(field.square().mean())
            size = math.sqrt(second) if second == second else math.nan
            yield self.prediction("mean", where, mean, error * size, regime)
            yield self.prediction("second_moment", where, second, 2 * error * second, regime)
            before = field

    def _regime(self, layer: LayerField, field: Tensor, error: float, state: Convergence) -> Regime:
        if state is not Convergence.CONVERGED:
            return Regime(state.value)
        if layer.kernel.activation == "relu" and float(field.min()) < -1e-6 * float(field.abs().max()):
            return Regime("the field turns negative, where ReLU is not linear")
        if error > TRUSTED:
            return Regime("the field is too rough for operators of second order")
        return INSIDE


def defect(layer: LayerField, before: Tensor, after: Tensor) -> float:
    """|Kφ − φ′|/|φ′|: the layer itself, activation and all, on the solution, beside the solution later."""
    kernel = layer.kernel
    found = _convolved(layer, before)
    if kernel.activation == "tanh":
        found = found.tanh()
    elif kernel.activation == "relu":
        found = found.clamp_min(0)
    size = float(after.norm())
    return float((found - after).norm()) / size if size else 0.0


def _convolved(layer: LayerField, field: Tensor) -> Tensor:
    """The kernel on the waves of a field, as if it were periodic."""
    kernel, d = layer.kernel, layer.kernel.dimension
    shape, axes = field.shape[-d:], tuple(range(-d, 0))
    k = [
        2 * torch.pi * torch.fft.fftfreq(n, h, dtype=torch.float64)
        for n, h in zip(shape, kernel.spacing, strict=True)
    ]
    momenta = torch.stack([m.flatten() for m in torch.meshgrid(*k, indexing="ij")], -1)
    factors = layer.symbol(momenta)
    waves = torch.fft.fftn(field, dim=axes).flatten(2)
    groups, own = kernel.groups, kernel.inputs // kernel.groups
    split = waves.reshape(len(waves), groups, own, -1)
    weights = factors.reshape(groups, kernel.outputs // groups, own, -1)
    out = torch.einsum("goin,bgin->bgon", weights, split).reshape(len(waves), kernel.outputs, *shape)
    return torch.fft.ifftn(out, dim=axes).real

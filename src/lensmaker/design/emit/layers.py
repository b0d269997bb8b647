"""Layers that carry a stencil: convolutions where all points are alike, locally connected ones where not."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor, nn

from lensmaker.systems.fields.equations.grid import Boundary, Grid
from lensmaker.systems.fields.equations.reactions import PointLaw, PolynomialReaction

_CONVOLUTIONS: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_PADDING = {Boundary.PERIODIC: "circular", Boundary.REFLECTING: "reflect", Boundary.ZERO: "zeros"}


def carrier(weights: Tensor, grid: Grid) -> nn.Module:
    """The layer with these weights: (C, C, *kernel) as a convolution, with the grid's axes behind as a local one."""
    if weights.ndim > 2 + grid.axes:
        return LocallyConnected(weights, grid)
    kernel = tuple(weights.shape[2:])
    size: Any = {
        "padding": tuple(k // 2 for k in kernel),
        "padding_mode": _PADDING[grid.boundary],
        "bias": False,
        "dtype": weights.dtype,
        "device": "meta",  # there nothing is drawn
    }
    layer: nn.Module = _CONVOLUTIONS[grid.axes](weights.shape[1], weights.shape[0], kernel, **size)
    layer.to_empty(device=weights.device)
    layer.weight = nn.Parameter(weights.clone())
    return layer


class LocallyConnected(nn.Module):
    """A convolution whose kernel differs from point to point: y_o(x) = Σ_{i, z} w_{oi}(z, x) φ_i(x + z).

    Attributes
    ----------
    weight
        (C_out, C_in, *kernel, *shape).

    Examples
    --------
    >>> grid = Grid((4,), (1.0,))
    >>> weights = torch.zeros(1, 1, 3, 4)
    >>> weights[0, 0, 2] = torch.arange(4.0)
    >>> LocallyConnected(weights, grid)(torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])).tolist()
    [[[0.0, 3.0, 8.0, 3.0]]]
    """

    def __init__(self, weights: Tensor, grid: Grid) -> None:
        super().__init__()
        self.grid = grid
        self.kernel = tuple(weights.shape[2 : 2 + grid.axes])
        self.weight = nn.Parameter(weights.clone())

    def forward(self, x: Tensor) -> Tensor:
        wide = self.grid.padded(x, [k // 2 for k in self.kernel])
        windows = [
            wide[
                (
                    slice(None),
                    slice(None),
                    *(slice(s, s + n) for s, n in zip(step, self.grid.shape, strict=True)),
                )
            ]
            for step in itertools.product(*map(range, self.kernel))
        ]
        seen = torch.stack(windows, 2)  # (batch, channels, taps, *shape)
        return torch.einsum("oit...,bit...->bo...", self.weight.flatten(2, 1 + self.grid.axes), seen)

    def extra_repr(self) -> str:
        return f"{self.weight.shape[1]}, {self.weight.shape[0]}, kernel_size={self.kernel}, grid={self.grid}"


class PolynomialUnit(nn.Module):
    """Σ_k c_k φ^k of each point and channel, c trainable."""

    def __init__(self, coefficients: Tensor) -> None:
        super().__init__()
        self.coefficients = nn.Parameter(coefficients.clone())

    def forward(self, x: Tensor) -> Tensor:
        total = torch.zeros_like(x)
        for c in self.coefficients.flip(0).unbind():
            total = total * x + c
        return total


class PointUnit(nn.Module):
    """Any function of each point, times a number."""

    def __init__(self, law: PointLaw, scale: float) -> None:
        super().__init__()
        self.law, self.scale = law, scale

    def forward(self, x: Tensor) -> Tensor:
        return self.law(x) * self.scale


def unit(reaction: PointLaw, step: float, dtype: torch.dtype) -> nn.Module:
    """A reaction over a step: trainable where it is a polynomial."""
    if isinstance(reaction, PolynomialReaction):
        return PolynomialUnit(torch.tensor(reaction.coefficients, dtype=dtype) * step)
    return PointUnit(reaction, step)

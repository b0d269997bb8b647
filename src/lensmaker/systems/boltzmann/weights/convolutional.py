"""Weights that are the same everywhere on a torus: translation symmetry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from lensmaker.core import InputError
from lensmaker.systems.boltzmann.weights.base import Weights


class Convolutional(Weights):
    """Kernels K_{f,c}(r), a cross-correlation: the hidden unit f at x feels Σ_{c,r} K_{f,c}(r) v_c(x + r).

    Layers are (channels × sites) and (filters × sites) on a torus of one to three dimensions, in C order.

    Attributes
    ----------
    shape
        Sides of the torus.
    """

    kind = "convolutional"
    is_tied = True

    def __init__(
        self,
        shape: Sequence[int],
        kernel: Sequence[int],
        filters: int,
        channels: int = 1,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.shape, self.kernel = tuple(shape), tuple(kernel)
        self.filters, self.channels = filters, channels
        if not 1 <= len(self.shape) <= 3 or len(self.kernel) != len(self.shape):
            got = f"{self.shape} and {self.kernel}"
            raise InputError("a torus of one to three sides, and a kernel of as many", got, "pass both alike")
        if any(not 1 <= k <= n for k, n in zip(self.kernel, self.shape, strict=True)):
            raise InputError(
                "a kernel that fits on the torus", f"{self.kernel} on {self.shape}", "shorten it"
            )
        if filters < 1 or channels < 1:
            got = f"{filters} and {channels}"
            raise InputError("one filter and one channel at least", got, "pass filters=8")
        sites = math.prod(self.shape)
        self.visible, self.hidden = channels * sites, filters * sites
        self.parameter = nn.Parameter(torch.zeros(filters, channels, *self.kernel, dtype=dtype))

    @property
    def spec(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "shape": list(self.shape),
            "kernel": list(self.kernel),
            "filters": self.filters,
            "channels": self.channels,
        }

    def _convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        return (functional.conv1d, functional.conv2d, functional.conv3d)[len(self.shape) - 1](x, weight)

    def _wrapped(self, x: Tensor, before: bool) -> Tensor:
        """Continued beyond the edges by kernel − 1 sites, before the first or after the last."""
        for axis, k in enumerate(self.kernel):
            if k > 1:
                edge = x.narrow(2 + axis, x.shape[2 + axis] - k + 1 if before else 0, k - 1)
                x = torch.cat([edge, x] if before else [x, edge], 2 + axis)
        return x

    def up(self, v: Tensor, bias: Tensor, out: Tensor | None = None) -> Tensor:
        return torch.add(self._up(self.parameter, v), bias, out=out)

    def down(self, h: Tensor, bias: Tensor, out: Tensor | None = None) -> Tensor:
        return torch.add(self._down(self.parameter, h), bias, out=out)

    def _up(self, kernels: Tensor, v: Tensor) -> Tensor:
        x = self._wrapped(v.view(-1, self.channels, *self.shape), before=False)
        return self._convolve(x, kernels).reshape(len(v), self.hidden)

    def _down(self, kernels: Tensor, h: Tensor) -> Tensor:
        x = self._wrapped(h.view(-1, self.filters, *self.shape), before=True)
        axes = tuple(range(2, 2 + len(self.shape)))
        return self._convolve(x, kernels.transpose(0, 1).flip(axes)).reshape(len(h), self.visible)

    def add_products_(self, into: Tensor, v: Tensor, h: Tensor, scale: float, keep: float = 1.0) -> None:
        if not keep:
            into.zero_()  # whatever was there, numbers or not
        into.mul_(keep)
        if len(v):  # a convolution has no kernel of no rows
            x = self._wrapped(v.view(-1, self.channels, *self.shape), before=False).transpose(0, 1)
            y = h.view(-1, self.filters, *self.shape).transpose(0, 1)
            into.add_(self._convolve(x, y).transpose(0, 1), alpha=scale)

    def add_outer_(self, into: Tensor, v: Tensor, h: Tensor, scale: float) -> None:
        self.add_products_(into, v[None], h[None], scale)

    def applied_up(self, parameter: Tensor, v: Tensor) -> Tensor:
        return self._up(parameter, v[None])[0]

    def applied_down(self, parameter: Tensor, h: Tensor) -> Tensor:
        return self._down(parameter, h[None])[0]

    def alike(self, layer: str, values: Tensor) -> Tensor:
        return values.view(self.channels if layer == "visible" else self.filters, -1)

"""Residual limit: how far a residual network is from the flow that it steps along, predicted without refining it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lensmaker.core import INSIDE, Prediction, Reference, Regime, Table, Where
from lensmaker.core.bibliography import HABER_2017
from lensmaker.systems.networks.residual_chain import ResidualChain
from lensmaker.theories.base import Theory

SMALL = 0.3
"""Relative gap beyond which the leading term is not the whole of it."""


@dataclass(frozen=True)
class ResidualLimit(Theory):
    r"""The leading error of Euler's method along the network itself.

        e_{l+1} = e_l + ∂f_l(x_l) e_l + ½ ẍ_l,   ẍ_l = f_{l+1}(x_{l+1}) − f_l(x_l),   gap = |e_L|/|x_L + e_L|

    and the order is 1. Behind the last layer weights stay as they are. The error of the gap is its square: what
    the next order is expected to make.

    Examples
    --------
    >>> branch = torch.nn.Linear(1, 1, bias=False)
    >>> _ = torch.nn.init.constant_(branch.weight, -0.1)
    >>> chain = ResidualChain((branch,) * 4, torch.ones(2, 1))
    >>> print(*(f"{p.quantity} {p.value:.3f}" for p in ResidualLimit().predict(chain)))  # e^{−0.4} and 0.9⁴: 0.0212
    depth_order 1.000 depth_gap 0.022
    """

    name = "residual_limit"
    summary = (
        "The distance of a residual network from its continuous limit, by the leading error of Euler steps."
    )
    quantities = ("depth_order", "depth_gap")
    assumptions = (
        "weights change little from layer to layer, so that a straight line between them means something",
        "branches are small and smooth: the gap is small",
    )
    references: ClassVar[tuple[Reference, ...]] = (HABER_2017,)

    def predict(self, system: ResidualChain) -> Table[Prediction]:
        x = system.start
        off = torch.zeros_like(x)
        jolt = 0.0
        for layer in range(system.layers):
            rate, pushed = _with_tangent(system, float(layer), x, off)
            x = x + rate
            with torch.no_grad():
                ahead = system.rate(float(min(layer + 1, system.layers - 1)), x)
            off = off + pushed + (ahead - rate) / 2
            speed = float(rate.norm())
            jolt = max(jolt, float((ahead - rate).norm()) / speed if speed else 0.0)
        size = float((x + off).norm())
        gap = float(off.norm()) / size if size else 0.0
        where = Where(coordinates=(("layers", float(system.layers)),))
        regime = INSIDE
        if gap > SMALL or not gap >= 0:
            regime = Regime("the network is far from its limit: higher orders matter")
        elif jolt > 1:
            regime = Regime("what a layer adds changes from layer to layer by more than itself")
        return Table(
            [
                self.prediction("depth_order", where, 1.0, gap, regime),
                self.prediction("depth_gap", where, gap, gap**2, regime),
            ]
        )


def _with_tangent(system: ResidualChain, time: float, x: Tensor, tangent: Tensor) -> tuple[Tensor, Tensor]:
    """f(x) and ∂f(x) v."""
    value, pushed = torch.func.jvp(lambda y: system.rate(time, y), (x,), (tangent,))[:2]
    return value.detach(), pushed.detach()

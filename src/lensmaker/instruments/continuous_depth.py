"""Continuous depth: a residual network refined again and again, until it is the flow of an equation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor

from lensmaker.core import Convergence, InputError, Measurement, Reference, Table, Where
from lensmaker.core.bibliography import HABER_2017
from lensmaker.instruments.base import Instrument
from lensmaker.systems.networks.residual_chain import ResidualChain


@dataclass(frozen=True)
class ContinuousDepth(Instrument):
    r"""The order at which a refined residual network goes to its limit, and how far from that the network is.

        x_r = the output with r steps a layer,   p = log₂ |x_{r/4} − x_{r/2}|/|x_{r/2} − x_r|
        x_∞ = 2x_r − x_{r/2} (Richardson),   gap = |x_1 − x_∞|/|x_∞|

    The error of the order is its change over the last doubling; that of the gap the change of x_∞.

    Parameters
    ----------
    doublings
        Of the steps: r = 2^doublings at last, a cost of 2^{doublings + 1} passes.

    Examples
    --------
    >>> branch = torch.nn.Linear(1, 1, bias=False)
    >>> _ = torch.nn.init.constant_(branch.weight, -0.5)
    >>> chain = ResidualChain((branch.double(),) * 4, torch.ones(2, 1, dtype=torch.float64))
    >>> for m in ContinuousDepth(6).measure(chain):
    ...     print(m.quantity, round(m.value, 3))  # 1 − (1 − ½)⁴ e²
    depth_order 1.006
    depth_gap 0.538
    """

    doublings: int = 5

    name = "continuous_depth"
    summary = "Order of convergence and distance from the limit of a residual network that is refined."
    quantities = ("depth_order", "depth_gap")
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "richardson1911",
            "L. F. Richardson",
            "The approximate arithmetical solution by finite differences of physical problems involving "
            "differential equations, with an application to the stresses in a masonry dam",
            1911,
            "Phil. Trans. R. Soc. A 210, 307",
        ),
        HABER_2017,
    )

    def __post_init__(self) -> None:
        if not 3 <= self.doublings <= 12:
            raise InputError("3 to 12 doublings", f"{self.doublings}", "pass doublings=5")

    def measure(self, system: ResidualChain) -> Table[Measurement]:
        outputs = [system.run(2**n).double() for n in range(self.doublings + 1)]
        steps = [float((b - a).norm()) for a, b in pairwise(outputs)]
        orders = [_order(a, b) for a, b in pairwise(steps)]
        limit, before = (_extrapolated(outputs[n - 1], outputs[n]) for n in (-1, -2))
        size = float(limit.norm())
        state = _state(outputs, steps, orders, size)
        where = Where(coordinates=(("layers", float(system.layers)),))
        gap = float((outputs[0] - limit).norm()) / size if size else math.nan
        error = float((limit - before).norm()) / size if size else math.nan
        samples = len(system.start)
        return Table(
            [
                self.measurement(
                    "depth_order", where, orders[-1], abs(orders[-1] - orders[-2]), samples, state
                ),
                self.measurement("depth_gap", where, gap, error, samples, state),
            ]
        )


def _extrapolated(coarse: Tensor, fine: Tensor) -> Tensor:
    return 2 * fine - coarse


def _order(coarse: float, fine: float) -> float:
    return math.log2(coarse / fine) if coarse > 0 and fine > 0 else math.nan


def _state(outputs: list[Tensor], steps: list[float], orders: list[float], size: float) -> Convergence:
    if not all(bool(torch.isfinite(x).all()) for x in outputs[1:]):
        return Convergence.NOT_FINITE
    if steps[-1] <= 1e-13 * size:
        return Convergence.CONVERGED
    return Convergence.CONVERGED if abs(orders[-1] - 1) < 0.25 else Convergence.ITERATION_LIMIT

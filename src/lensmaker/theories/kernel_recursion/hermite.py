"""Dual activations of any smooth function, by Mehler's expansion in Hermite polynomials."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from lensmaker.numerics.quadrature import expectation
from lensmaker.theories.activation_functions import Activation, ElementWise
from lensmaker.theories.kernel_recursion.duals import Dual, correlation, inverse_root


@dataclass(frozen=True)
class Series(Dual):
    """E[φ(u) φ(v)] = Σ_n h_n(a) h_n(b) cⁿ with h_n(a) = E[φ(√a z) He_n(z)]/√n!, and likewise for φ'.

    What is missing after N terms is known by Parseval's identity, Σ_n h_n(a)² = E[φ(√a z)²]: at most √(t_a t_b)|c|ᴺ,
    t the missing part of that sum. The moments of an input with itself are integrated without a series.

    Attributes
    ----------
    function
        φ with its slope and its kinks.
    orders
        The most terms that are summed.
    tolerance
        Missing part of E[φ²] or E[φ'²] above which the series is doubted.
    """

    function: Activation
    orders: int = 512
    tolerance: float = 1e-6

    def own(self, a: Tensor) -> tuple[Tensor, Tensor]:
        each, back = torch.unique(a.double(), return_inverse=True)
        root = each.sqrt().clamp_min(_TINY)
        M, χ = (self._square(f, root)[back].to(a.dtype) for f in (self.function, self.function.slope))
        return M, χ

    def _square(self, f: ElementWise, root: Tensor) -> Tensor:
        return expectation(lambda x: f(x).square(), root, breaks=self.function.kinks).value

    def profile(self, a: Tensor) -> Tensor:
        """1/√a, then h_n of φ and h_n of φ' for one n after the other."""
        each, back = torch.unique(a.double(), return_inverse=True)
        parts = [_coefficients(f, each, self.orders) for f in (self.function, self.function.slope)]
        orders = max(_needed(h, missing, torch.finfo(a.dtype).eps) for h, missing in parts)
        both = torch.stack([h[:, :orders].T for h, _ in parts], 1).flatten(0, 1)
        rows = torch.cat([inverse_root(each)[None], both])
        return rows.to(a.dtype)[:, back]

    def pairs(self, k: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        c, _ = correlation(k, rows[0], columns[0])
        M, χ = torch.zeros_like(c), torch.zeros_like(c)
        for n in range(min(len(rows), len(columns)) - 2, 0, -2):  # Horner's rule
            M.mul_(c).addcmul_(rows[n], columns[n])
            χ.mul_(c).addcmul_(rows[n + 1], columns[n + 1])
        return M, χ

    def doubt(self, a: Tensor) -> str:
        each = torch.unique(a.double())
        φ = self.function
        worst = max(float(_coefficients(f, each, self.orders)[1][:, -1].max()) for f in (φ, φ.slope))
        if worst <= self.tolerance:
            return ""
        return f"{worst:.0e} of {φ.name} or of its slope is beyond Hermite polynomials of order {self.orders}"


_TINY = 1e-150
_REACH, _NODES = 14.0, 4001


def _coefficients(f: ElementWise, a: Tensor, orders: int) -> tuple[Tensor, Tensor]:
    """h_n(a) as (variances, orders), and the part of E[f²] that is missing after each."""
    z, w, H = _rule(orders)
    y = f(a.sqrt()[:, None] * z)
    h = (y * w) @ H
    total = (y.square() * w).sum(1, keepdim=True).clamp_min(_TINY)
    return h, 1 - h.square().cumsum(1) / total


def _needed(h: Tensor, missing: Tensor, rounding: float) -> int:
    enough = missing.amax(0) < 16 * rounding
    return int(enough.int().argmax()) + 1 if bool(enough.any()) else h.shape[1]


@cache
def _rule(orders: int) -> tuple[Tensor, Tensor, Tensor]:
    """Nodes, Gaussian weights, He_n/√n! at the nodes; for analytic functions the trapezoidal rule is best."""
    z = torch.linspace(-_REACH, _REACH, _NODES, dtype=torch.float64)
    w = torch.exp(-0.5 * z * z) * (2 * _REACH / (_NODES - 1) / math.sqrt(2 * math.pi))
    rows = [torch.ones_like(z), z]
    for n in range(2, orders):
        rows.append((z * rows[-1] - math.sqrt(n - 1) * rows[-2]) / math.sqrt(n))
    return z, w, torch.stack(rows[:orders], 1)

"""Dual activations in closed form: the moments of φ over a Gaussian pair.

For (u, v) centred Gaussian of variances a, b and covariance k,

    M(k; a, b) = E[φ(u) φ(v)],    χ(k; a, b) = E[φ'(u) φ'(v)] = ∂M/∂k   (Price's theorem).

Everything is done in place on blocks that fit into the cache, so that a layer costs a few passes over it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor


class Dual(ABC):
    """The moments of one activation function."""

    @abstractmethod
    def own(self, a: Tensor) -> tuple[Tensor, Tensor]:
        """(E[φ(u)²], E[φ'(u)²]) for variances a: the moments of an input with itself."""

    @abstractmethod
    def profile(self, a: Tensor) -> Tensor:
        """What `pairs` has to know of the variances: numbers for each, on a first axis of their own."""

    @abstractmethod
    def pairs(self, k: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """(M, χ) for covariances k, which is overwritten, and profiles of both sides that broadcast to it."""

    def doubt(self, a: Tensor) -> str:
        """Why the moments at these variances are not to be trusted, "" where they are."""
        return ""


@dataclass(frozen=True)
class Kinked(Dual):
    """φ(x) = x for x > 0, αx for x < 0: the arc-cosine kernels, with (π/2 − θ) = arcsin c.

    M = (1+α)²/4 k + (1−α)²/2π √(ab) (√(1−c²) + c arcsin c),   χ = (1+α)²/4 + (1−α)²/2π arcsin c

    with c = k/√(ab). ReLU has α = 0, the identity 1, the absolute value −1 (Cho and Saul, arXiv:1112.3712).

    Examples
    --------
    >>> one = torch.ones(1, dtype=torch.float64)
    >>> relu = Kinked(0.0)
    >>> M, χ = relu.pairs(0 * one, relu.profile(one), relu.profile(one))
    >>> round(float(2 * math.pi * M), 12), float(χ)
    (1.0, 0.25)
    """

    below: float = 0.0

    def own(self, a: Tensor) -> tuple[Tensor, Tensor]:
        half = (1 + self.below**2) / 2
        return half * a, torch.full_like(a, half)

    def profile(self, a: Tensor) -> Tensor:
        return torch.stack([a.sqrt(), inverse_root(a)])

    def pairs(self, k: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        even, odd = (1 + self.below) ** 2 / 4, (1 - self.below) ** 2 / (2 * math.pi)
        if odd == 0.0:
            return k, torch.ones_like(k)
        c, rest = correlation(k, rows[1], columns[1])
        sine = torch.rsub(rest, 2).mul_(rest).sqrt_()
        angle = c.asin()
        sine.addcmul_(c, angle).mul_(rows[0] * odd).mul_(columns[0])
        return sine.add_(k, alpha=even), angle.mul_(odd).add_(even)


@dataclass(frozen=True)
class Erf(Dual):
    """φ = erf: the arcsine kernel (Williams 1997).

    M = (2/π) arcsin(2k/√((1+2a)(1+2b))),   χ = (4/π)/√((1+2a)(1+2b) − 4k²)
    """

    def own(self, a: Tensor) -> tuple[Tensor, Tensor]:
        return 2 / math.pi * torch.asin(2 * a / (1 + 2 * a)), 4 / math.pi * torch.rsqrt(1 + 4 * a)

    def profile(self, a: Tensor) -> Tensor:
        return torch.rsqrt(1 + 2 * a).unsqueeze(0)

    def pairs(self, k: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        s = k.mul_(2 * rows[0]).mul_(columns[0]).clamp_(-1, 1)
        χ = (1 - s).mul_(1 + s).rsqrt_().mul_(4 / math.pi * rows[0]).mul_(columns[0])
        return s.asin_().mul_(2 / math.pi), χ


@dataclass(frozen=True)
class Gelu(Dual):
    """φ(x) = x Φ(x), Φ the normal distribution function.

    With A = 1 + a, B = 1 + b, P = E[Φ(u)Φ(v)] = 1/4 + arcsin(k/√(AB))/2π and N = E[Φ'(u)Φ'(v)]
    = 1/(2π√(AB − k²)), integration by parts gives, with r = (1 − ab)/AB,

    M = kP + N (ab + k² r),   χ = P + kN (1 + 2r + (ab + k² r)/(AB − k²)).
    """

    def own(self, a: Tensor) -> tuple[Tensor, Tensor]:
        both = self.profile(a)
        return self.pairs(a, both, both)

    def profile(self, a: Tensor) -> Tensor:
        return a.unsqueeze(0)

    def pairs(self, k: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        a, b = rows[0], columns[0]
        product, both = a * b, (1 + a) * (1 + b)
        r = (1 - product) / both
        root = both.sqrt_()
        rest = (root - k).mul_(root + k)  # AB − k² without cancellation
        N = rest.rsqrt().mul_(1 / (2 * math.pi))
        P = (k / root).clamp_(-1, 1).asin_().mul_(1 / (2 * math.pi)).add_(0.25)
        bulk = k.square().mul_(r).add_(product)
        χ = (bulk / rest).add_(r, alpha=2).add_(1).mul_(k).mul_(N).add_(P)
        return P.mul_(k).addcmul_(N, bulk), χ


def correlation(k: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """(c, 1 − c) for c = k/√(ab) in [−1, 1], from 1/√a and 1/√b: 0 where that is 0, just 1 for equal inputs.

    χ has a slope of order 1/√(1 − c) at c = 1: what rounding leaves of 1 − c would cost it half of its digits.

    Examples
    --------
    >>> a = torch.tensor([0.3, 0.0])
    >>> [x.tolist() for x in correlation(a, inverse_root(a), inverse_root(a))]
    [[1.0, 0.0], [0.0, 1.0]]
    """
    rest = (k * rows).mul_(columns).neg_().add_(1)
    torch.threshold_(rest, 8 * torch.finfo(k.dtype).eps, 0.0).clamp_max_(2)
    return torch.rsub(rest, 1), rest


def inverse_root(a: Tensor) -> Tensor:
    """1/√a, and 0 where a is 0."""
    return torch.where(a > 0, a, torch.inf).rsqrt()

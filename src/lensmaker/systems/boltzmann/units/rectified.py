"""Units of values that are not negative."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.numerics.draws import uniform_
from lensmaker.systems.boltzmann.units.base import Units

LEAST_MEAN = 0.05
"""Below it fields of means would be farther below zero than learning comes back from."""

BISECTIONS = 60


class Rectified(Units):
    """Real s ≥ 0 with e = s²/2, a Gaussian about x cut off at 0: ln Z = Σ x²/2 + ln Φ(x) + ½ ln 2π.

    ⟨s⟩ = x + φ(x)/Φ(x), which is x far above 0 and falls as −1/x far below: a smooth rectifier. Sampled exactly, where
    noisy rectified units (V. Nair, G. E. Hinton, ICML 2010) are an approximation without an energy.

    Examples
    --------
    >>> round(float(Rectified(1).mean(torch.zeros(1))), 6)  # √(2/π)
    0.797885
    """

    name = "rectified"

    def energy(self, s: Tensor) -> Tensor:
        return s.square().sum(-1) / 2

    def log_partition(self, x: Tensor) -> Tensor:
        return (x.square() / 2 + torch.special.log_ndtr(x)).sum(-1) + self.count * math.log(2 * math.pi) / 2

    def mean_(self, x: Tensor) -> Tensor:
        wide = x.double()  # far below 0 the two terms nearly cancel
        hazard = math.sqrt(2 / math.pi) / torch.special.erfcx(-wide / math.sqrt(2))
        return x.copy_(wide + hazard)

    def sample_(self, x: Tensor, generator: torch.Generator, noise: Tensor | None = None) -> Tensor:
        """By the inverse of the distribution: s = x − Φ⁻¹(u Φ(x)); far below 0 by Newton's method, in logarithms."""
        noise = torch.empty_like(x) if noise is None else noise
        u = uniform_(noise, generator).clamp_(min=torch.finfo(x.dtype).tiny)
        wide = x.double()
        quantile = torch.special.ndtri(torch.exp(torch.log(u.double()) + torch.special.log_ndtr(wide)))
        far = wide < -12
        found = torch.where(far, _far(wide.clamp(max=-12.0), u.double().log()), wide - quantile)
        return x.copy_(found.clamp(min=0.0))

    def field_of_mean(self, mean: Tensor) -> Tensor:
        """By bisection: −1/m < x < m, as x < m(x) < −1/x for x < 0 and m(x) > x."""
        m = mean.double().clamp(min=LEAST_MEAN)
        low, high = -1 / m, m.clone()
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            above = self.mean(middle) > m
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        return ((low + high) / 2).to(mean.dtype)

    def check_means(self, data: Tensor, first: int = 0) -> None:
        super().check_means(data, first)
        self._check_values(data, first)

    def _check_values(self, data: Tensor, first: int) -> None:
        if bool((data < 0).any()):
            raise InputError("values that are not negative", f"{float(data.min()):g}", "shift the data")


def _far(x: Tensor, log_u: Tensor) -> Tensor:
    """S ≥ 0 with ln Φ(x − s) = ln u + ln Φ(x), x far below 0; the slope of ln Φ at −t is its hazard."""
    wanted = log_u + torch.special.log_ndtr(x)
    t = (x.square() - 2 * log_u).sqrt()
    for _ in range(4):
        hazard = math.sqrt(2 / math.pi) / torch.special.erfcx(t / math.sqrt(2))
        t = t + (torch.special.log_ndtr(-t) - wanted) / hazard
    return t + x

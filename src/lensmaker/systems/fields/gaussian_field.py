"""A Gaussian field on a periodic grid, given by the coefficients of its gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.fields.momenta import momenta

LARGEST = 2**28
"""Numbers that are drawn at once, 2 GiB."""


@dataclass(frozen=True)
class GaussianField:
    r"""Real fields φ on N × N sites of a torus, P(φ) ∝ e^(−H), with as many orders of gradients as are given.

        H = ½ Σ_q Σ_i y_i |q|^(2i) |φ_q|²/N²,   φ_q = Σ_x φ(x) e^(−iq·x)
        P(q) = ⟨|φ_q|²⟩/N² = 1/Σ_i y_i |q|^(2i)

    so ½y₀φ² + ½y₁|∇φ|² + ½y₂(∇²φ)² + … a site, with the gradients of the interpolation of φ by its own waves. The
    momenta are q = 2πn/N with −π < q ≤ π along each axis and |q|² = q_x² + q_y²: |q|² has a kink where q_x or q_y is π.

    Attributes
    ----------
    side
        N, in sites.
    coefficients
        y₀, y₁, …, in 1/field².

    Raises
    ------
    InputError
        If there is no site or no coefficient, or the spectrum is not positive and finite at each q.

    Examples
    --------
    >>> field = GaussianField(4, (1.0, 2.0))
    >>> round(float(field.inverse_spectrum[0, 1]), 6)  # 1 + 2 (π/2)²
    5.934802
    """

    side: int
    coefficients: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.side < 1:
            raise InputError(
                "a grid of at least one site", f"a side of {self.side}", "pass a side of 1 or more"
            )
        if not self.coefficients or not all(map(math.isfinite, self.coefficients)):
            raise InputError(
                "finite coefficients y₀, y₁, …", f"{self.coefficients}", "pass at least y₀, a positive number"
            )
        least = float(self.inverse_spectrum.min())
        if not 0 < least < math.inf or not math.isfinite(1 / least):
            raise InputError(
                "a spectrum that is positive and finite at every momentum",
                f"Σ_i y_i |q|^(2i) = {least:g} at one",
                "raise y₀ or the coefficient of the highest gradient",
            )

    @cached_property
    def inverse_spectrum(self) -> Tensor:
        """1/P(q) at the momenta of the grid, float64 (N, N)."""
        q = momenta(self.side) ** 2
        squared = q[:, None] + q
        total = torch.zeros_like(squared)
        for y in reversed(self.coefficients):
            total = total * squared + y
        return total

    @property
    def correlation_length(self) -> float:
        """ξ = √(y₁/y₀), in sites: P falls to half at |q| = 1/ξ where y₂ and so on are small; 0 for white noise.

        Examples
        --------
        >>> GaussianField(8, (0.25, 1.0)).correlation_length
        2.0
        """
        y_1 = self.coefficients[1] if len(self.coefficients) > 1 else 0.0
        return math.sqrt(max(0.0, y_1 / self.coefficients[0]))

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Independent fields, float64 (n, N, N): white noise whose waves are scaled by √P; exact.

        Raises
        ------
        InputError
            If n is below 1, or so many fields do not fit.
        """
        if not 1 <= n <= LARGEST // self.side**2:
            most = LARGEST // self.side**2
            raise InputError(f"1 to {most} fields at once", f"{n}", "draw them in parts")
        size = (n, self.side, self.side)
        noise = torch.randn(size, dtype=torch.float64, generator=generator, device=generator.device)
        roots = self.inverse_spectrum[:, : self.side // 2 + 1].rsqrt().to(noise.device)
        return torch.fft.irfft2(torch.fft.rfft2(noise) * roots, s=size[1:])

    def energy(self, fields: Tensor) -> Tensor:
        """H of each field (n, N, N), (n,); its mean is N²/2, its variance too."""
        power = torch.fft.fft2(fields.double()).abs() ** 2 / self.side**2
        return (power * self.inverse_spectrum.to(power.device)).sum((-2, -1)) / 2

    def __str__(self) -> str:
        orders = ", ".join(f"y{i}={y:g}" for i, y in enumerate(self.coefficients))
        return f"Gaussian field of {self.side} × {self.side} sites, {orders}"

"""The exponents of a step of decimation against the sum over one spin, written out."""

from __future__ import annotations

import cmath
import math

import pytest

from lensmaker.theories.spins.decimation import exponents


def summed(K: complex, h: complex) -> tuple[complex, complex]:
    """K′ and h′ from Σ_{s₂} e^{(K s₂ + h/2)(s₁ + s₃) + h s₂} over the four states of s₁, s₃."""

    def logarithm(a: int, c: int) -> complex:
        total = sum(math.e ** ((K * b + h / 2) * (a + c) + h * b) for b in (1, -1))
        return cmath.log(total)

    up, mixed, down = logarithm(1, 1), logarithm(1, -1), logarithm(-1, -1)
    return (up + down - 2 * mixed) / 4, (up - down) / 2


@pytest.mark.parametrize("K", [0.01, 0.3, 1.0, 2.5])
def test_exponents_are_slopes_of_the_sum(K: float) -> None:
    """By complex steps: ∂K′/∂K, and ∂h′/∂h, where each block spin keeps the half fields of both its bonds."""
    tiny = 1e-20
    by_K, by_h = summed(K + 1j * tiny, 0)[0].imag / tiny, summed(K, 1j * tiny)[1].imag / tiny
    assert exponents(K) == pytest.approx((math.log2(by_K), math.log2(by_h)), rel=1e-9)

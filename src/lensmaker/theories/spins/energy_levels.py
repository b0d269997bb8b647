"""How probable each energy of a square torus is, exactly: Kaufman's partition function at complex couplings."""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import InputError


def energy_levels(rows: int, columns: int, K: float, *, digits: int = 30) -> NDArray[np.float64]:
    r"""The probability p_u that 2u bonds of an Ising torus are unsatisfied, u = 0 … N, at K = J/T > 0.

    Z(K) = Σ_u g_u e^(K(2N − 4u)), so Z(K + iθ)/Z(K) = Σ_u p_u e^(iθ(2N − 4u)) is a sum of waves, which N + 1 points
    θ = πk/(2(N + 1)) invert. Z at complex K is `kaufman.torus`'s product, with γ_L = 2K − ln tanh K, and even functions
    of all other γ but γ_0.

    Raises
    ------
    InputError
        If a side is odd: then the number of unsatisfied bonds may be odd.

    References
    ----------
    B. Kaufman, Phys. Rev. 76, 1232 (1949); P. D. Beale, Phys. Rev. Lett. 76, 78 (1996), by series.

    Examples
    --------
    >>> p = energy_levels(4, 4, 0.5)
    >>> bool(abs(p[0] / p[2] - 2 * math.exp(4.0) / 32) < 1e-12)  # two ground states; 32 with one spin turned over
    True
    """
    if rows % 2 or columns % 2 or min(rows, columns) < 2:
        raise InputError("even sides", f"{rows} × {columns}", "take a torus of even sides")
    N = rows * columns
    z = [_log_partition(rows, columns, K, math.pi * k / (2 * (N + 1)), digits) for k in range(N + 1)]
    waves = np.array([cmath.exp(complex(v - z[0])) for v in z])
    k = np.arange(N + 1)
    phases = np.exp(-1j * np.pi / (2 * (N + 1)) * np.outer(2 * N - 4 * k, k))
    # k and its mirror image N + 1 − k beyond the range are conjugate up to the phase that both sides share
    found = (phases @ waves).real / (N + 1)
    return np.asarray(np.maximum(found, 0.0))


def _log_partition(rows: int, columns: int, K: float, theta: float, digits: int) -> Any:
    """The logarithm of Z at K + iθ."""
    import mpmath

    with mpmath.workdps(digits + 10):
        k = mpmath.mpc(K, theta)
        level = mpmath.cosh(2 * k) ** 2 / mpmath.sinh(2 * k)
        γ = [mpmath.acosh(level - mpmath.cos(mpmath.pi * r / rows)) for r in range(2 * rows)]
        γ[0] = 2 * k + mpmath.log(mpmath.tanh(k))
        γ[rows] = 2 * k - mpmath.log(mpmath.tanh(k))
        total = mpmath.mpc(0)
        for parity in (1, 0):
            for f in (mpmath.cosh, mpmath.sinh):
                product = mpmath.mpc(1)
                for g in γ[parity::2]:
                    product *= 2 * f(columns * g / 2)
                total += product
        return rows * columns / 2 * mpmath.log(2 * mpmath.sinh(2 * k)) + mpmath.log(total / 2)

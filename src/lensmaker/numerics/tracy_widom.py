"""The Tracy–Widom law of β = 1: fluctuations of the largest eigenvalue of a real random matrix."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import InputError

NODES = 32
"""Gauss–Legendre nodes; the error falls exponentially in their number, to 1e-12 here."""


def survival(s: float) -> float:
    r"""P(TW₁ > s), from the Fredholm determinant.

    F₁(s) = det(1 − K) on L²(s, ∞),  K(x, y) = ½ Ai((x + y)/2)

    The determinant is that of the kernel at Gauss–Legendre nodes. From the eigenvalues κ of K the
    survival 1 − Π(1 − κ) keeps its relative precision in the tail.

    References
    ----------
    P. L. Ferrari, H. Spohn, J. Phys. A 38 (2005) L557; F. Bornemann, Math. Comp. 79 (2010) 871.

    Examples
    --------
    >>> round(survival(0.9793), 4), round(survival(3.2724), 5)
    (0.05, 0.001)
    """
    from scipy.special import airy

    if s < -10:
        return 1.0  # 1 − F₁ differs from 1 by less than 1e-19
    length = 16.0 + max(0.0, -s)
    x, w = _nodes()
    x, root = s + length * (x + 1) / 2, np.sqrt(w * length / 2)
    K = root[:, None] * 0.5 * airy((x[:, None] + x) / 2)[0] * root
    κ = np.linalg.eigvalsh(K)
    return float(-np.expm1(np.log1p(-np.minimum(κ, 1 - 1e-16)).sum()))


@lru_cache(maxsize=1)
def _nodes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.polynomial.legendre.leggauss(NODES)


@lru_cache(maxsize=64)
def quantile(level: float) -> float:
    """The s that TW₁ exceeds with probability `level`.

    Raises
    ------
    InputError
        If the level is not in (0, 1).

    Examples
    --------
    >>> round(quantile(0.01), 3)
    2.023
    """
    from scipy.optimize import brentq

    if not 0 < level < 1:
        raise InputError("a level in (0, 1)", f"{level}", "pass a false-alarm rate such as 1e-3")
    return float(brentq(lambda s: math.log(survival(s) / level), -9.0, 60.0, xtol=1e-10))

"""Taylor series in one variable, cut off: arrays (…, n) of the coefficients of t⁰ … t^(n−1)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]


def product(a: Series, b: Series) -> Series:
    """A·b.

    Examples
    --------
    >>> product(np.array([1.0, 1.0, 0.0]), np.array([1.0, -1.0, 0.0])).tolist()
    [1.0, 0.0, -1.0]
    """
    n = a.shape[-1]
    out = np.zeros(np.broadcast_shapes(a.shape, b.shape))
    for i in range(n):
        out[..., i:] += a[..., i : i + 1] * b[..., : n - i]
    return out


def reciprocal(a: Series) -> Series:
    """1/a, of a series that is not 0 at t = 0.

    Examples
    --------
    >>> reciprocal(np.array([2.0, 2.0, 0.0])).tolist()
    [0.5, -0.5, 0.5]
    """
    out = np.zeros_like(a)
    out[..., 0] = 1 / a[..., 0]
    for m in range(1, a.shape[-1]):
        out[..., m] = -(a[..., 1 : m + 1] * out[..., m - 1 :: -1][..., :m]).sum(-1) * out[..., 0]
    return out


def sine(start: NDArray[np.float64], slope: float, terms: int) -> Series:
    """sin(start + slope·t), of an array (…) of starts.

    Examples
    --------
    >>> sine(np.array(0.0), 1.0, 4).round(6).tolist()
    [0.0, 1.0, 0.0, -0.166667]
    """
    powers = [slope**k / math.factorial(k) for k in range(terms)]
    turned = start[..., None] + np.pi / 2 * np.arange(terms)
    return np.asarray(np.sin(turned) * powers)

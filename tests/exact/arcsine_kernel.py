"""erf networks of infinite width, fully connected: the arcsine kernel (Williams 1997).

E[erf(u_i) erf(u_j)]   = (2/π) arcsin(2 K_ij / √((1 + 2K_ii)(1 + 2K_jj)))
E[erf'(u_i) erf'(u_j)] = (4/π) / √((1 + 2K_ii)(1 + 2K_jj) − 4 K_ij²)
"""

from __future__ import annotations

import numpy as np


def moment(K: np.ndarray) -> np.ndarray:
    """E[erf(u) erf(v)] for all pairs of pre-activations of Gram matrix K.

    >>> bool(np.isclose(moment(np.array([[0.5]]))[0, 0], 1 / 3))
    True
    """
    return 2 / np.pi * np.arcsin(2 * K / np.sqrt(_stretch(K)))


def slope_moment(K: np.ndarray) -> np.ndarray:
    """E[erf'(u) erf'(v)] for all pairs."""
    return 4 / np.pi / np.sqrt(_stretch(K) - 4 * K**2)


def layer(K: np.ndarray, sigma_w: float, sigma_b: float) -> np.ndarray:
    """One layer: erf, then weights and biases."""
    return sigma_w**2 * moment(K) + sigma_b**2


def recursion(K: np.ndarray, depth: int, sigma_w: float, sigma_b: float) -> list[np.ndarray]:
    """The Gram matrices of `depth` layers of pre-activations, of which K is the first."""
    kernels = [K]
    for _ in range(depth - 1):
        kernels.append(layer(kernels[-1], sigma_w, sigma_b))
    return kernels


def _stretch(K: np.ndarray) -> np.ndarray:
    diagonal = 1 + 2 * np.diagonal(K)
    return np.outer(diagonal, diagonal)

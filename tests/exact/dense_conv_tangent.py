"""Tangent kernels of ReLU convolutional networks of infinitely many channels, for all pairs of pixels.

Θ is, like K, that of one channel; with w = σ_w ω/√fan_in and b = σ_b β a convolution adds its own K,

    Θ'[a, p, b, p'] = K'[a, p, b, p'] + σ_w²/k² Σ_δ χ Θ[a, p + δ, b, p' + δ]   (Arora et al. 2019).
"""

from __future__ import annotations

import numpy as np

from exact import arccosine_kernel
from exact.dense_conv_recursion import convolution, inputs, relu


def slopes(K: np.ndarray) -> np.ndarray:
    """E[relu'(u) relu'(v)] for all pairs of pixels.

    >>> float(slopes(np.full((1, 1, 1, 1, 1, 1), 2.0))[0, 0, 0, 0, 0, 0])
    0.5
    """
    sites = int(np.prod(K.shape[:3]))
    return arccosine_kernel.slope_moment(K.reshape(sites, sites)).reshape(K.shape)


def recursion(
    images: np.ndarray, strides: tuple[int, ...], kernel: int, sigma_w: float, sigma_b: float
) -> tuple[np.ndarray, np.ndarray]:
    """(K, Θ) after the last of several convolutions with ReLU between them, padded with zeros."""
    K = convolution(inputs(images), kernel, "zeros", sigma_w, sigma_b, strides[0])
    Θ = K
    for stride in strides[1:]:
        passed = convolution(Θ * slopes(K), kernel, "zeros", sigma_w, 0.0, stride)
        K = convolution(relu(K), kernel, "zeros", sigma_w, sigma_b, stride)
        Θ = K + passed
    return K, Θ

"""ReLU convolutional networks of infinitely many channels: covariances of all pairs of pixels.

K[a, y, x, b, y', x'] is the covariance, over channels, of pixel (y, x) of image a and pixel (y', x')
of image b. A convolution of k × k kernels averages it along the diagonal of the two pixels,

    K'[a, p, b, p'] = σ_w²/k² Σ_δ K[a, p + δ, b, p' + δ] + σ_b²,

with zeros, or the other side of the image, beyond the border (Novak et al. 2019, Xiao et al. 2018).
"""

from __future__ import annotations

import itertools

import numpy as np

from exact import arccosine_kernel


def inputs(images: np.ndarray) -> np.ndarray:
    """Covariances of images of shape (samples, channels, height, width)."""
    return np.einsum("acyx,bcvu->ayxbvu", images, images) / images.shape[1]


def convolution(
    K: np.ndarray, kernel: int, padding: str, sigma_w: float, sigma_b: float, stride: int = 1
) -> np.ndarray:
    """An odd k × k convolution with 'zeros' or 'circular' padding of (k − 1)/2 pixels.

    >>> K = np.ones((1, 3, 3, 1, 3, 3))  # one constant image: a corner sees four ninths of it
    >>> float(convolution(K, 3, "zeros", 1.5, 0.0)[0, 0, 0, 0, 0, 0])
    1.0
    """
    reach = kernel // 2
    pads = [(0, 0), (reach, reach), (reach, reach)] * 2
    padded = np.pad(K, pads, mode={"zeros": "constant", "circular": "wrap"}[padding])
    height, width = K.shape[1:3]
    total = np.zeros_like(K)
    for dy, dx in itertools.product(range(kernel), repeat=2):
        rows, columns = slice(dy, dy + height), slice(dx, dx + width)
        total += padded[:, rows, columns, :, rows, columns]
    return (sigma_w**2 / kernel**2 * total + sigma_b**2)[:, ::stride, ::stride, :, ::stride, ::stride]


def relu(K: np.ndarray) -> np.ndarray:
    """E[relu(u) relu(v)] for all pairs of pixels."""
    sites = int(np.prod(K.shape[:3]))
    return arccosine_kernel.moment(K.reshape(sites, sites)).reshape(K.shape)


def recursion(
    images: np.ndarray, depth: int, kernel: int, padding: str, sigma_w: float, sigma_b: float
) -> list[np.ndarray]:
    """Covariances of the pre-activations of `depth` convolutions with ReLU between them."""
    kernels = [convolution(inputs(images), kernel, padding, sigma_w, sigma_b)]
    for _ in range(depth - 1):
        kernels.append(convolution(relu(kernels[-1]), kernel, padding, sigma_w, sigma_b))
    return kernels


def flatten_readout(K: np.ndarray, sigma_w: float, sigma_b: float) -> np.ndarray:
    """Gram matrix of a linear layer on all pixels and channels: the mean of K over equal pixels."""
    return sigma_w**2 * np.einsum("ayxbyx->ab", K) / (K.shape[1] * K.shape[2]) + sigma_b**2


def pooled_readout(K: np.ndarray, sigma_w: float, sigma_b: float) -> np.ndarray:
    """Gram matrix of a linear layer after global average pooling: the mean of K over pairs of pixels."""
    return sigma_w**2 * K.mean((1, 2, 4, 5)) + sigma_b**2

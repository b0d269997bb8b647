"""ReLU networks of infinite width, fully connected: the arc-cosine kernels (Cho and Saul 2009).

K is the Gram matrix of the pre-activations, (samples, samples). With θ_ij the angle between samples,

    E[relu(u_i) relu(u_j)] = √(K_ii K_jj) (sin θ + (π − θ) cos θ) / 2π      (degree 1)
    E[relu'(u_i) relu'(u_j)] = (π − θ) / 2π                                  (degree 0)

so K → σ_w² E[relu relu] + σ_b², and gradients of two samples multiply by χ = σ_w² E[relu' relu'],
which is σ_w²/2 on the diagonal.
"""

from __future__ import annotations

import numpy as np


def moment(K: np.ndarray) -> np.ndarray:
    """E[relu(u) relu(v)] for all pairs.

    >>> round(float(moment(np.array([[3.0]]))[0, 0]), 12)
    1.5
    """
    scale, cosine = _scale_and_cosine(K)
    θ = np.arccos(cosine)
    return scale * (np.sqrt((1 - cosine) * (1 + cosine)) + (np.pi - θ) * cosine) / (2 * np.pi)


def slope_moment(K: np.ndarray) -> np.ndarray:
    """E[relu'(u) relu'(v)] for all pairs."""
    _, cosine = _scale_and_cosine(K)
    return (np.pi - np.arccos(cosine)) / (2 * np.pi)


def first(X: np.ndarray, sigma_w: float, sigma_b: float) -> np.ndarray:
    """Gram matrix of the first pre-activations for inputs X of shape (samples, features)."""
    return sigma_w**2 * X @ X.T / X.shape[1] + sigma_b**2


def layer(K: np.ndarray, sigma_w: float, sigma_b: float) -> np.ndarray:
    """One layer: ReLU, then weights and biases."""
    return sigma_w**2 * moment(K) + sigma_b**2


def recursion(K: np.ndarray, depth: int, sigma_w: float, sigma_b: float) -> list[np.ndarray]:
    """The Gram matrices of `depth` layers of pre-activations, of which K is the first."""
    kernels = [K]
    for _ in range(depth - 1):
        kernels.append(layer(kernels[-1], sigma_w, sigma_b))
    return kernels


def tangent_recursion(K: np.ndarray, depth: int, sigma_w: float, sigma_b: float) -> list[np.ndarray]:
    """Neural tangent kernels Θ → Θ χ + K, in the parametrisation w = σ_w ω/√fan_in, b = σ_b β."""
    tangents = [K]
    for below, here in zip(kernels := recursion(K, depth, sigma_w, sigma_b), kernels[1:], strict=False):
        tangents.append(tangents[-1] * sigma_w**2 * slope_moment(below) + here)
    return tangents


def _scale_and_cosine(K: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scale = np.sqrt(np.outer(np.diagonal(K), np.diagonal(K)))
    cosine = np.divide(K, scale, out=np.ones_like(scale), where=scale > 0)
    np.fill_diagonal(cosine, 1.0)
    return scale, np.clip(cosine, -1.0, 1.0)

"""Tokens under attention that does not depend on them: covariances of all pairs of positions.

With weights A (row-stochastic; all equal, or equal among the past) the values of variance σ_v² and the
output map of variance σ_o² give, for the covariance K of the tokens of one sample over features,

    K → s K + σ_v² σ_o² A K Aᵀ,

s = 1 with a skip connection, 0 without: averaging leaves one vector, and the tokens become parallel.
"""

from __future__ import annotations

import numpy as np


def weights(tokens: int, causal: bool) -> np.ndarray:
    """Every position looks at all, or at itself and those before, equally."""
    seen = np.tril(np.ones((tokens, tokens))) if causal else np.ones((tokens, tokens))
    return seen / seen.sum(1, keepdims=True)


def layer(K: np.ndarray, A: np.ndarray, sigma: float, skip: bool) -> np.ndarray:
    """One attention block; σ = σ_v σ_o.

    >>> layer(np.eye(2), weights(2, causal=False), 1.0, skip=True).tolist()
    [[1.5, 0.5], [0.5, 1.5]]
    """
    return skip * K + sigma**2 * A @ K @ A.T


def token_cosine(K: np.ndarray) -> float:
    """Mean over the pairs of different positions."""
    root = np.sqrt(np.diagonal(K))
    cosines = K / np.outer(root, root)
    n = len(K)
    return float((cosines.sum() - n) / (n * (n - 1)))

"""Random networks of finite width in plain NumPy, many units at a time, to try the closed forms on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def gram_after(
    X: np.ndarray,
    function: Callable[[np.ndarray], np.ndarray],
    widths: tuple[int, ...],
    sigma_w: float,
    sigma_b: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Gram matrix of the last pre-activations of one random network, for inputs (samples, features)."""
    h = X
    for i, width in enumerate(widths):
        x = function(h) if i else h
        W = rng.normal(0, sigma_w / np.sqrt(x.shape[1]), (x.shape[1], width))
        h = x @ W + rng.normal(0, sigma_b, width)
    return h @ h.T / widths[-1]


def z_scores(draws: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """(mean − expected)/standard error, over the first axis."""
    error = draws.std(0, ddof=1) / np.sqrt(len(draws))
    return (draws.mean(0) - expected) / error

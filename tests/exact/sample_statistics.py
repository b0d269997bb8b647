"""Statistics of a batch by explicit loops over samples, each error by recomputing without each sample."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(
        np.dot(a.ravel(), b.ravel()) / math.sqrt(np.dot(a.ravel(), a.ravel()) * np.dot(b.ravel(), b.ravel()))
    )


def mean_cosine(vectors: np.ndarray) -> float:
    vectors = np.array([v for v in vectors if np.any(v)])
    n = len(vectors)
    return sum(cosine(vectors[i], vectors[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))


def leave_one_out_error(batch: np.ndarray, statistic: Callable[[np.ndarray], float]) -> float:
    n = len(batch)
    values = [statistic(np.delete(batch, i, axis=0)) for i in range(n)]
    centre = sum(values) / n
    return math.sqrt((n - 1) / n * sum((v - centre) ** 2 for v in values))


def dead_fraction(batch: np.ndarray, features: int) -> float:
    """Fraction of the units along axis `features` that are zero in all samples and positions."""
    units = np.moveaxis(batch, features, 0)
    return sum(not np.any(u) for u in units) / len(units)


def token_correlation(batch: np.ndarray) -> float:
    """For an array (samples, tokens, features)."""
    return float(np.mean([mean_cosine(sample) for sample in batch]))


STATISTICS: dict[str, Callable[[np.ndarray], float]] = {
    "second_moment": lambda x: float(np.mean(x**2)),
    "mean": lambda x: float(np.mean(x)),
    "variance": lambda x: float(np.mean(x**2) - np.mean(x) ** 2),
    "correlation": mean_cosine,
    "zero_fraction": lambda x: float(np.mean(x == 0)),
}

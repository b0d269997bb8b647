"""ReLU networks of finite width without bias, σ_w² = 2: the exact law of the squared norm.

One layer multiplies the mean square of the activations after ReLU by (2/n) Σ relu(g_i)², g_i
independent standard normal: a χ² of k ~ Binomial(n, ½) degrees of freedom, times 2/n. The factors
are independent of each other and of the input, so everything below is exact.

    E[q²]/E[q]² = Π (1 + 5/n_l)             after ReLU; the last factor is 1 + 2/n_L before it
    ln q is a sum of independent terms      → log-normal with median e^(−5L/2n), variance e^(5L/n) − 1

The last line holds for n ≫ 1 (Hanin and Nica 2020, arXiv:1812.05994).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import polygamma, psi
from scipy.stats import binom


def relative_second_moment(widths: Sequence[int], *, before_relu: bool = False) -> float:
    """E[q²]/E[q]² after layers of the given widths.

    >>> relative_second_moment([5, 10]), round(relative_second_moment([5, 10], before_relu=True), 12)
    (3.0, 2.4)
    """
    last = 2 if before_relu else 5
    return math.prod(1 + 5 / n for n in widths[:-1]) * (1 + last / widths[-1])


def log_moments(width: int) -> tuple[float, float]:
    """Mean and variance of ln((2/n) Σ relu(g_i)²), given that not all n units are off."""
    k = np.arange(1, width + 1)
    p = binom.pmf(k, width, 0.5)
    p = p / p.sum()
    mean = psi(k / 2) + math.log(4 / width)
    average = float(p @ mean)
    return average, float(p @ (polygamma(1, k / 2) + (mean - average) ** 2))


def median(width: int, depth: int) -> float:
    """Median of q_L/q₀ in the log-normal limit.

    >>> round(median(64, 50), 4)
    0.1418
    """
    return math.exp(-5 * depth / (2 * width))


def variance(width: int, depth: int) -> float:
    """Variance of q_L/q₀ in the log-normal limit.

    >>> round(variance(64, 50), 2)
    48.71
    """
    return math.expm1(5 * depth / width)


def sample(width: int, depth: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draws of q_L/q₀ after ReLU from its exact law."""
    k = rng.binomial(width, 0.5, (count, depth))
    return (2 / width * rng.chisquare(np.maximum(k, 1)) * (k > 0)).prod(1)

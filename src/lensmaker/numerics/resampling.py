"""Standard errors of functions of means, by leaving samples out or by drawing them again."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

Function = Callable[[NDArray[np.float64]], Any]


class Estimate(NamedTuple):
    """A value with its standard error; the error is infinite where too few samples leave it unknown."""

    value: float
    error: float


def _identity(means: NDArray[np.float64]) -> Any:
    return means[..., 0]


def ratio(means: NDArray[np.float64]) -> Any:
    """⟨a⟩/⟨b⟩ of two columns: a function of means for `jackknife` and `bootstrap`."""
    return means[..., 0] / means[..., 1]


def jackknife(samples: NDArray[np.float64], function: Function = _identity) -> Estimate:
    """A function of the means of independent samples, with its jackknife error.

    θ = f(x̄) and σ² = (n−1)/n · Σᵢ (θ₍ᵢ₎ − θ₍.₎)², where θ₍ᵢ₎ = f of the means without sample i. For the mean
    itself σ is exactly s/√n.

    Parameters
    ----------
    samples
        Shape (n,) or (n, k): n independent samples of k numbers.
    function
        Takes means of shape (…, k) to values of shape (…); the mean of the first column by default.

    References
    ----------
    B. Efron, The Jackknife, the Bootstrap and Other Resampling Plans, SIAM 1982, chapter 3.

    Examples
    --------
    >>> jackknife(np.array([1.0, 2.0, 3.0, 6.0]))  # s/√n = √(14/3)/2
    Estimate(value=3.0, error=1.08...)
    """
    x = samples.reshape(len(samples), -1)
    n = len(x)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # what is not finite stays so
        mean = x.mean(axis=0)
        value = float(function(mean))
        if n < 2:
            return Estimate(value, math.inf)
        # (n·x̄ − xᵢ)/(n−1), written so that equal samples leave no rounding behind
        return Estimate(value, _error(np.asarray(function(mean + (mean - x) / (n - 1)))))


def jackknife_error(leave_one_out: NDArray[np.float64]) -> float:
    """The jackknife error from the n values that leave one sample out each.

    Examples
    --------
    >>> round(jackknife_error(np.array([1.0, 2.0, 3.0])), 6)  # √(2/3 · 2)
    1.154701
    """
    if len(leave_one_out) < 2:
        return math.inf
    with np.errstate(invalid="ignore", over="ignore"):
        return _error(leave_one_out)


def _error(leave_one_out: NDArray[np.float64]) -> float:
    n = len(leave_one_out)
    away = leave_one_out - leave_one_out.mean()
    return math.sqrt((n - 1) / n * float(away @ away))


def bootstrap(
    samples: NDArray[np.float64],
    function: Function = _identity,
    *,
    generator: torch.Generator,
    resamples: int = 400,
) -> Estimate:
    """A function of the means of independent samples, with its bootstrap error.

    σ² = n/(n−1) · Var f(x̄*), over means x̄* of n samples drawn with replacement; the factor makes σ² for the
    mean itself unbiased. Agrees with `jackknife` for smooth functions, and holds for quantiles too.

    Parameters
    ----------
    samples, function
        As for `jackknife`.
    generator
        Draws the resamples.
    resamples
        R; the error itself is known to a relative 1/√(2R).

    References
    ----------
    B. Efron and R. Tibshirani, An Introduction to the Bootstrap, Chapman & Hall 1993, chapter 6.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0, 6.0])
    >>> bootstrap(x, generator=torch.Generator().manual_seed(0), resamples=10000)
    Estimate(value=3.0, error=1.0...)
    """
    x = samples.reshape(len(samples), -1)
    n = len(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(function(x.mean(axis=0)))
        if n < 2:
            return Estimate(value, math.inf)
        drawn = torch.randint(n, (resamples, n), generator=generator).numpy()
        replicates = np.asarray(function(x[drawn].mean(axis=1)))
    return Estimate(value, float(np.sqrt(n / (n - 1)) * replicates.std(ddof=1)))

"""Statistics of correlated series: integrated autocorrelation times, errors of means, blocks, convergence of chains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lensmaker.core import InputError
from lensmaker.numerics.resampling import Estimate

_NUMBERS = 1 << 18
"""Steps of series that are looked at together: what stays in a processor's cache."""

_LENGTHS = 50
"""Autocorrelation times that a series must have for its own to be known to some 30 %."""


@dataclass(frozen=True)
class Autocorrelation:
    """The integrated autocorrelation time of a series, τ = ½ + Σ_{t≥1} ρ(t).

    Attributes
    ----------
    time, error
        τ in steps of the series; ½ where steps are independent.
    window
        The lag W at which the sum ends.
    samples
        Length of the series, of all chains together.
    """

    time: float
    error: float
    window: int
    samples: int

    @property
    def is_known(self) -> bool:
        """Whether the series is long enough (50 τ) to tell."""
        return self.samples >= _LENGTHS * self.time

    @property
    def effective_samples(self) -> float:
        """N/(2τ)."""
        return self.samples / (2 * self.time)


def autocorrelation(series: ArrayLike, *, hypothesis: float = 1.5, shortest: int = 1) -> Autocorrelation:
    r"""Integrated autocorrelation time by an automatic window.

    The window W is the first lag at which e^(−W/τ(W)) − τ(W)/√(WN) is negative, for a decay time of
    S·τ_int: there the bias of what is cut off equals the noise of what is kept. The error of τ is
    τ √(4(W + ½ − τ)/N).

    Parameters
    ----------
    series
        (n,) of one chain or (chains, n); the mean is that of all chains.
    hypothesis
        S: the decay time over the integrated one.
    shortest
        Least window: for a series with a small share of a mode that is known to be slower.

    Raises
    ------
    InputError
        If a chain has fewer than four steps.

    References
    ----------
    U. Wolff, Comput. Phys. Commun. 156, 143 (2004).

    Examples
    --------
    >>> ar = np.zeros(200_000)
    >>> noise = np.random.default_rng(0).normal(size=len(ar))
    >>> for t in range(1, len(ar)):
    ...     ar[t] = 0.8 * ar[t - 1] + noise[t]
    >>> found = autocorrelation(ar)  # (1 + 0.8)/(1 − 0.8)/2 = 4.5
    >>> abs(found.time - 4.5) < 3 * found.error
    True
    """
    x = np.atleast_2d(np.asarray(series, dtype=np.float64))
    return autocorrelations(x[None], hypothesis=hypothesis, shortest=[shortest])[0]


def autocorrelations(
    series: NDArray[np.float64], *, hypothesis: float = 1.5, shortest: Sequence[int] | None = None
) -> list[Autocorrelation]:
    """`autocorrelation` of many series of one length, (series, chains, n); `shortest` of each.

    Raises
    ------
    InputError
        If a chain has fewer than four steps.

    Examples
    --------
    >>> [found.time for found in autocorrelations(np.ones((2, 1, 8)))]  # that stand still
    [0.5, 0.5]
    """
    count, chains, n = series.shape
    if n < 4:
        raise InputError("at least four steps of a chain", f"{n}", "sample longer")
    least = [1] * count if shortest is None else list(shortest)
    step = max(1, _NUMBERS // (chains * n))
    found: list[Autocorrelation] = []
    for start in range(0, count, step):
        found += _windowed(series[start : start + step], hypothesis, np.array(least[start : start + step]))
    return found


def _windowed(
    x: NDArray[np.float64], hypothesis: float, shortest: NDArray[np.int64]
) -> list[Autocorrelation]:
    count, chains, n = x.shape
    total = chains * n
    covariance = _covariance(x - x.mean(axis=(1, 2), keepdims=True), n // 2)
    moves = covariance[:, 0] > 0
    ρ = covariance[:, 1:] / np.where(moves, covariance[:, 0], 1.0)[:, None]
    τ = 0.5 + np.cumsum(ρ, axis=1)
    lag = np.arange(1, τ.shape[1] + 1)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        ratio = (2 * τ + 1) / (2 * τ - 1)
        decay = np.where(τ > 0.5, hypothesis / np.log(np.where(τ > 0.5, ratio, 2.0)), 1e-10)
        ends = np.exp(-lag / decay) - decay / np.sqrt(lag * total) < 0
    at = np.where(ends.any(1), ends.argmax(1), len(lag) - 1)
    at = np.clip(at, shortest - 1, len(lag) - 1)
    found = []
    for τ_at, W, moved in zip(
        τ[np.arange(count), at].tolist(), lag[at].tolist(), moves.tolist(), strict=True
    ):
        time = max(τ_at * (1 + (2 * W + 1) / total), 0.5 / total)
        error = time * math.sqrt(4 * max(W + 0.5 - time, 0.5) / total)
        still = Autocorrelation(0.5, 0.0, 0, total)
        found.append(Autocorrelation(time, error, W, total) if moved else still)
    return found


def _covariance(x: NDArray[np.float64], lags: int) -> NDArray[np.float64]:
    """⟨x_i x_{i+t}⟩ over all chains of each series, for lags 0 … `lags`: (series, chains, n) → (series, lags + 1)."""
    n = x.shape[2]
    size = 1 << (2 * n - 1).bit_length()
    power = (np.abs(np.fft.rfft(x, size)) ** 2).sum(1)
    sums = np.fft.irfft(power, size)[:, : lags + 1]
    return np.asarray(sums / (x.shape[1] * (n - np.arange(lags + 1))))


def mean_of(series: ArrayLike) -> Estimate:
    """The mean of a series with its error √(2τ σ²/N).

    Examples
    --------
    >>> mean_of([1.0, 1.0, 1.0, 1.0])
    Estimate(value=1.0, error=0.0)
    """
    x = np.atleast_2d(np.asarray(series, dtype=np.float64))
    found = autocorrelation(x)
    return Estimate(float(x.mean()), math.sqrt(2 * found.time * float(x.var()) / found.samples))


def block_means(series: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Means over blocks of `size` steps of each chain, (chains, n, …) → (blocks, …); what is left over is left out.

    Blocks of several autocorrelation times are nearly independent: what `jackknife` and `bootstrap` ask for.

    Examples
    --------
    >>> block_means(np.arange(5.0)[None], 2).tolist()
    [0.5, 2.5]
    """
    chains, n = series.shape[:2]
    count = n // size
    if count < 1:
        raise InputError(f"chains of at least {size} steps", f"{n}", "sample longer")
    used = series[:, : count * size].reshape(chains * count, size, *series.shape[2:])
    return np.asarray(used.mean(1))


def split_r_hat(series: ArrayLike) -> float:
    """R̂ over the halves of all chains: 1 where all of them tell the same, more where they have not met.

    R̂² = [(n − 1)/n W + B/n]/W, with W the mean variance inside of a half and B/n that of their means.

    References
    ----------
    A. Gelman et al., Bayesian Data Analysis, third edition, chapter 11.

    Examples
    --------
    >>> round(split_r_hat([[0.0, 1.0, 0.0, 1.0], [5.0, 6.0, 5.0, 6.0]]), 1)
    4.1
    """
    x = np.atleast_2d(np.asarray(series, dtype=np.float64))
    half = x.shape[1] // 2
    if half < 2:
        raise InputError("at least four steps of a chain", f"{x.shape[1]}", "sample longer")
    parts = np.concatenate([x[:, :half], x[:, -half:]])
    inside = float(parts.var(axis=1, ddof=1).mean())
    between = float(parts.mean(axis=1).var(ddof=1))
    if inside == 0:
        return 1.0 if between == 0 else math.inf
    return math.sqrt((half - 1) / half + between / inside)

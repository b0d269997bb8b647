"""Standard errors of fitted couplings, from how each sample pulls at them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lensmaker.numerics.autocorrelation import Autocorrelation, autocorrelations, block_means

Values = NDArray[np.float64]

_LENGTHS = 50
"""Autocorrelation times of samples that an error rests on, at least."""


@dataclass(frozen=True, eq=False)
class Spread:
    """Errors of K̂ = K + ⟨x⟩ from its influence x_m = −H⁻¹ ∂ℓ(s_m)/∂K, sample by sample.

    σ_a² = 2 τ_a Var(x_a)/n: the sandwich H⁻¹ V H⁻¹/M with V the covariance of the scores, which holds where the
    terms are not those of the samples, and with the integrated autocorrelation time τ_a of x_a, which holds for
    samples of a chain. Of independent samples of the fitted terms, H⁻¹ V H⁻¹ of the maximum likelihood is the
    inverse Fisher information.

    Of a slow mode the influence may have a small share only, where the likelihood is local; a window that is found
    by the influence alone ends before it. So no window is shorter than that of the statistic Φ_a itself.

    Attributes
    ----------
    influence
        x, means over `size` samples in a row, (chains, n, A); nan of couplings at infinity.
    statistics
        −Φ_a, but for factors and constants, in the same shape.
    size
        Samples in each.

    References
    ----------
    V. P. Godambe, Ann. Math. Stat. 31, 1208 (1960); U. Wolff, Comput. Phys. Commun. 156, 143 (2004).
    """

    influence: Values
    statistics: Values
    size: int

    @property
    def steps(self) -> int:
        """Of the influence, in all chains."""
        return self.influence.shape[0] * self.influence.shape[1]

    @cached_property
    def correlations(self) -> tuple[Autocorrelation, ...]:
        """Of each coupling's influence; none where a chain has fewer than four steps."""
        if self.influence.shape[1] < 4:
            return ()
        of_statistics = autocorrelations(np.moveaxis(self.statistics, -1, 0))
        x = np.nan_to_num(np.moveaxis(self.influence, -1, 0))
        return tuple(autocorrelations(x, shortest=[max(1, c.window) for c in of_statistics]))

    @cached_property
    def errors(self) -> Values:
        """σ_a, infinite where there are too few samples to tell, or all alike, (A,)."""
        if not self.correlations:
            return np.full(self.influence.shape[-1], math.inf)
        n = self.steps
        τ = np.array([c.time for c in self.correlations])
        deviation = self.influence.std(axis=(0, 1))
        varies = deviation > 1e-12 * np.abs(self.influence).max(axis=(0, 1))  # False for nan too
        return np.where(varies, np.sqrt(2 * τ / (n - 1)) * deviation, math.inf)

    @property
    def times(self) -> Values:
        """τ_a in samples; nan where it is not known."""
        if not self.correlations:
            return np.full(self.influence.shape[-1], math.nan)
        return np.array([c.time * self.size for c in self.correlations])

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Whether there are 50 autocorrelation times of samples, (A,)."""
        if not self.correlations:
            return np.zeros(self.influence.shape[-1], bool)
        return np.array([self.steps >= _LENGTHS * max(c.time, 0.5) for c in self.correlations])

    @cached_property
    def covariance(self) -> Values:
        """Of the couplings, (A, A): correlations between means of blocks, and σ_a on the diagonal.

        Blocks of b = (τ² n)^⅓ steps: there what they miss, τ/b, is as much as their noise, √(b/n).
        """
        longest = max((c.time for c in self.correlations if c.time - 0.5 > 3 * c.error), default=0.5)
        n = self.influence.shape[1]
        b = 1 if longest == 0.5 else min(n, math.ceil((longest**2 * self.steps) ** (1 / 3)))
        x = block_means(self.influence, b)
        x = x - x.mean(0)
        with np.errstate(invalid="ignore"):  # of a coupling that no sample pulls at
            x /= np.sqrt((x**2).sum(0))
            return np.asarray(x.T @ x * np.outer(self.errors, self.errors))

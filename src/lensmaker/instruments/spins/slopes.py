"""The slope of the Binder cumulant by the coupling, from fluctuations at one temperature."""

from __future__ import annotations

from typing import Any

import numpy as np

from lensmaker.instruments.spins.ensemble import block_size, series_of
from lensmaker.numerics.autocorrelation import block_means
from lensmaker.numerics.resampling import Estimate, jackknife
from lensmaker.systems.spins.sampling.samples import Samples


def binder_slope(samples: Samples) -> Estimate:
    r"""∂U₄/∂β, which at a critical point grows as L^{1/ν}.

    With ∂⟨A⟩/∂β = −(⟨AH⟩ − ⟨A⟩⟨H⟩), and U₄ = 1 − ⟨m⁴⟩/(3⟨m²⟩²),

        ∂U₄/∂β = (2⟨m⁴⟩ ∂⟨m²⟩/∂β/⟨m²⟩ − ∂⟨m⁴⟩/∂β)/(3⟨m²⟩²).

    Times J it is the slope by K = βJ. The error is the jackknife's over blocks, as in `Ensemble`.

    Parameters
    ----------
    samples
        At the temperature in question.

    References
    ----------
    A. M. Ferrenberg, D. P. Landau, Phys. Rev. B 44, 5081 (1991).
    """
    e, m = series_of(samples)
    energy = samples.system.sites * (e - e.mean())  # of the whole system, about its mean: no digits are lost
    columns = np.stack([m**2, m**4, energy, m**2 * energy, m**4 * energy], -1)

    def slope(x: Any) -> Any:
        second, fourth, h, second_h, fourth_h = np.moveaxis(np.asarray(x), -1, 0)
        rise, higher = second * h - second_h, fourth * h - fourth_h
        return (2 * fourth * rise / second - higher) / (3 * second**2)

    error = jackknife(block_means(columns, block_size(columns)), slope).error
    return Estimate(float(slope(columns.mean((0, 1)))), error)

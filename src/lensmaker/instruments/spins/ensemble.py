"""Averages over samples of a spin system, with errors that know of autocorrelation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import Convergence, InputError, Measurement, Reference, Table
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.spins.structure_factor import (
    momentum_squared,
    second_moment_length,
    smallest,
    structure_factors,
)
from lensmaker.numerics.autocorrelation import autocorrelation, block_means, mean_of, split_r_hat
from lensmaker.numerics.resampling import Estimate, jackknife
from lensmaker.systems.spins.sampling.chains import Observer
from lensmaker.systems.spins.sampling.samples import Samples

LARGEST_R_HAT = 1.05
"""Split R̂ above which chains are said to disagree."""

LONG = 10
"""Autocorrelation times in a block: the error of independent blocks is 5 % too small, that of the error more."""

BLOCKS = 40
"""Blocks, at least, where the series has as many steps: fewer leave the error uncertain by more than 11 %."""


class Ensemble(Instrument):
    r"""⟨e⟩, c_h = N(⟨e²⟩ − ⟨e⟩²)/T², ⟨|m|⟩, χ = N(⟨m²⟩ − ⟨|m|⟩²)/T, U₄ and ξ from samples.

    The error of a mean is √(2τσ²/n) with its own integrated autocorrelation time; that of a function of means is the
    jackknife's over blocks of ten τ. A series of fewer than 50 τ, or chains whose split R̂ is above 1.05, are said
    not to have converged; samples of one energy have an error that is not known. ξ is measured on a torus alone.

    Examples
    --------
    >>> from lensmaker.systems.spins.canonical import Canonical
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import chain
    >>> from lensmaker.systems.spins.sampling import HeatBath, sample
    >>> ring = sample(Canonical(ising(chain(8)), 2.0), 2000, rule=HeatBath(), seed=0)
    >>> energy = Ensemble().measure(ring).select(quantity="energy")[0]
    >>> t = math.tanh(0.5)
    >>> abs(energy.value + (t + t**7) / (1 + t**8)) < 3 * energy.error
    True
    """

    name = "ensemble"
    summary = "Averages over samples of spins: energy, specific heat, magnetisation, U₄, correlation length."
    quantities = (
        "energy",
        "specific_heat",
        "magnetisation",
        "susceptibility",
        "binder",
        "second_moment_length",
    )
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "wolff2004",
            "U. Wolff",
            "Monte Carlo errors with less errors",
            2004,
            "Comput. Phys. Commun. 156, 143",
        ),
        Reference(
            "cooper1982",
            "F. Cooper, B. Freedman, D. Preston",
            "Solving φ⁴ field theory with Monte Carlo",
            1982,
            "Nucl. Phys. B 210, 210",
        ),
        Reference(
            "vehtari2021",
            "A. Vehtari, A. Gelman, D. Simpson, B. Carpenter, P.-C. Bürkner",
            "Rank-normalization, folding, and localization: an improved R̂",
            2021,
            "Bayesian Anal. 16, 667",
            "arXiv:1903.08008",
        ),
    )

    def measure(self, samples: Samples) -> Table[Measurement]:
        state, where = convergence_of(samples), samples.system.where
        unknown = state is Convergence.NEVER_VARIED
        return Table(
            self.measurement(
                name, where, found.value, math.inf if unknown else found.error, len(samples), state
            )
            for name, found in estimates(samples)
        )


def estimates(samples: Samples) -> Iterator[tuple[str, Estimate]]:
    """Name of each quantity with value ± error."""
    n, beta = samples.system.sites, samples.system.beta
    h = samples.system.hamiltonian
    e, m = series_of(samples)
    shape = e.shape
    size = np.abs(m)
    columns = [e, e**2, size, m**2, m**4]
    functions: dict[str, Callable[[Any], Any]] = {
        "specific_heat": lambda x: n * beta**2 * (x[..., 1] - x[..., 0] ** 2),
        "susceptibility": lambda x: n * beta * (x[..., 3] - x[..., 2] ** 2),
        "binder": lambda x: 1 - x[..., 4] / (3 * x[..., 3] ** 2),
    }
    if smallest(h.lattice):
        assert h.lattice is not None
        k = momentum_squared(h.lattice)
        rows = samples.by_chain().numpy().reshape(-1, n)
        columns += list(structure_factors(h, rows).reshape(2, *shape))
        functions["second_moment_length"] = lambda x: second_moment_length(x[..., 5], x[..., 6], k)
    yield "energy", mean_of(e)
    yield "magnetisation", mean_of(size)
    stacked = np.stack(columns, -1)
    blocks = block_means(stacked - stacked.mean((0, 1)), block_size(stacked))
    for name, function in functions.items():
        yield name, _jackknifed(function, stacked.mean((0, 1)), blocks)


def _jackknifed(
    function: Callable[[Any], Any], mean: NDArray[np.float64], blocks: NDArray[np.float64]
) -> Estimate:
    """The value at the mean of all steps, with the error over the blocks; moments are taken about the mean."""
    with np.errstate(
        divide="ignore", invalid="ignore"
    ):  # of chains that stand still; nan is said not to be finite
        value = float(function(mean))
    return Estimate(value, jackknife(blocks, lambda x: function(mean + x)).error)


def block_size(columns: NDArray[np.float64]) -> int:
    """Steps of a block: ten autocorrelation times of the slowest column, as long as enough blocks remain."""
    chains, steps = columns.shape[:2]
    slowest = max(autocorrelation(columns[..., k]).time for k in range(columns.shape[-1]))
    wanted = math.ceil(LONG * slowest) if slowest > 0.6 else 1
    return max(1, min(wanted, steps, chains * steps // BLOCKS))


def series_of(samples: Samples) -> NDArray[np.float64]:
    """Energy a spin and order parameter, (2, chains, steps)."""
    if not len(samples):
        raise InputError("samples", "none", "draw some")
    return Observer(samples.system.hamiltonian).read(samples.by_chain().numpy())


def convergence_of(samples: Samples) -> Convergence:
    """Whether the chains have met and the series is long enough to tell its own error."""
    e, m = series_of(samples)
    observables = (e, np.abs(m))
    if not float(np.ptp(e)) and samples.system.sites > 1 and samples.system.beta:
        return Convergence.NEVER_VARIED
    if not all(autocorrelation(x).is_known for x in observables):
        return Convergence.SERIES_TOO_SHORT
    if e.shape[0] > 1 and max(split_r_hat(x) for x in observables) > LARGEST_R_HAT:
        return Convergence.CHAINS_DISAGREE
    return Convergence.CONVERGED

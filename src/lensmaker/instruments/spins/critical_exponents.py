"""Critical exponents from samples of several sizes at one temperature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from lensmaker.core import Convergence, InputError, Measurement, Reference, Table
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.spins.ensemble import convergence_of, series_of
from lensmaker.instruments.spins.slopes import binder_slope
from lensmaker.numerics.autocorrelation import mean_of
from lensmaker.numerics.finite_size_scaling import power
from lensmaker.numerics.resampling import Estimate
from lensmaker.systems.spins.sampling.samples import Samples

UNLIKELY = 0.01
"""Chance of a χ² below which the sizes are said not to follow one power."""


class CriticalExponents(Instrument):
    r"""1/ν, β/ν and γ/ν: the powers of L that ∂U₄/∂β, 1/⟨|m|⟩ and N⟨m²⟩ follow at T_c.

    Each is a least-squares line through the logarithms, with the errors of `Ensemble`. If χ² is so large that it has
    a chance below 1 %, the sizes are said to be too small for one power.

    Raises
    ------
    InputError
        If the samples are not of one lattice and temperature at three sizes or more.

    Examples
    --------
    >>> from lensmaker.systems.spins.canonical import Canonical
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import square
    >>> from lensmaker.systems.spins.sampling import SwendsenWang, sample
    >>> at_T_c = [Canonical(ising(square(L)), 2.269185314) for L in (8, 12, 16)]
    >>> sets = [sample(s, 2000, rule=SwendsenWang(), seed=L) for L, s in enumerate(at_T_c)]
    >>> found = CriticalExponents().measure(sets).select(quantity="gamma_over_nu")[0]
    >>> abs(found.value - 1.75) < 4 * found.error
    True
    """

    name = "critical_exponents"
    summary = "Powers of the size that samples at a critical temperature follow: 1/ν, β/ν and γ/ν."
    quantities = ("inverse_nu", "beta_over_nu", "gamma_over_nu")
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "ferrenberg1991",
            "A. M. Ferrenberg, D. P. Landau",
            "Critical behavior of the three-dimensional Ising model: a high-resolution Monte Carlo study",
            1991,
            "Phys. Rev. B 44, 5081",
        ),
    )

    def measure(self, samples: Sequence[Samples]) -> Table[Measurement]:
        sizes = _sizes(samples)
        where, count = samples[0].system.where, sum(len(s) for s in samples)
        states = [state for s in samples if (state := convergence_of(s)) is not Convergence.CONVERGED]
        found = []
        for name, sign in (("inverse_nu", 1), ("beta_over_nu", -1), ("gamma_over_nu", 1)):
            values = [_value(name, s) for s in samples]
            fit = power(sizes, [v.value for v in values], [v.error for v in values])
            state = states[0] if states else Convergence.CONVERGED
            if not states and fit.p_value < UNLIKELY:
                state = Convergence.NO_ONE_POWER
            value, error = sign * fit.exponent.value, fit.exponent.error
            found.append(self.measurement(name, where, value, error, count, state))
        return Table(found)


def _value(name: str, samples: Samples) -> Estimate:
    _, m = series_of(samples)
    if name == "inverse_nu":
        return binder_slope(samples)
    return mean_of(np.abs(m)) if name == "beta_over_nu" else mean_of(samples.system.sites * m**2)


def _sizes(samples: Sequence[Samples]) -> list[float]:
    """L of each, if they have but that between them."""
    expected, fix = (
        "samples of one lattice at three sizes and one temperature",
        "sample it at T_c at each size",
    )
    lattices = [s.system.hamiltonian.lattice for s in samples]
    if any(lattice is None for lattice in lattices):
        raise InputError(expected, "a Hamiltonian without a lattice", fix)
    shapes = [lattice.shape for lattice in lattices if lattice is not None]
    alike = {
        (s.system.temperature, str(lattice.name), tuple(side / shape[0] for side in shape))
        for s, lattice, shape in zip(samples, lattices, shapes, strict=True)
        if lattice is not None
    }
    if len(alike) != 1 or len({shape[0] for shape in shapes}) < 3:
        got = ", ".join(
            f"{h} at T = {s.system.temperature:g}" for s in samples for h in [s.system.hamiltonian]
        )
        raise InputError(expected, got or "none", fix)
    return [float(shape[0]) for shape in shapes]

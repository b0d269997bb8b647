"""Exponents and critical ratios of square tori: the fit against series made up, and the whole at T_c."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lensmaker.core import Convergence, InputError, compare
from lensmaker.instruments.spins.critical_exponents import CriticalExponents
from lensmaker.instruments.spins.ensemble import Ensemble
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import from_matrix, ising
from lensmaker.systems.spins.lattices import square
from lensmaker.systems.spins.sampling import Samples, SwendsenWang, sample
from lensmaker.systems.spins.sampling.provenance import Provenance
from lensmaker.theories.spins.critical_point import CriticalPoint

T_C = 2 / math.log1p(math.sqrt(2))


def torus(size: int, temperature: float = T_C) -> Canonical:
    return Canonical(ising(square(size)), temperature)


@pytest.mark.slow
def test_exponents_and_ratios_at_the_critical_temperature() -> None:
    """Five numbers within |z| < 3, each with a false alarm of 2.7e-3, and precise to 2 % and better."""
    sets = [sample(torus(L), 40_000, rule=SwendsenWang(), seed=L) for L in (16, 24, 32, 48, 64)]
    measured = [*CriticalExponents().measure(sets), *Ensemble().measure(sets[-1])]
    pairs, _, _ = compare(CriticalPoint().predict(torus(64)), measured)
    assert {p.quantity.name for p in pairs} == set(CriticalPoint.quantities)
    for pair in pairs:
        print(pair.quantity.symbol, pair.measurement.value, pair.measurement.error, pair.z_score)
        assert pair.measurement.convergence is Convergence.CONVERGED
        assert abs(pair.measurement.value - pair.prediction.value) < 3 * pair.measurement.error
    errors = {p.quantity.name: p.measurement.error for p in pairs}
    assert errors["inverse_nu"] < 0.02
    assert errors["beta_over_nu"] < 0.0025
    assert errors["gamma_over_nu"] < 0.006
    assert errors["binder"] < 8e-4
    assert errors["second_moment_length"] < 0.005 * 64


def made_up(size: int, power: float, seed: int, n: int = 4000) -> Samples:
    """Configurations whose |m| is drawn about ½ (size/4)^power, of any energy."""
    draw, sites = np.random.default_rng(seed), size**2
    up = np.clip(draw.normal(0.5 * (size / 4) ** power, 0.02, n), 0, 1)
    spins = np.where(draw.random((n, sites)) < (1 + up[:, None]) / 2, 1, -1).astype(np.int8)
    facts = Provenance("by hand", 0, 4, 0, 1, True, 0.5, 0.5, 1.0, ())
    return Samples(torch.from_numpy(spins), torus(size), facts)


@pytest.mark.parametrize("power", [-0.125, -0.4])
def test_a_power_is_found(power: float) -> None:
    """|z| < 4 of one number; β/ν the other way round, or of |m|², would be hundreds of errors off."""
    found = CriticalExponents().measure([made_up(L, power, L) for L in (4, 8, 16)])
    measured = found.select(quantity="beta_over_nu")[0]
    assert measured.convergence is Convergence.CONVERGED
    assert abs(measured.value + power) < 4 * measured.error < 0.03


def test_sizes_that_do_not_follow_one_power_are_said_not_to() -> None:
    sets = [made_up(L, power, L) for L, power in ((4, -0.1), (8, -0.1), (16, -0.2))]
    found = CriticalExponents().measure(sets).select(quantity="beta_over_nu")[0]
    assert found.convergence is Convergence.NO_ONE_POWER


def test_samples_that_do_not_belong_together_are_refused() -> None:
    sets = [made_up(L, -0.1, L, n=20) for L in (4, 8, 16)]
    with pytest.raises(InputError, match="at three sizes and one temperature"):
        CriticalExponents().measure(sets[:2])
    with pytest.raises(InputError, match="at three sizes and one temperature"):
        CriticalExponents().measure([])
    hotter = Samples(sets[0].spins, torus(4, 3.0), sets[0].provenance)
    with pytest.raises(InputError, match="at three sizes and one temperature"):
        CriticalExponents().measure([hotter, *sets[1:]])
    placeless = Samples(sets[0].spins, Canonical(from_matrix(np.zeros((16, 16))), T_C), sets[0].provenance)
    with pytest.raises(InputError, match="without a lattice"):
        CriticalExponents().measure([placeless, *sets[1:]])

"""How probable energies of a torus are, against enumeration and against Kaufman's mean and variance."""

from __future__ import annotations

import numpy as np
import pytest

from exact.class_posteriors import torus_bonds, torus_states
from lensmaker.core import InputError
from lensmaker.systems.spins import Canonical, ising, square
from lensmaker.theories.spins.energy_levels import energy_levels
from lensmaker.theories.spins.kaufman import Kaufman


@pytest.mark.parametrize("K", [0.2, 1 / 3, 0.5, 1.0])
def test_all_configurations_of_four_by_four(K: float) -> None:
    bonds = torus_bonds(torus_states(4), 4)
    weights = np.exp(K * bonds)
    exact = np.bincount(((32 - bonds) / 4).astype(int), weights / weights.sum(), minlength=17)
    assert np.abs(energy_levels(4, 4, K) - exact).max() < 1e-13


@pytest.mark.parametrize("shape", [(8, 8), (6, 10), (10, 6)])
def test_mean_and_variance_are_kaufmans(shape: tuple[int, int]) -> None:
    T, N = 2.3, shape[0] * shape[1]
    p = energy_levels(*shape, 1 / T)
    E = -(2.0 * N - 4 * np.arange(N + 1))
    table = Kaufman().predict(Canonical(ising(square(*shape)), T))
    mean = float(p @ E)
    assert p.sum() == pytest.approx(1, abs=1e-12)
    assert mean / N == pytest.approx(table.select(quantity="energy")[0].value, rel=1e-11)
    variance = float(p @ (E - mean) ** 2)
    assert variance / T**2 / N == pytest.approx(table.select(quantity="specific_heat")[0].value, rel=1e-9)


def test_odd_sides_are_refused() -> None:
    with pytest.raises(InputError, match="even sides, but got 3 × 4"):
        energy_levels(3, 4, 0.4)

"""The slope of the Binder cumulant against differences of its exact values."""

from __future__ import annotations

import pytest

from exact import spin_states as exact
from lensmaker.instruments.spins.slopes import binder_slope
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import square
from lensmaker.systems.spins.sampling import Metropolis, sample


def binder(beta: float) -> float:
    system = Canonical(ising(square(4)), 1 / beta)
    p, m = exact.distribution(system), exact.states(16).mean(1)
    return 1 - float(p @ m**4) / (3 * float(p @ m**2) ** 2)


@pytest.mark.parametrize("temperature", [2.5, 4.0])
def test_against_differences(temperature: float) -> None:
    """Within four errors, of 3 %."""
    beta, step = 1 / temperature, 1e-5
    want = (binder(beta + step) - binder(beta - step)) / (2 * step)
    found = binder_slope(sample(Canonical(ising(square(4)), temperature), 40_000, rule=Metropolis(), seed=1))
    assert abs(found.value - want) < 4 * found.error
    assert found.error < 0.03 * want

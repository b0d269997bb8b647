"""Where theories of spins meet their limits: low and high temperatures, long and small lattices."""

from __future__ import annotations

import math

import pytest

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import square
from lensmaker.theories.spins.enumeration import Enumeration
from lensmaker.theories.spins.kaufman import Kaufman
from lensmaker.theories.spins.onsager import Onsager


def test_walls_cross_a_long_torus() -> None:
    """|m| of 8 × 20000 spins at T = 1.6 is 0.217 by sampling, and the energy −1.92631; in bulk 0.9796 and −1.92824."""
    for p in Onsager().predict(Canonical(ising(square(8, 20000)), 1.6)):
        assert "two walls cross the torus" in p.regime.outside


@pytest.mark.parametrize("shape", [(4, 400), (8, 8), (8, 200), (16, 200), (16, 16), (32, 64), (300, 6)])
@pytest.mark.parametrize("temperature", [0.3, 0.7, 1.0, 1.3, 1.6, 1.9, 2.1])
def test_long_tori_are_within_the_errors_of_the_infinite_lattice(
    shape: tuple[int, int], temperature: float
) -> None:
    system = Canonical(ising(square(*shape)), temperature)
    want = {p.quantity.name: p.value for p in Kaufman().predict(system)}
    for p in Onsager().predict(system):
        if p.regime and p.quantity.name in want:
            assert abs(p.value - want[p.quantity.name]) <= 1.001 * p.error, p
            assert p.error < 0.1


@pytest.mark.parametrize("temperature", [0.5, 0.8, 1.0, 1.1])
def test_the_order_of_a_small_torus_is_that_of_the_infinite_lattice(temperature: float) -> None:
    system = Canonical(ising(square(4, 5)), temperature)
    (exact,), (bulk,) = (t.predict(system).select(quantity="magnetisation") for t in (Enumeration(), Onsager()))
    assert bulk.regime
    assert abs(bulk.value - exact.value) < bulk.error


@pytest.mark.parametrize("temperature", [0.005, 0.01, 0.1, 50.0, 1e4, 1e7, 1e12])
def test_the_infinite_lattice_at_either_end_of_the_temperatures(temperature: float) -> None:
    system = Canonical(ising(square(16)), temperature)
    want = {p.quantity.name: p.value for p in Kaufman().predict(system)}
    for p in Onsager().predict(system):
        assert p.regime
        if p.quantity.name in want:
            assert abs(p.value - want[p.quantity.name]) <= 1.001 * p.error, p
    energy = Onsager().predict(system)[0].value
    assert energy == pytest.approx(want["energy"], rel=1e-12)
    assert math.isfinite(energy)

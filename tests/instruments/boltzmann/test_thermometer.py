"""Thermometers against curves that are known, and what they do where they know nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exact.iterated_machine import torus_energies
from lensmaker.core import Convergence, InputError, Prediction, Regime, Where, quantity
from lensmaker.instruments.boltzmann.thermometer import Thermometer
from lensmaker.phenomena.thermometers import energy_thermometer
from lensmaker.systems.spins import Canonical, cubic, ising, sample, square
from lensmaker.systems.spins.sampling import HeatBath


def chain_energy(T: float) -> float:
    return -math.tanh(1 / T)


GRID = np.geomspace(0.4, 8, 50)
CHAIN = Thermometer("energy", GRID.tolist(), [chain_energy(T) for T in GRID], [0.0] * 50)


@pytest.mark.parametrize("T", [0.5, 0.83, 1.7, 3.1, 6.6])
def test_the_curve_is_turned_round(T: float) -> None:
    """To its own error and to 1e-3; δx of 1e-3 is carried by the slope, cosh⁻²(1/T)/T²."""
    exact = CHAIN.read(chain_energy(T))
    assert exact.state is Convergence.CONVERGED
    assert exact.temperature == pytest.approx(T, rel=1e-3)
    assert abs(exact.temperature - T) <= exact.error
    slope = 1 / (T * math.cosh(1 / T)) ** 2
    blurred = CHAIN.read(chain_energy(T), 1e-3)
    assert math.sqrt(blurred.error**2 - exact.error**2) == pytest.approx(1e-3 / slope, rel=0.02)


def test_errors_of_the_calibration_are_in_the_reading() -> None:
    T = np.linspace(1, 4, 40)
    rough = Thermometer("energy", T.tolist(), [chain_energy(t) for t in T], [3e-4] * 40)
    slope = 1 / (2 * math.cosh(0.5)) ** 2
    assert rough.read(chain_energy(2.0), 4e-4).error == pytest.approx(5e-4 / slope, rel=0.01)


def test_beyond_the_scale_it_reads_its_end_and_says_so() -> None:
    for value, end in ((-1.0, 0.4), (0.1, 8.0)):
        reading = CHAIN.read(value)
        assert (reading.temperature, reading.state) == (pytest.approx(end), Convergence.OUT_OF_SCALE)
    assert CHAIN.read(math.nan).state is Convergence.NOT_FINITE
    assert CHAIN.read(chain_energy(0.4)).state is Convergence.CONVERGED


def test_exact_points_of_a_small_torus() -> None:
    """3 × 4 spins, whose energies are summed here over all 4096 states."""
    energies = 12 * torus_energies(3, 4)
    thermometer = energy_thermometer(ising(square(3, 4)), points=60)
    for T in (1.1, 2.27, 5.0):
        weights = np.exp(-(energies - energies.min()) / T)
        reading = thermometer.read(float(energies @ weights / weights.sum()) / 12)
        assert reading.temperature == pytest.approx(T, abs=2e-3)
        assert abs(reading.temperature - T) < reading.error + 1e-6


def test_points_from_samples_read_the_temperature_of_others() -> None:
    """|z| < 4 of energy and |m|: a false alarm of 1e-4."""
    systems = [Canonical(ising(square(4)), T) for T in (1.5, 2.0, 2.5, 3.0, 3.6)]
    drawn = [sample(s, 1500, rule=HeatBath(), seed=k) for k, s in enumerate(systems)]
    other = sample(Canonical(ising(square(4)), 2.2), 1500, rule=HeatBath(), seed=9)
    for name, read in (("energy", "energy_temperature"), ("magnetisation", "magnetic_temperature")):
        thermometer = Thermometer.from_samples(drawn, name)
        assert thermometer.reads == read
        rows = other.spins.double().numpy()
        grid = rows.reshape(-1, 4, 4)
        found = {
            "energy": -(grid * np.roll(grid, 1, 1) + grid * np.roll(grid, 1, 2)).sum((1, 2)) / 16,
            "magnetisation": np.abs(rows.mean(1)),
        }[name]
        reading = thermometer.read(float(found.mean()), float(found.std()) / math.sqrt(len(found) / 2))
        assert reading.state is Convergence.CONVERGED
        assert abs(reading.temperature - 2.2) < 4 * reading.error
        assert reading.error < 0.2


def test_a_magnetisation_is_blind_above_the_end_of_its_scale() -> None:
    records = [
        Prediction(quantity("magnetisation"), Where(coordinates=(("T", T),)), m, 0.0, "t")
        for T, m in ((1.0, 0.999), (1.5, 0.98), (2.0, 0.91), (2.2, 0.8), (2.27, 0.6), (3.0, 0.1))
    ]
    ends = Thermometer.of(records, "magnetisation", highest=2.269 + 0.001)
    assert ends.read(0.3).state is Convergence.OUT_OF_SCALE
    assert ends.read(0.3).temperature == pytest.approx(2.27)
    assert ends.read(0.85).state is Convergence.CONVERGED


def test_what_is_no_thermometer() -> None:
    points = ([1.0, 2.0, 3.0, 4.0], [0.0] * 4)
    with pytest.raises(
        InputError, match=r"got 0\.3 at T = 2 and 0\.2 at T = 3: calibrate it with more samples"
    ):
        Thermometer("energy", points[0], [0.1, 0.3, 0.2, 0.4], points[1])
    with pytest.raises(InputError, match="finite values at temperatures that rise"):
        Thermometer("energy", [1.0, 2.0, 2.0, 4.0], [0.1, 0.2, 0.3, 0.4], points[1])
    with pytest.raises(InputError, match="4 points of a curve or more, but got 3 temperatures"):
        Thermometer("energy", [1.0, 2.0, 3.0], [0.1, 0.2, 0.3], [0.0] * 3)
    with pytest.raises(InputError, match="energy or magnetisation, but got 'entropy'"):
        Thermometer("entropy", points[0], [0.1, 0.2, 0.3, 0.4], points[1])
    with pytest.raises(InputError, match="a model with an exact solution, but got"):
        energy_thermometer(ising(cubic(6)), points=4)
    why = Regime("the lattice is infinite")
    bad = [Prediction(quantity("energy"), Where(coordinates=(("T", 1.0),)), -1.9, 0.0, "t", why)]
    with pytest.raises(InputError, match="a value to trust at T = 1, but got the lattice is infinite"):
        Thermometer.of(bad)


@pytest.mark.parametrize("error", [math.nan, -0.1])
def test_errors_that_are_none_are_refused(error: float) -> None:
    with pytest.raises(InputError, match="errors of 0 or more"):
        Thermometer("energy", [1.0, 2.0, 3.0, 4.0], [0.1, 0.2, 0.3, 0.4], [0.0, error, 0.0, 0.0])

"""The flow of machines that are small enough for their Markov chain to be a matrix."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
import torch

from exact import iterated_machine as exact
from lensmaker.core import Convergence, InputError, Measurement, Table
from lensmaker.instruments.boltzmann.rbm_flow import RBMFlow
from lensmaker.instruments.boltzmann.thermometer import Thermometer
from lensmaker.systems.boltzmann import Binary, Gaussian, RestrictedBoltzmannMachine, Spin
from lensmaker.systems.boltzmann.machine_flow import MachineFlow
from lensmaker.systems.spins import Canonical, Samples, blume_capel, ising, square
from lensmaker.systems.spins.sampling.provenance import Provenance, versions

ROWS, COLUMNS = 2, 4
N = ROWS * COLUMNS
ENERGIES = exact.torus_energies(ROWS, COLUMNS)
SIZES = np.abs(exact.states(N).mean(1))
FOUR_SIGMA = 4.0
"""A false alarm in 16,000 for each comparison of a fixed seed."""


def boltzmann(T: float) -> np.ndarray:
    p = np.exp(-N * (ENERGIES - ENERGIES.min()) / T)
    return p / p.sum()


def drawn(T: float, n: int, seed: int, p: np.ndarray | None = None) -> Samples:
    """Independent samples of the torus, from the table of its states."""
    chosen = np.random.default_rng(seed).choice(2**N, size=n, p=boltzmann(T) if p is None else p)
    spins = torch.from_numpy(exact.states(N)[chosen].astype(np.int8))
    how = Provenance("table", seed, 1, 0, 1, True, math.nan, 0.5, 1.0, versions())
    return Samples(spins, Canonical(ising(square(ROWS, COLUMNS)), T), how)


def numbers(scale: float = 0.5, hidden: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(5)
    return (
        generator.normal(0, scale, (N, hidden)) + 0.15,
        generator.normal(0, 0.2, N),
        generator.normal(0, 0.2, hidden),
    )


def machine(W: np.ndarray, a: np.ndarray, b: np.ndarray) -> RestrictedBoltzmannMachine:
    made = RestrictedBoltzmannMachine(Spin(len(a)), Spin(len(b)), dtype=torch.float64)
    for parameter, value in zip(
        (made.weights.parameter, made.visible_bias, made.hidden_bias), (W, a, b), strict=True
    ):
        parameter.data = torch.from_numpy(value.copy())
    return made


@functools.cache
def thermometer() -> Thermometer:
    grid = np.geomspace(0.5, 60, 90)
    return Thermometer("energy", grid.tolist(), [float(boltzmann(T) @ ENERGIES) for T in grid], [0.0] * 90)


@functools.cache
def measured(n: int = 20_000, doublings: int = 5) -> Table[Measurement]:
    system = MachineFlow(machine(*numbers()), [drawn(T, n, k) for k, T in enumerate((0.9, 3.0, 20.0))])
    return RBMFlow((thermometer(),), doublings).measure(system)


def test_each_step_is_that_of_the_matrix() -> None:
    """Energy and |m| of three starts at seven moments: 42 comparisons at |z| < 4, a false alarm of 0.3 %."""
    P = exact.transition(*numbers())
    scores = []
    for T in (0.9, 3.0, 20.0):
        for k in (0, 1, 2, 4, 8, 16, 32):
            p = boltzmann(T) @ np.linalg.matrix_power(P, k)
            where = f"machine:flow[start={T:g}, k={k}]"
            for name, values in (("energy", ENERGIES), ("magnetisation", SIZES)):
                found = measured().select(quantity=name, where=where)[0]
                spread = math.sqrt(float(p @ values**2) - float(p @ values) ** 2)
                assert found.error == pytest.approx(spread / math.sqrt(20_000), rel=0.15)
                scores.append((found.value - float(p @ values)) / found.error)
    assert max(map(abs, scores)) < FOUR_SIGMA
    assert 0.6 < np.std(scores) < 1.4


def test_the_temperature_is_that_of_the_energy() -> None:
    for T in (0.9, 3.0):
        at = f"machine:flow[start={T:g}, k=0]"
        found = measured().select(quantity="energy_temperature", where=at)[0]
        assert found.convergence is Convergence.CONVERGED
        assert abs(found.value - T) < FOUR_SIGMA * found.error
        assert found.error < 0.1 * T


def test_the_fixed_point_is_the_marginal_of_the_machine() -> None:
    """Of each start, and of all together with an error that is √3 smaller; the chain leaves P(v) as it is."""
    P, p = exact.transition(*numbers()), exact.marginal(*numbers())
    np.testing.assert_allclose(p @ P, p, rtol=1e-10)
    for name, values in (("energy", ENERGIES), ("magnetisation", SIZES)):
        found = [m for m in measured() if m.quantity.name == name and m.where.operation == "fixed point"]
        assert len(found) == 4
        for m in found:
            assert m.convergence is Convergence.CONVERGED
            assert abs(m.value - float(p @ values)) < FOUR_SIGMA * m.error
        assert found[3].error == pytest.approx(found[0].error / math.sqrt(3), rel=0.1)
        assert found[3].samples == 60_000
    T = measured().select(quantity="energy_temperature", where="machine:fixed point")[0]
    assert abs(T.value - thermometer().read(float(p @ ENERGIES)).temperature) < FOUR_SIGMA * T.error


def test_a_slow_machine_is_said_not_to_have_arrived() -> None:
    """Weights that nearly freeze the magnetisation: after eight iterations hot starts still drift."""
    W, a, b = numbers(0.0, 1)
    slow = machine(W * 0 + 0.5, a * 0, b * 0)
    biased = machine(W * 0 + 0.62, a * 0 - 0.1, b * 0)
    up = np.zeros(2**N)
    up[-1] = 1
    found = RBMFlow((thermometer(),), 3).measure(MachineFlow(biased, [drawn(1.0, 4000, 0, up)]))
    ends = [m for m in found if m.where.operation == "fixed point"]
    assert {m.convergence for m in ends} == {Convergence.ITERATION_LIMIT}
    arrived = RBMFlow(doublings=9).measure(MachineFlow(slow, [drawn(1.0, 4000, 0), drawn(9.0, 4000, 1)]))
    assert {m.convergence for m in arrived} == {Convergence.CONVERGED}


def test_several_fixed_points_are_said() -> None:
    """Each spin tied to a unit of its own by a weight of 30: all configurations stay as they are."""
    frozen = machine(30 * np.eye(N), np.zeros(N), np.zeros(N))
    starts = [drawn(1.0, 2000, 0), drawn(5.0, 2000, 1)]
    found = RBMFlow(doublings=3).measure(MachineFlow(frozen, starts))
    by_place = {
        (m.quantity.name, str(m.where)): m.convergence for m in found if m.where.operation == "fixed point"
    }
    assert by_place["energy", "machine:fixed point[start=1]"] is Convergence.CONVERGED
    assert by_place["energy", "machine:fixed point"] is Convergence.ENDS_APART
    one = RBMFlow(doublings=3).measure(MachineFlow(frozen, starts[:1]))
    assert {m.convergence for m in one} == {Convergence.CONVERGED}


def test_units_of_0_and_1_are_spins_of_a_machine_with_other_numbers() -> None:
    """E of v = (1 + s)/2, h = (1 + t)/2: W/4, a/2 + Σ_j W/4, b/2 + Σ_i W/4."""
    W, a, b = numbers(1.0)
    binary = RestrictedBoltzmannMachine(Binary(N), Binary(3), dtype=torch.float64)
    for parameter, value in zip(
        (binary.weights.parameter, binary.visible_bias, binary.hidden_bias), (W, a, b), strict=True
    ):
        parameter.data = torch.from_numpy(value.copy())
    P = exact.transition(W / 4, a / 2 + W.sum(1) / 4, b / 2 + W.sum(0) / 4)
    found = RBMFlow(doublings=2).measure(MachineFlow(binary, [drawn(2.0, 20_000, 3)]))
    for k in (0, 1, 4):
        m = found.select(quantity="energy", where=f"machine:flow[start=2, k={k}]")[0]
        want = float(boltzmann(2.0) @ np.linalg.matrix_power(P, k) @ ENERGIES)
        assert abs(m.value - want) < FOUR_SIGMA * m.error


def test_the_seed_is_all_that_chance_there_is() -> None:
    system = MachineFlow(machine(*numbers()), [drawn(2.0, 100, 0)])
    first, again, other = (RBMFlow(doublings=2, seed=s).measure(system) for s in (0, 0, 1))
    assert first == again
    assert first != other


def test_bad_input_is_one_sentence() -> None:
    small, start = machine(*numbers()), drawn(1.0, 50, 0)
    with pytest.raises(InputError, match="two doublings or more, but got 1"):
        RBMFlow(doublings=1)
    with pytest.raises(InputError, match="a thermometer for each quantity, but got energy, energy"):
        RBMFlow((thermometer(), thermometer()))
    with pytest.raises(InputError, match="samples at a temperature or more to start from, but got none"):
        MachineFlow(small, [])
    with pytest.raises(InputError, match="starts at temperatures that differ, but got 1, 1"):
        MachineFlow(small, [start, start])
    with pytest.raises(
        InputError, match="samples of 9 spins of ±1, as the machine has visible units, but got"
    ):
        MachineFlow(RestrictedBoltzmannMachine(Spin(9), Spin(2)), [start])
    with pytest.raises(InputError, match="visible units of two states"):
        MachineFlow(RestrictedBoltzmannMachine(Gaussian(8), Spin(2)), [start])
    three = Samples(start.spins, Canonical(blume_capel(square(ROWS, COLUMNS)), 1.0), start.provenance)
    with pytest.raises(InputError, match="samples of 8 spins of ±1"):
        MachineFlow(small, [three])
    other = Samples(start.spins, Canonical(ising(square(ROWS, COLUMNS), J=2.0), 2.0), start.provenance)
    with pytest.raises(InputError, match="starts of one Hamiltonian"):
        MachineFlow(small, [start, other])


def test_a_machine_that_diverged_has_no_flow() -> None:
    """Units whose field is no number would take their lower state, and the flow would settle."""
    W, a, b = numbers()
    W[0, 0] = math.nan
    with pytest.raises(InputError, match="a machine of finite numbers"):
        RBMFlow(doublings=2).measure(MachineFlow(machine(W, a, b), [drawn(1.0, 50, 0)]))
    start = drawn(1.0, 50, 0)
    empty = Samples(start.spins[:0], start.system, start.provenance)
    with pytest.raises(InputError, match="samples at a temperature or more to start from"):
        MachineFlow(machine(*numbers()), [start, empty])

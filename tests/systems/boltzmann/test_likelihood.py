"""ln Z by annealing against enumeration: values, what either direction is off by, and how often the interval covers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lensmaker.core import Convergence, InputError
from lensmaker.systems.boltzmann import (
    Exact,
    Gaussian,
    Rectified,
    RestrictedBoltzmannMachine,
    Spin,
)
from lensmaker.systems.boltzmann.likelihood import (
    Annealing,
    Integration,
    Path,
    Summation,
    log_likelihood,
    log_partition,
    path_to,
)
from lensmaker.systems.boltzmann.likelihood.annealing import backward, forward
from lensmaker.systems.boltzmann.likelihood.estimate import bennett
from lensmaker.systems.boltzmann.likelihood.sandwich import log_mean
from lensmaker.systems.boltzmann.training import Looks
from lensmaker.systems.boltzmann.training.monitor import LikelihoodMonitor
from systems.boltzmann.kinds import SUMMED

KINDS = SUMMED | {"binary": lambda: RestrictedBoltzmannMachine(12, 8)}


def random_machine(kind: str, seed: int, scale: float) -> RestrictedBoltzmannMachine:
    made, generator = KINDS[kind](), torch.Generator().manual_seed(seed)
    for parameter in made.parameters():
        parameter.data = scale * torch.randn(parameter.shape, generator=generator)
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_the_estimate_agrees_with_enumeration(kind: str) -> None:
    """Six numbers at |z| < 4; both directions have arrived."""
    m = random_machine(kind, 1, 0.4 if kind == "rectified" else 0.5)
    found = log_partition(m, seed=0, runs=128, steps=200)
    assert found.convergence is Convergence.CONVERGED
    assert abs(found.value - Exact(m).log_partition) < 4 * found.error + 1e-4
    assert found.error < 0.1


def covered(seeds: range, scale: float) -> tuple[int, list[float]]:
    """How many 95 % intervals hold the exact value, and the z-scores."""
    z, count = [], 0
    for seed in seeds:
        m = random_machine("binary", seed, scale)
        found = log_partition(m, seed=seed, runs=64, steps=100)
        exact = Exact(m).log_partition
        low, high = found.interval()
        count += low <= exact <= high
        z.append((found.value - exact) / found.error)
    return count, z


@pytest.mark.slow
def test_intervals_of_random_machines_cover() -> None:
    """Of thirty at 95 %: 24 or more, with a chance of 1e-4 to fail."""
    count, _ = covered(range(30), 1.0)
    assert count >= 24


@pytest.mark.slow
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_intervals_cover_at_their_rate(scale: float) -> None:
    """Of a hundred at 95 %: 88 or more, and not all by being too wide; a false alarm of 2e-3 each."""
    count, z = covered(range(100, 200), scale)
    print(scale, count, np.mean(z), np.std(z))
    assert count >= 88
    assert 0.7 < np.std(z) < 1.4


def test_few_steps_are_off_in_the_direction_that_is_known() -> None:
    """From evenly drawn units: forwards too small and backwards too large, in the mean over ten machines."""
    low, high = [], []
    for seed in range(10):
        m = random_machine("binary", seed, 4.0)
        exact = Exact(m).log_partition
        path, generator = Path(m, torch.zeros(12)), torch.Generator().manual_seed(seed)
        v = m.visible.configurations()
        drawn = torch.multinomial(Exact(m).log_likelihood(v).exp(), 16, True, generator=generator)
        up = forward(path, 16, 3, generator).numpy()
        down = backward(path, v[drawn].float(), 3, generator).numpy()
        low.append(path.log_base_partition + log_mean(up) - exact)
        high.append(path.log_base_partition - log_mean(-down) - exact)
    assert np.mean(low) < -0.5
    assert np.mean(high) > 0.5


def test_directions_that_do_not_meet_are_said() -> None:
    """Two opposite patterns at a barrier of 70, samples of one alone: the ways are apart by ln 2 or never meet."""
    m = RestrictedBoltzmannMachine(Spin(12), Spin(8))
    m.weights.parameter.data = 6 * torch.randn(12, 8, generator=torch.Generator().manual_seed(0))
    found = log_partition(m, seed=0, runs=16, steps=1)
    assert found.convergence is not Convergence.CONVERGED


def test_the_path_begins_near_the_machine() -> None:
    """The spread of ln w against that of a path from evenly drawn units."""
    m = RestrictedBoltzmannMachine(30, 4)
    m.initialise(seed=0, scale=0.1)
    m.visible_bias.data = torch.linspace(-4, 4, 30)
    even = Path(m, torch.zeros(30))
    w = [forward(p, 200, 10, torch.Generator().manual_seed(0)) for p in (even, path_to(m, seed=0))]
    assert float(w[1].std()) < float(w[0].std()) / 3
    found = log_partition(m, seed=1, runs=32, steps=10)
    assert abs(found.value - Exact(m).log_partition) < 4 * found.error


def test_rows_of_one_phase_do_not_hide_the_other(
    one_phase: tuple[RestrictedBoltzmannMachine, torch.Tensor],
) -> None:
    """A magnet with two phases, asked about rows of one: every way has both, or says that it has not arrived."""
    m, rows = one_phase
    exact = Exact(m).log_partition
    for way in (Annealing(64, 200), Integration(17, 16, 400)):
        found = way.log_partition(m, seed=0, data=rows)
        assert found.convergence is not Convergence.CONVERGED or abs(found.value - exact) < 4 * found.error
        assert abs(found.value - exact) < 0.4
    looks = Looks(log_likelihood=1, runs=64, steps=200)
    reading = LikelihoodMonitor(m, rows, rows, 0, looks).read(1, 1)
    truth = float(Exact(m).log_likelihood(rows).mean())
    assert reading.log_likelihood_low - 0.05 < truth < reading.log_likelihood_high + 0.05
    assert abs(reading.log_likelihood - truth) < 0.4


@pytest.fixture
def one_phase() -> tuple[RestrictedBoltzmannMachine, torch.Tensor]:
    m = RestrictedBoltzmannMachine(Spin(20), Spin(16), biased=False)  # more than the monitor sums over
    m.weights.parameter.data.fill_(0.12)
    rows = m.gibbs(torch.ones(500, 20), 50, torch.Generator().manual_seed(0))
    return m, rows[rows.sum(1) > 6]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (torch.full((4, 3), 7.0), "data of 0, 1, but got 7"),
        (torch.zeros(4, 2), "data of 3 numbers a row"),
        (torch.zeros(0, 3), "a table of one row or more"),
        (torch.zeros(3), "a table of one row or more"),
    ],
)
def test_samples_have_to_fit(rows: torch.Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        log_partition(RestrictedBoltzmannMachine(3, 2), seed=0, runs=8, steps=4, samples=rows)


@pytest.mark.parametrize("dtype", [torch.float64, torch.int8, torch.bool])
def test_samples_may_be_of_any_kind_of_numbers(dtype: torch.dtype) -> None:
    rows = (torch.arange(24).view(8, 3) % 5 < 2).to(dtype)
    found = log_partition(RestrictedBoltzmannMachine(3, 2), seed=0, runs=8, steps=4, samples=rows, data=rows)
    assert found.value == pytest.approx(5 * math.log(2))


def test_bennett_of_gaussian_work() -> None:
    """w ~ N(C − s²/2, s²) up and N(C + s²/2, s²) down have the same C: to four errors of 1e5 runs."""
    draw, s = np.random.default_rng(0), 2.0
    up, down = draw.normal(3 - s * s / 2, s, 100_000), draw.normal(3 + s * s / 2, s, 60_000)
    assert bennett(up, down) == pytest.approx(3, abs=0.03)


def test_equal_seeds_give_equal_estimates() -> None:
    m = random_machine("binary", 0, 1.0)
    one, two, other = (log_partition(m, seed=s, runs=8, steps=10) for s in (0, 0, 1))
    assert one == two
    assert one != other


def test_too_little_is_refused() -> None:
    with pytest.raises(InputError, match="two runs and one step"):
        log_partition(RestrictedBoltzmannMachine(3, 2), seed=0, runs=1)


def test_an_interval_is_as_wide_as_it_says() -> None:
    found = log_partition(random_machine("binary", 0, 1.0), seed=0, runs=64, steps=20)
    low, high = found.interval(0.6827)
    assert (high - low) / 2 == pytest.approx(found.error, rel=0.01)
    assert math.isfinite(found.value)


def test_log_z_does_not_depend_on_the_rows_that_are_judged() -> None:
    """Two patterns far apart: rows of one of them know nothing of the other."""
    machine = RestrictedBoltzmannMachine(30, 10)
    with torch.no_grad():
        pattern = torch.ones(30)
        pattern[::2] = -1
        machine.weights.parameter.copy_(torch.outer(pattern, torch.linspace(-2, 2, 10)))
        machine.visible_bias.copy_(-0.5 * machine.weights.parameter.sum(1))
        machine.hidden_bias.copy_(-0.5 * machine.weights.parameter.sum(0))
    exact = Exact(machine).log_partition
    for rows in ((pattern > 0).float().expand(20, -1), (pattern < 0).float().expand(20, -1)):
        found = log_likelihood(machine, rows, seed=0, method=Annealing(runs=64, steps=200))
        low, high = found.log_partition.interval(0.999)
        assert low < exact < high
        assert found.log_partition.error < 0.5


def test_a_machine_that_is_not_finite_has_no_likelihood() -> None:
    machine = RestrictedBoltzmannMachine(Gaussian(3), Rectified(2))
    with torch.no_grad():
        machine.weights.parameter.fill_(0.8)  # Z is infinite
    found = log_partition(machine, seed=0, runs=8, steps=200)
    assert math.isnan(found.value)
    assert found.convergence is Convergence.NOT_FINITE
    machine = RestrictedBoltzmannMachine(3, 2)
    with torch.no_grad():
        machine.visible_bias[0] = math.nan
    assert Summation().log_partition(machine, seed=0).convergence is Convergence.NOT_FINITE


def test_rounding_does_not_add_up() -> None:
    """Nothing couples, so that every run is exact: the sum over a thousand steps is that of doubles."""
    machine = RestrictedBoltzmannMachine(30, 500)
    with torch.no_grad():
        machine.hidden_bias.fill_(3.7)
    found = log_partition(machine, seed=0, runs=4, steps=1000)
    assert abs(found.value - 30 * math.log(2) - 500 * math.log1p(math.exp(3.7))) < 1e-4
    assert abs(found.forward - found.value) < 1e-9

"""The filter of most information against the exact information of any filter."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
import pytest
import torch

from lensmaker.core import Convergence, InputError
from lensmaker.design.block_filter import MostInformative, _read
from lensmaker.instruments.information import Ascent, Pairs
from lensmaker.numerics.resampling import jackknife_error
from lensmaker.systems.spins import Canonical, ising, sample, square
from lensmaker.systems.spins.coarse_graining import LearnedFilter, repeated
from lensmaker.systems.spins.dimer_noise import dimers_on_chain
from lensmaker.systems.spins.sampling import SwendsenWang
from lensmaker.systems.spins.surroundings import Surroundings
from lensmaker.theories.spins.block_information import BlockInformation
from lensmaker.theories.spins.onsager import CRITICAL_TEMPERATURE
from test_examples import example

QUICK = Ascent(512, 300, 0.02)


def exact(system: Canonical, around: Surroundings, rule: LearnedFilter) -> float:
    return BlockInformation(around, rule).predict(system)[0].value


def test_the_magnet_is_found_among_dimers() -> None:
    """On a ring, where the information of any filter is known; dimers are six times as strong as the magnet."""
    system, around = Canonical(dimers_on_chain(6, J=1.0, D=6.0), 1.0), Surroundings(4, 1, None)
    samples = sample(system, 3000, rule=SwendsenWang(), seed=1)
    found = MostInformative(around, ascent=QUICK, copies=6, seed=2).learn(samples)
    best = max(exact(system, around, LearnedFilter(4, (2 * c, 2 * s, 0.0, 0.0))) for c, s in _directions())
    assert found.share([2, 3]) < 0.05
    assert exact(system, around, found.rule) > 0.95 * best
    assert np.linalg.norm(found.weights) == pytest.approx(2.0)
    assert found.information.value < exact(system, around, found.rule) + 4 * found.information.error
    assert found.information.convergence is Convergence.CONVERGED
    again = MostInformative(around, ascent=QUICK, copies=6, seed=2).learn(samples)
    assert again.rule == found.rule


def _directions() -> list[tuple[float, float]]:
    return [(math.cos(a), math.sin(a)) for a in np.linspace(0, math.pi, 61)]


def test_of_a_magnet_all_spins_of_a_block_are_weighed() -> None:
    """A small torus near T_c: the bound is below the exact information, which is near that of equal weights."""
    system, around = Canonical(ising(square(4)), CRITICAL_TEMPERATURE), Surroundings(2, 0, None)
    samples = sample(system, 4000, rule=SwendsenWang(), seed=0)
    found = MostInformative(around, ascent=QUICK, copies=4).learn(samples)
    most = exact(system, around, LearnedFilter())
    assert exact(system, around, found.rule) > 0.97 * most
    assert (found.weights > 0.5).all()
    assert found.information.value < most + 4 * found.information.error
    flow = repeated(found.rule, 2)
    assert flow.coarse(square(8)).shape == (2, 2)


def test_the_value_is_the_bound_as_it_is_written() -> None:
    """Scores far from 0, where a term that is left out is seen; and with the steps of one block of time left out."""
    generator = torch.Generator().manual_seed(0)
    x, y = (2 * torch.randint(2, (1, 800, 1, n), generator=generator, dtype=torch.int8) - 1 for n in (4, 3))
    weights, critic = torch.tensor([0.3, -0.2, 0.5, 0.1]), torch.nn.Linear(3, 2)
    with torch.no_grad():
        critic.weight.copy_(torch.tensor([[0.9, -0.4, 1.2], [-0.3, 0.8, 0.5]]))
        critic.bias.copy_(torch.tensor([2.0, -1.0]))
        found = _read(weights, critic, Pairs(x, y), Convergence.CONVERGED)
        f, field = critic(y[0, :, 0].float()).numpy(), (x[0, :, 0].float() @ weights).numpy()

    def by_hand(rows: np.ndarray) -> float:
        total = 0.0
        for k, mu in enumerate((-1, 1)):
            p = np.exp(mu * field[rows]) / (2 * np.cosh(field[rows]))
            total += float((p * (f[rows, k] - math.log(np.exp(f[rows, k]).mean()))).mean())
        return total

    assert found.value == pytest.approx(by_hand(np.arange(800)), rel=1e-5)
    without = np.array([by_hand(np.flatnonzero(np.arange(800) // 8 != g)) for g in range(100)])
    assert found.error == pytest.approx(jackknife_error(without), rel=0.25)


def test_bad_input() -> None:
    with pytest.raises(InputError, match="a norm above 0, or None"):
        MostInformative(norm=0.0)
    with pytest.raises(InputError, match="finite weights for a block of side 2"):
        LearnedFilter(2, (1.0, 1.0, 1.0))


@pytest.fixture(scope="module")
def noise() -> ModuleType:
    return example("mutual_information_rg")


def test_a_machine_learns_the_dimers_and_tells_nothing(noise: ModuleType) -> None:
    """One seed, few samples; the slow test has the table."""
    rows = sample(noise.SYSTEM, 2000, rule=SwendsenWang(), seed=0)
    found = noise.of_a_block(rows, 0)
    assert found.share > 0.95
    assert found.information < 0.02


@pytest.mark.slow
def test_the_example(noise: ModuleType) -> None:
    """Three seeds: the machine sits on the dimers each time, mutual information on the magnet each time."""
    found = noise.main(8000, 3)
    most = noise.exact((2**0.5, 2**0.5, 0.0, 0.0))
    assert all(f.share > 0.95 and f.information < 0.02 for f in found["machine of a block"])
    assert all(f.share < 0.05 and f.information > 0.95 * most for f in found["mutual information"])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_equal_weights_near_the_critical_point(seed: int) -> None:
    """On a torus of 8 × 8 at T_c each weight is 1 to 15 %, and so is what equal ones tell to 1 %."""
    system, around = Canonical(ising(square(8)), CRITICAL_TEMPERATURE), Surroundings(2, 1, 1)
    samples = sample(system, 8000, rule=SwendsenWang(), seed=seed)
    found = MostInformative(around, copies=16, seed=seed).learn(samples)
    np.testing.assert_allclose(found.weights, 1.0, atol=0.15)
    assert exact(system, around, found.rule) > 0.99 * exact(system, around, LearnedFilter())


def test_a_critic_without_units_is_refused() -> None:
    for sizes in ({"width": 0}, {"layers": 0}):
        with pytest.raises(InputError, match="a width and layers of 1 or more"):
            MostInformative(**sizes)

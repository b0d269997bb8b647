"""Thermodynamic integration and the sandwich against enumeration: how often they cover, and that they say when not."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from lensmaker.core import Convergence, InputError
from lensmaker.systems.boltzmann import (
    Exact,
    RestrictedBoltzmannMachine,
    Spin,
)
from lensmaker.systems.boltzmann.likelihood import Annealing, Integration, Path, log_partition, path_to
from lensmaker.systems.boltzmann.likelihood.integration import _simpson, integrated
from lensmaker.systems.boltzmann.likelihood.ladder import Ladder
from lensmaker.systems.boltzmann.likelihood.sandwich import sandwich
from systems.boltzmann.kinds import SUMMED
from systems.boltzmann.machines import random_machine, trained


@pytest.mark.parametrize("kind", SUMMED)
def test_the_area_under_the_slope_is_that_of_enumeration(kind: str) -> None:
    """Six numbers at |z| < 4: a false alarm of 4e-4 together."""
    m, generator = SUMMED[kind](), torch.Generator().manual_seed(1)
    for parameter in m.parameters():
        parameter.data = 0.4 * torch.randn(parameter.shape, generator=generator)
    found = Integration(levels=17, sweeps=400).log_partition(m, seed=0)
    assert found.convergence is Convergence.CONVERGED
    assert abs(found.value - Exact(m).log_partition) < 4 * found.error
    assert found.error < 0.1
    assert found.exchange > 0.3


def test_simpsons_rule_is_exact_for_cubics() -> None:
    x = np.linspace(0, 1, 9)
    for stride in (1, 2):
        assert _simpson(9, stride) @ x**3 == pytest.approx(1 / 4, rel=1e-14)
    assert _simpson(9, 1) @ x**4 != pytest.approx(1 / 5, rel=1e-5)


def test_a_ladder_leaves_every_level_as_it_is() -> None:
    """Mean slopes of long chains against those of enumeration at each of nine levels: |z| < 4.5, 6e-5 together."""
    m = random_machine(3, 1.0).double().requires_grad_(False)
    path = path_to(m, seed=0)
    ladder = Ladder(path, 9, 200, torch.Generator().manual_seed(0))
    seen = []
    for turn in range(300):
        ladder.step()
        if turn >= 100:
            seen.append(ladder.slopes())
    means = torch.stack(seen).mean(0)
    v = m.visible.configurations()
    fields = path.fields(v)
    for k, β in enumerate(ladder.beta):
        log_p = path.log_weight(v, fields, β)
        want = float((log_p - log_p.logsumexp(0)).exp() @ path.slope(v, fields, β))
        error = float(means[k].std()) / math.sqrt(200)
        assert abs(float(means[k].mean()) - want) < 4.5 * error


def test_a_coarse_grid_is_told_by_the_error() -> None:
    """Five levels of a machine whose slope bends: wrong by many statistical errors, by no more than three of all."""
    m = random_machine(0, 3.0)
    found = integrated(
        Path(m, torch.zeros(12)),
        levels=5,
        columns=32,
        sweeps=1000,
        generator=torch.Generator().manual_seed(0),
    )
    off = abs(found.value - Exact(m).log_partition)
    assert off > 4 * found.statistical
    assert off < 3 * found.discretisation


def test_chains_that_stay_where_they_start_are_seen() -> None:
    """Two patterns that are each other's opposite, at a barrier of 40: columns from one of them stay there."""
    m = RestrictedBoltzmannMachine(Spin(20), Spin(8), biased=False)
    m.weights.parameter.data.fill_(2.0)
    start = -torch.ones(4, 20)
    found = integrated(
        Path(m, m.visible.field_of_mean(torch.ones(20))),
        levels=5,
        columns=8,
        sweeps=40,
        generator=torch.Generator().manual_seed(0),
        start=start,
    )
    assert found.convergence is Convergence.CHAINS_DISAGREE


def test_too_few_levels_or_chains_are_refused() -> None:
    m = RestrictedBoltzmannMachine(3, 2)
    for method, message in (
        (Integration(levels=7), "levels one more than a multiple of 4"),
        (Integration(columns=2), "four columns and eight sweeps"),
        (Integration(sweeps=2), "four columns and eight sweeps"),
    ):
        with pytest.raises(InputError, match=message):
            method.log_partition(m, seed=0)
    with pytest.raises(InputError, match="a level of confidence between 0 and 1"):
        sandwich(np.zeros(4), np.zeros(4), 1.0)
    with pytest.raises(InputError, match="two runs or more"):
        sandwich(np.zeros(1), np.zeros(4))


# -- the sandwich ---------------------------------------------------------------------------------


def test_the_sandwich_of_gaussian_work_covers() -> None:
    """w ~ N(∓s²/2, s²), ln Z = 0, 400 times: the ends are wrong at 2.5 % each or less; 5 σ of the binomial above it."""
    draw = np.random.default_rng(0)
    limit = 400 * 0.025 + 5 * math.sqrt(400 * 0.025 * 0.975)
    for s in (0.3, 1.0, 2.0, 4.0):
        found = [sandwich(draw.normal(-s * s / 2, s, 64), draw.normal(s * s / 2, s, 64)) for _ in range(400)]
        assert sum(f.low > 0 for f in found) <= limit
        assert sum(f.high < 0 for f in found) <= limit
        assert sum(f.sure_low > 0 for f in found) <= limit
        assert sum(f.sure_high < 0 for f in found) <= limit


def test_the_sure_ends_hold_for_weights_that_student_does_not_know() -> None:
    """w = 0 but for one run in a hundred, which has most of Z: t over groups says too little, Markov never too much."""
    draw = np.random.default_rng(1)
    log_z = math.log(0.99 + 0.01 * math.e**8)
    found = [
        sandwich(8.0 * (draw.random(64) < 0.01), 8.0 * (draw.random(64) < 0.01 * math.e**8 / math.exp(log_z)))
        for _ in range(200)
    ]
    assert sum(f.sure_low > log_z for f in found) <= 15
    assert sum(f.sure_high < log_z for f in found) <= 15


def test_the_sandwich_says_what_it_rests_on() -> None:
    found = log_partition(random_machine(0, 1.0), seed=0, runs=16, steps=20).sandwich(0.9)
    assert "at 90 %" in str(found)
    assert "upper ends hold if the runs down started from samples of the machine" in str(found)
    assert found.sure_low < found.low < found.high < found.sure_high


@pytest.mark.slow
def test_annealing_up_alone_flatters_a_trained_machine() -> None:
    """Ten machines that learned bars, cooled by 4, in ten steps: ln Ẑ is too small in the mean, by three errors."""
    off, said = [], 0
    for seed in range(10):
        m, _ = trained(seed, "bars", 4.0)
        found = log_partition(m, seed=seed, runs=64, steps=10)
        off.append(found.forward - Exact(m).log_partition)
        low, high = found.interval()
        said += low <= Exact(m).log_partition <= high or found.convergence is not Convergence.CONVERGED
    print(off, np.mean(off))
    assert np.mean(off) < -0.5
    assert np.mean(off) < -3 * np.std(off, ddof=1) / math.sqrt(10)
    assert said >= 8


# -- coverage -------------------------------------------------------------------------------------

HUNDRED: dict[str, list[Callable[[], tuple[RestrictedBoltzmannMachine, torch.Tensor | None]]]] = {
    "random": [
        lambda s=s: (random_machine(s, (0.5, 1.0, 2.0, 3.0)[s % 4]), None)  # type: ignore[misc]
        for s in range(100)
    ],
    "trained": [
        lambda s=s: trained(s, "bars" if s % 2 else "modes", (1.0, 1.0, 2.0, 2.0)[s % 4])  # type: ignore[misc]
        for s in range(100)
    ],
    "cooled": [
        lambda s=s: trained(s, "bars" if s % 2 else "modes", (3.0, 3.0, 4.0, 4.0)[s % 4])  # type: ignore[misc]
        for s in range(100)
    ],
}


def counted(kind: str, ways: dict[str, Annealing | Integration], count: int) -> dict[str, list[int]]:
    """Of each way: how often it covers, how often it says that it does not know, and how often it is wrong."""
    found: dict[str, list[int]] = {}
    for seed, make in enumerate(HUNDRED[kind][:count]):
        m, data = make()
        exact = Exact(m).log_partition
        for name, way in ways.items():
            got = way.log_partition(m, seed=seed, data=data)
            ends = {name: got.interval()}
            if isinstance(way, Annealing):
                between = got.sandwich()
                ends |= {
                    "sandwich": (between.low, between.high),
                    "sure": (between.sure_low, between.sure_high),
                }
            for which, (low, high) in ends.items():
                covers, known = low <= exact <= high, got.convergence is Convergence.CONVERGED
                row = found.setdefault(which, [0, 0, 0])
                row[0] += covers
                row[1] += not known
                row[2] += known and not covers
    return found


WAYS: dict[str, Annealing | Integration] = {
    "bennett": Annealing(runs=64, steps=100),
    "integration": Integration(levels=33, columns=16, sweeps=1000),
}


@pytest.mark.slow
def test_intervals_of_ten_trained_machines_cover() -> None:
    """Of ten at 95 %, three or fewer wrong without a word: a false alarm of 1e-3 each."""
    ways = {"bennett": WAYS["bennett"], "integration": Integration(levels=17, columns=16, sweeps=300)}
    for name, (_, _, wrong) in counted("trained", ways, 10).items():
        assert wrong <= 3, name


@pytest.mark.slow
@pytest.mark.parametrize("kind", HUNDRED)
def test_intervals_cover_or_say_that_they_do_not(kind: str) -> None:
    """Of a hundred machines at 95 %: no more than 12 wrong without a word, a false alarm of 2e-3 each."""
    found = counted(kind, WAYS, 100)
    print(kind, found)
    for name, (covers, unknown, wrong) in found.items():
        assert wrong <= 12, name
        assert unknown <= 25, name
        assert covers >= 80, name

"""Parallel tempering against the exact joint distribution of all its temperatures."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import erfc

from exact import spin_states as exact
from lensmaker.core import InputError
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import hamiltonian, ising
from lensmaker.systems.spins.lattices import chain, square
from lensmaker.systems.spins.sampling import HeatBath, Kawasaki, Metropolis, ParallelTempering, Wolff
from lensmaker.systems.spins.sampling.rules.tempering_ladder import geometric, ladder

CASES = {
    "2 × 2 spins, two temperatures": (ising(square(2), h=0.2), (2.0, 5.0)),
    "three spins, three temperatures": (ising(chain(3), h=0.2), (0.8, 1.5, 4.0)),
}


def accept(gain: float) -> float:
    return 1 / (1 + math.exp(gain))


def joint(matrices: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return functools.reduce(np.kron, matrices)


def exchange(h: object, temperatures: tuple[float, ...], parity: int) -> NDArray[np.float64]:
    """The matrix of the exchanges of one parity; the coldest rung is the slowest digit of a joint number."""
    energy = exact.energies(Canonical(h, 1.0))
    n, rungs = len(energy), len(temperatures)
    digits = np.indices((n,) * rungs).reshape(rungs, -1)
    rows = np.arange(n**rungs)
    found = np.eye(len(rows))
    for k in range(parity, rungs - 1, 2):
        order = [k + 1 if r == k else k if r == k + 1 else r for r in range(rungs)]
        to = np.ravel_multi_index(tuple(digits[order]), (n,) * rungs)
        gain = (1 / temperatures[k] - 1 / temperatures[k + 1]) * (energy[digits[k]] - energy[digits[k + 1]])
        p = np.minimum(1, np.exp(gain))
        step = np.zeros_like(found)
        np.add.at(step, (rows, to), p)
        np.add.at(step, (rows, rows), 1 - p)
        found = found @ step
    return found


@pytest.mark.parametrize("name", CASES)
def test_exchanges_are_in_detailed_balance(name: str) -> None:
    h, temperatures = CASES[name]
    weight = joint([exact.distribution(Canonical(h, t)) for t in temperatures])
    assert all(exact.in_detailed_balance(exchange(h, temperatures, parity), weight) for parity in (0, 1))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("start", [0, 0b101])
def test_sweeps_step_as_often_as_their_matrices_say(name: str, start: int) -> None:
    """Three sweeps and the exchanges after each; four tests at a false alarm of 1e-6 each."""
    h, temperatures = CASES[name]
    n, rungs, chains = 2**h.sites, len(temperatures), 100_000
    sweep = joint(
        [functools.reduce(np.matmul, exact.site_steps(Canonical(h, t), accept)) for t in temperatures]
    )
    steps = [m for parity in (0, 1, 0) for m in (sweep, exchange(h, temperatures, parity))]
    rule = ParallelTempering(temperatures, HeatBath())
    counts = np.zeros(n**rungs, np.int64)
    for seed in range(3):
        spins = np.repeat(exact.states(h.sites)[start][None], chains, 0)
        walk = rule.start(Canonical(h, temperatures[0]), spins, seed)
        walk.advance(3)
        places = np.ravel_multi_index(tuple(exact.number(walk.ladder()).T), (n,) * rungs)
        counts += np.bincount(places, minlength=len(counts))
    first = int(np.ravel_multi_index((start,) * rungs, (n,) * rungs))
    digits = np.indices((n,) * rungs).reshape(rungs, -1)
    energy = exact.energies(Canonical(h, 1.0))
    observables = [energy[digits[k]] for k in range(rungs)]
    assert exact.chance(counts, exact.after(steps, first), *observables) > 1e-6


def test_an_exchange_off_by_half_a_per_cent_is_seen() -> None:
    """One spin in a field at two temperatures: exchanged with e^(−0.3), so often that z > 5 for such a fault.

    Heat bath forgets where a lone spin was: the sweeps of one walk are independent.
    """
    h = hamiltonian(1, {"h": [[0]]}, {"h": 0.15})
    temperatures = (1.0, math.inf)
    rule = ParallelTempering(temperatures)
    counts = np.zeros(4, np.int64)
    walk = rule.start(Canonical(h, 1.0), np.ones((20_000, 1), np.int8), seed=1)
    for _ in range(250):
        walk.advance(1)
        walk.state["count"][:] = 0  # the pair is tried after each sweep
        both = exact.number(walk.ladder())
        counts += np.bincount(2 * both[:, 0] + both[:, 1], minlength=4)
    drawn = joint([exact.distribution(Canonical(h, t)) for t in temperatures])
    assert exact.chance(counts, drawn @ exchange(h, temperatures, 0), np.array([0.0, 0, 1, 1])) > 1e-6


def test_what_it_shows_is_at_the_temperature_of_the_system() -> None:
    h, temperatures = CASES["three spins, three temperatures"]
    walk = ParallelTempering(temperatures).start(Canonical(h, 1.5), np.ones((5, 3), np.int8), 0)
    walk.advance(4)
    assert (walk.spins() == walk.ladder()[:, 1]).all()


def test_a_walk_goes_on_from_its_state() -> None:
    system = Canonical(ising(square(4)), 2.0)
    rule = ParallelTempering((2.0, 2.5, 3.0), Metropolis())
    one = rule.start(system, np.ones((3, 16), np.int8), 5)
    one.advance(7)
    saved = {name: array.copy() for name, array in one.state.items()}
    one.advance(9)
    two = rule.start(system, np.ones((3, 16), np.int8), 5)
    two.state = saved
    two.advance(9)
    assert (one.ladder() == two.ladder()).all()
    assert one.round_trips == two.round_trips


def test_round_trips_are_those_of_the_labels() -> None:
    """Counted again from the labels of the replicas, sweep by sweep."""
    system = Canonical(ising(square(3)), 2.0)
    walk = ParallelTempering((2.0, 3.0, 4.0)).start(system, np.ones((2, 9), np.int8), 1)
    seen: dict[tuple[int, int], str] = {}
    for _ in range(300):
        walk.advance(1)
        replicas = walk.state["replicas"]
        for c in range(2):
            for rung, letter in ((0, "c"), (2, "h")):
                key = (c, int(replicas[c, rung]))
                path = seen.get(key, "")
                seen[key] = path if path.endswith(letter) else path + letter
    assert walk.round_trips == sum(
        path.count("ch") - (not path.endswith("c")) * path.endswith("h") for path in seen.values()
    )
    assert walk.round_trips > 10


def test_the_ladder_gives_the_rate_that_was_asked_for() -> None:
    """Measured rates within 0.1 of 0.4, on a ladder from energies by enumeration."""
    h = ising(square(4))
    grid = geometric(1.5, 6.0, 25)
    weight = [exact.distribution(Canonical(h, t)) for t in grid]
    found = ladder(grid, [float(w @ exact.energies(Canonical(h, 1.0))) for w in weight], rate=0.4)
    assert found[0] == 1.5
    assert found[-1] == 6.0
    walk = ParallelTempering(found).start(Canonical(h, 1.5), np.ones((200, 16), np.int8), 0)
    walk.advance(400)
    assert walk.swap_rates.shape == (len(found) - 1,)
    assert np.abs(walk.swap_rates - 0.45).max() < 0.12


def test_the_law_of_the_rate() -> None:
    """⟨min(1, e^Δ)⟩ = erfc(√μ/2) for Δ of mean −μ and variance 2μ."""
    draw = np.random.default_rng(0).normal(size=10**6)
    for mu in (0.3, 2.0):
        rate = np.minimum(1, np.exp(-mu + math.sqrt(2 * mu) * draw)).mean()
        assert rate == pytest.approx(erfc(math.sqrt(mu) / 2), abs=2e-3)


BAD = {
    "no ladder": (ParallelTempering, Canonical(ising(square(2)), 1.0), "no ladder of temperatures"),
    "elsewhere": (
        lambda: ParallelTempering((1.0, 2.0)),
        Canonical(ising(square(2)), 1.5),
        r"T = 1\.5, which is not on its ladder",
    ),
    "of the rule": (
        lambda: ParallelTempering((1.0, 2.0), Wolff()),
        Canonical(ising(square(2), h=0.1), 1.0),
        "a field",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_it_says_where_it_does_not_apply(case: str) -> None:
    make, system, sentence = BAD[case]
    with pytest.raises(InputError, match=sentence):
        make().start(system, np.ones((1, 4), np.int8), 0)


def test_ladders_that_cannot_be() -> None:
    with pytest.raises(InputError, match="temperatures above 0, each once"):
        ParallelTempering((1.0, 1.0))
    with pytest.raises(InputError, match=r"a rate of exchanges between 0 and 1, but got 1\.5"):
        ladder([1.0, 2.0], [-1.0, 0.0], rate=1.5)
    with pytest.raises(InputError, match="energies that rise"):
        ladder([1.0, 2.0], [0.0, 0.0])
    assert Kawasaki.is_open is False

"""The exact mutual information against brute force, closed forms, and what information must obey."""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pytest

from exact.information import information, of_two_spins
from exact.spin_states import distribution, states
from lensmaker.core import InputError
from lensmaker.systems.spins import Canonical, chain, gaussian_glass, ising, square, triangular
from lensmaker.systems.spins.coarse_graining import (
    BlockRule,
    DecimationRule,
    LearnedFilter,
    MajorityRule,
    TunableMajority,
    repeated,
)
from lensmaker.systems.spins.dimer_noise import dimers_on_chain, dimers_on_square
from lensmaker.systems.spins.formula import from_formula
from lensmaker.systems.spins.surroundings import Surroundings
from lensmaker.theories.spins.block_information import BlockInformation
from lensmaker.theories.spins.marginals import marginal
from lensmaker.theories.spins.onsager import CRITICAL_TEMPERATURE

SYSTEMS = {
    "torus": Canonical(ising(square(4)), CRITICAL_TEMPERATURE),
    "torus in a field": Canonical(ising(square(4, 3), h=0.2), 2.0),
    "open": Canonical(ising(square(3, 4, periodic=False), J=-0.7), 1.1),
    "triangular": Canonical(ising(triangular(4, 3)), 3.0),
    "ring": Canonical(ising(chain(11), h=-0.1), 0.8),
    "glass": Canonical(gaussian_glass(square(4, 3), seed=2), 0.9),
    "plaquettes": Canonical(
        from_formula("-J*s[i]*s[j] - K*s[i]*s[j]*s[k]*s[l]", square(4), J=0.3, K=0.4), 1.0
    ),
    "dimers": Canonical(dimers_on_square(4, 4, D=2.0), 2.5),
    "dimers of a chain": Canonical(dimers_on_chain(3, D=2.0), 1.0),
}


def value(system: Canonical, around: Surroundings, rule: BlockRule | None = None) -> float:
    return BlockInformation(around, rule).predict(system)[0].value


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize(
    "around", [Surroundings(2, 0, None), Surroundings(2, 0, 1), Surroundings(1, 1, 1)], ids=str
)
def test_a_block_against_all_configurations(name: str, around: Surroundings) -> None:
    system = SYSTEMS[name]
    lattice = system.hamiltonian.lattice
    assert lattice is not None
    try:
        outside = around.environment(lattice)
    except InputError:
        return  # nothing is so far away; the refusal has a test of its own
    expected = information(system, around.block(lattice).tolist(), outside.tolist())
    assert value(system, around) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["torus", "torus in a field", "open", "glass", "dimers"])
def test_block_spins_against_all_configurations(name: str) -> None:
    system, around = SYSTEMS[name], Surroundings(2, 0, None)
    lattice = system.hamiltonian.lattice
    assert lattice is not None
    weights = (0.9, -0.3, 1.7, 0.1)
    rules: list[tuple[BlockRule, object]] = [
        (DecimationRule(), lambda b: float(b[0] > 0)),
        (MajorityRule(), lambda b: (1 + np.sign(b.sum())) / 2),
        (TunableMajority(weight=0.4), lambda b: 1 / (1 + math.exp(-0.8 * b.sum()))),
        (LearnedFilter(2, weights), lambda b: 1 / (1 + math.exp(-2 * float(np.dot(b, weights))))),
    ]
    block, outside = around.block(lattice).tolist(), around.environment(lattice).tolist()
    for rule, up in rules:
        assert value(system, around, rule) == pytest.approx(
            information(system, block, outside, up),  # type: ignore[arg-type]
            abs=1e-12,
        )


def test_two_spins_of_a_long_chain() -> None:
    """On an open chain from its end, one spin; on a ring the two ways round interfere."""
    for T, r in itertools.product((0.5, 1.0, 3.0), (1, 2, 5)):
        t = math.tanh(1 / T)
        end = Canonical(ising(chain(300, periodic=False)), T)
        found = value(end, Surroundings(1, r - 1, 1))
        assert found == pytest.approx(of_two_spins(t**r), rel=1e-12)
    far = Canonical(ising(chain(2000)), 0.5)
    one = Surroundings(1, 999, 1)  # the spin across the ring, alone
    t = math.tanh(2.0) ** 1000
    assert value(far, one) == pytest.approx(of_two_spins(2 * t / (1 + t**2)), rel=1e-9)


def test_sites_are_not_swapped() -> None:
    """Every site of a marginal in its place, in any order: a system without symmetry."""
    system = Canonical(gaussian_glass(square(3), seed=1), 0.7)
    s, p = states(9), distribution(system)
    for sites in ([4, 0, 7], [8, 1], [2]):
        expected = np.zeros((2,) * len(sites))
        np.add.at(expected, tuple((s[:, sites].T + 1) // 2), p)
        np.testing.assert_allclose(marginal(system, sites), expected, atol=1e-14)


def test_what_information_obeys() -> None:
    """A block spin tells no more than its block, farther environments and hotter magnets no more than nearer ones."""
    at = {T: Canonical(ising(square(16, 4)), T) for T in (CRITICAL_TEMPERATURE, 3.0)}
    near, far = Surroundings(2, 1, 1), Surroundings(2, 2, 1)
    for system in at.values():
        whole = value(system, near)
        assert value(system, far) < whole
        for rule in (MajorityRule(), DecimationRule(), LearnedFilter(2, (1.0, 2.0, -0.5, 1.0))):
            assert 0 < value(system, near, rule) < min(whole, math.log(2))
    assert value(at[3.0], near) < value(at[CRITICAL_TEMPERATURE], near)
    free = Canonical(ising(square(4), J=0.0), 1.0)
    assert value(free, Surroundings(2, 0, None)) == pytest.approx(0, abs=1e-14)
    assert value(free, Surroundings(2, 0, None), MajorityRule()) == pytest.approx(0, abs=1e-14)


def test_dimers_tell_nothing() -> None:
    """What surrounds them does not know of them, and a filter on the magnet has what the magnet alone has."""
    noisy = Canonical(dimers_on_square(8, 4, D=4.0), CRITICAL_TEMPERATURE)
    around = Surroundings(2, 0, None)
    assert value(noisy, around, LearnedFilter(2, (0.0, 0.0, 1.4, 1.4))) < 1e-14
    clean, lattice = Canonical(ising(square(4)), CRITICAL_TEMPERATURE), square(4)
    pair, others = [0, 1], sorted(set(range(lattice.sites)) - {0, 1})
    expected = information(clean, pair, others, lambda b: 1 / (1 + math.exp(-2.8 * b.sum())))
    assert value(noisy, around, LearnedFilter(2, (1.4, 1.4, 0.0, 0.0))) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("norm", "equal_is_best"), [(0.5, True), (1.0, True), (2.0, True), (10.0, False)])
def test_equal_weights_are_best_for_a_short_filter_and_a_saddle_for_a_long_one(
    norm: float, equal_is_best: bool
) -> None:
    """At T_c: all of 200 random directions near to equal ones and far from them; a tie that is broken tells more."""
    system, around = SYSTEMS["torus"], Surroundings(2, 0, None)
    rng = np.random.default_rng(0)
    equal = np.full(4, 0.5)
    best = value(system, around, LearnedFilter(2, tuple(norm * equal)))
    found = []
    for k in range(200):
        direction = equal + (0.1, 0.3, 1.0)[k % 3] * rng.normal(size=4)
        direction *= norm / np.linalg.norm(direction)
        found.append(value(system, around, LearnedFilter(2, tuple(direction))))
    assert (max(found) <= best) == equal_is_best


@pytest.mark.parametrize(
    ("system", "around", "rule", "reason"),
    [
        (Canonical(ising(square(64)), 2.0), Surroundings(), None, "a table of 2[3-9] spins or more"),
        (Canonical(ising(square(4)), 2.0), Surroundings(2, 1, 1), None, "sites more than 1 away"),
        (Canonical(ising(square(8)), 2.0), Surroundings(2), MajorityRule(4), "no rule for a block of side 2"),
    ],
)
def test_what_it_cannot_do_it_says(
    system: Canonical, around: Surroundings, rule: BlockRule | None, reason: str
) -> None:
    found = BlockInformation(around, rule).predict(system)[0]
    assert math.isnan(found.value)
    assert re.search(reason, found.regime.outside)


def test_a_rule_of_several_steps_is_outside_the_regime() -> None:
    flow = repeated(MajorityRule(), 1)
    found = BlockInformation(Surroundings(2, 0, 1), flow).predict(Canonical(ising(square(4)), 2.0))[0]
    assert (
        found.regime.outside
        == "majority rule of blocks of 2 is no rule of blocks, which tells its probabilities"
    )

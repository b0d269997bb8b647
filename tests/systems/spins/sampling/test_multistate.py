"""Rules for spins of q states against the exact transition matrices of their sweeps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exact import multistate_states as exact
from exact.spin_states import after, in_detailed_balance
from lensmaker.core import InputError
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import chain, square
from lensmaker.systems.spins.multistate import multistate
from lensmaker.systems.spins.potts import blume_capel, potts
from lensmaker.systems.spins.sampling import Metropolis, MultistateHeatBath, MultistateMetropolis
from lensmaker.systems.spins.sampling.rule import Rule

rng = np.random.default_rng(0)
TABLE = rng.normal(size=(4, 4))
SYSTEMS = {
    "potts": Canonical(potts(square(2), 3), 1.8),
    "blume-capel": Canonical(blume_capel(square(2, periodic=False), 1.0, 0.5, 0.2), 1.5),
    "any": Canonical(
        multistate(chain(4), TABLE + TABLE.T, rng.normal(size=(4, 4)), weights=rng.normal(size=4)), 1.7
    ),
    "two states": Canonical(potts(chain(5), 2), 1.3),
}
RULES = {
    "metropolis": (MultistateMetropolis(), exact.metropolis),
    "heat bath": (MultistateHeatBath(), exact.heat_bath),
}
BOTH = pytest.mark.parametrize(("rule", "probabilities"), RULES.values(), ids=RULES)


@pytest.mark.parametrize("name", SYSTEMS)
@BOTH
def test_steps_are_in_detailed_balance(rule: Rule, probabilities: exact.Probabilities, name: str) -> None:
    system = SYSTEMS[name]
    energy = exact.energies(system)
    weight = np.exp(-system.beta * (energy - energy.min()))
    steps = exact.site_steps(system, probabilities)
    assert all(in_detailed_balance(step, weight / weight.sum()) for step in steps)
    assert all(np.allclose(step.sum(1), 1) for step in steps)


@pytest.mark.parametrize(
    "name", ["any", *(pytest.param(n, marks=pytest.mark.slow) for n in SYSTEMS if n != "any")]
)
@BOTH
def test_a_sweep_steps_as_often_as_its_matrix_says(
    rule: Rule, probabilities: exact.Probabilities, name: str
) -> None:
    """Eight tests at a false alarm of 1e-6 each; a bias of 0.5 % in an acceptance is seen."""
    system = SYSTEMS[name]
    steps = exact.site_steps(system, probabilities)
    start = len(steps[0]) * 2 // 3
    counts = exact.seen(rule, system, start, chains=400_000, repeats=4, seed=1)
    assert exact.false_alarm(system, counts, after(steps, start)) > 1e-6


@BOTH
def test_the_same_for_any_number_of_threads_and_a_way_on(
    rule: Rule, probabilities: exact.Probabilities
) -> None:
    one, two = (rule.start(SYSTEMS["potts"], np.zeros((7, 4), np.int8), 3) for _ in range(2))
    one.advance(10, threads=1)
    two.advance(4, threads=2)
    two.advance(6, threads=2)
    assert (one.spins() == two.spins()).all()


def test_rules_refuse_systems_of_the_other_kind() -> None:
    assert "spins of 3 states" in Metropolis().refusal(SYSTEMS["potts"])
    assert "spins of 2 states" in MultistateHeatBath().refusal(Canonical(ising(square(3)), 2.0))
    with pytest.raises(InputError, match="a system that metropolis can sample, but got spins of 3 states"):
        Metropolis().start(SYSTEMS["potts"], np.zeros((1, 4), np.int8), 0)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="nothing is random"):
        MultistateMetropolis().start(Canonical(potts(chain(3), 2), math.inf), np.zeros((1, 3), np.int8), 0)
    with pytest.raises(InputError, match="states from 0 to 2"):
        MultistateHeatBath().start(SYSTEMS["potts"], np.full((1, 4), -1, np.int8), 0)

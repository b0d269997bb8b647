"""Rules for spins of q states against the exact transition matrices of their sweeps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exact import clusters
from exact import multistate_states as exact
from exact.spin_states import after, in_detailed_balance
from lensmaker.core import InputError
from lensmaker.instruments.spins.ensemble import Ensemble
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import chain, square
from lensmaker.systems.spins.multistate import multistate
from lensmaker.systems.spins.named_models import blume_capel, potts
from lensmaker.systems.spins.sampling import (
    Metropolis,
    MultistateHeatBath,
    MultistateMetropolis,
    MultistateSwendsenWang,
    sample,
)
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


CLUSTERED = {
    "potts": SYSTEMS["potts"],
    "two states": SYSTEMS["two states"],
    "weights": Canonical(multistate(chain(5), -np.eye(3) + 0.7, weights=[0.2, 1.0, 0.0, 2.0, 0.6]), 1.1),
}


@pytest.mark.parametrize("name", CLUSTERED)
def test_clusters_of_states_step_as_often_as_their_matrix_says(name: str) -> None:
    """Three tests at a false alarm of 1e-6; the matrix is in detailed balance."""
    system = CLUSTERED[name]
    energy, step = exact.energies(system), clusters.potts_step(system)
    weight = np.exp(-system.beta * (energy - energy.min()))
    assert in_detailed_balance(step, weight / weight.sum())
    start = len(step) * 2 // 3 + 1
    counts = exact.seen(MultistateSwendsenWang(), system, start, chains=200_000, repeats=4, seed=1)
    assert exact.false_alarm(system, counts, step[start]) > 1e-6


def test_a_bond_of_states_off_by_half_a_percent_is_seen() -> None:
    system = CLUSTERED["potts"]
    counts = exact.seen(MultistateSwendsenWang(), system, 0, chains=400_000, repeats=4, seed=1)
    assert exact.false_alarm(system, counts, clusters.potts_step(system)[0]) > 1e-6
    assert exact.false_alarm(system, counts, clusters.potts_step(system, 1.005)[0]) < 1e-6


def test_what_clusters_of_states_cannot_do_is_refused() -> None:
    start = np.zeros((1, 4), np.int8)
    for model, reason in (
        (blume_capel(square(2)), "more of two states than whether they are equal"),
        (multistate(square(2), -np.eye(3), [[0, 1, 0]] * 4), "prefer a state"),
        (potts(square(2), 3, J=-1.0), "want states to differ"),
    ):
        with pytest.raises(InputError, match=reason):
            MultistateSwendsenWang().start(Canonical(model, 1.0), start, 0)


def test_the_three_state_potts_model_at_its_critical_point() -> None:
    """e = −(1 + 1/√3) on the infinite lattice; of L = 32 the correction is of order L^(−4/5)."""
    samples = sample(Canonical(potts(square(32), 3), 1 / math.log1p(math.sqrt(3))), 400, seed=3)
    assert samples.provenance.rule == "multistate_swendsen_wang"
    energy = Ensemble().measure(samples).select(quantity="energy")[0]
    assert energy.value == pytest.approx(-(1 + 1 / math.sqrt(3)), rel=0.04)
    assert energy.value < -(1 + 1 / math.sqrt(3))

"""What every rule must keep to: one row of the table for each."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from lensmaker.core import InputError
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import square
from lensmaker.systems.spins.named_models import potts
from lensmaker.systems.spins.sampling import (
    RULES,
    Checkerboard,
    HeatBath,
    Kawasaki,
    Metropolis,
    MultiSpin,
    MultistateHeatBath,
    MultistateMetropolis,
    MultistateSwendsenWang,
    ParallelTempering,
    Rule,
    SwendsenWang,
    TorchCheckerboard,
    Wolff,
)

SYSTEM = Canonical(ising(square(4)), 2.5)
HOT = Canonical(ising(square(8)), 8.0)
THREE_STATES = Canonical(potts(square(4), 3), 1.5)


@dataclass(frozen=True)
class Row:
    """A rule as it is tested, a system for it, and a large one far above its critical point."""

    make: Callable[[], Rule]
    system: Canonical[Any] = SYSTEM
    hot: Canonical[Any] = HOT
    hot_rule: Callable[[], Rule] | None = None


HOT_POTTS = Canonical(potts(square(8), 3), 6.0)
TABLE: dict[type[Rule], Row] = {
    Metropolis: Row(Metropolis),
    HeatBath: Row(HeatBath),
    Checkerboard: Row(Checkerboard),
    TorchCheckerboard: Row(TorchCheckerboard),
    MultiSpin: Row(MultiSpin),
    Wolff: Row(Wolff),
    SwendsenWang: Row(SwendsenWang),
    Kawasaki: Row(Kawasaki),
    ParallelTempering: Row(
        lambda: ParallelTempering((2.5, 3.5)), hot_rule=lambda: ParallelTempering((8.0, 9.0))
    ),
    MultistateMetropolis: Row(MultistateMetropolis, THREE_STATES, HOT_POTTS),
    MultistateHeatBath: Row(MultistateHeatBath, THREE_STATES, HOT_POTTS),
    MultistateSwendsenWang: Row(MultistateSwendsenWang, THREE_STATES, HOT_POTTS),
}
by_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


def test_each_rule_has_a_row() -> None:
    assert set(TABLE) == set(RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)


@by_rule
def test_declared_facts(rule: type[Rule]) -> None:
    assert re.fullmatch(r"[a-z][a-z_]*", rule.name)
    assert re.fullmatch(r"[A-Z][^.\n]{10,120}\.", rule.summary)
    assert rule.references
    assert all(str(r.year) in r.key and r.venue for r in rule.references)
    assert rule.cost > 0
    assert rule.chains > 0
    assert rule.name in TABLE[rule].make().signature


@by_rule
def test_what_may_be_chosen_is_made_without_parameters(rule: type[Rule]) -> None:
    assert isinstance(rule(), Rule)
    if rule.is_open:
        assert rule.is_canonical
        assert rule().reason(TABLE[rule].system) == ""


@by_rule
def test_chains_start_hot_and_cold_and_alike_for_equal_seeds(rule: type[Rule]) -> None:
    made = TABLE[rule].make()
    first = made.first(TABLE[rule].system, 6, seed=3)
    assert first.shape == (6, 16)
    assert first.dtype == np.int8
    assert set(np.unique(first)) <= set(TABLE[rule].system.hamiltonian.states)
    assert (first == made.first(TABLE[rule].system, 6, seed=3)).all()
    energy = TABLE[rule].system.hamiltonian.energy(torch.from_numpy(first))
    assert energy[1::2].mean() < energy[::2].mean()


@by_rule
def test_equal_seeds_walk_alike_and_others_do_not(rule: type[Rule]) -> None:
    made = TABLE[rule].make()
    walks = [made.start(TABLE[rule].system, made.first(TABLE[rule].system, 8, 0), seed) for seed in (1, 1, 2)]
    for walk in walks:
        walk.advance(5)
    one, two, other = (walk.spins() for walk in walks)
    assert (one == two).all()
    assert (one != other).any()


@by_rule
def test_a_walk_goes_on_from_its_state(rule: type[Rule]) -> None:
    """Whatever it packs, and however the sweeps are shared out."""
    made = TABLE[rule].make()
    first = made.first(TABLE[rule].system, 8, 0)
    one = made.start(TABLE[rule].system, first, 1)
    one.advance(4)
    saved = {name: np.array(array) for name, array in one.state.items()}
    one.advance(6)
    two = made.start(TABLE[rule].system, first, 1)
    two.state = saved
    for _ in range(6):
        two.advance(1)
    assert (one.spins() == two.spins()).all()


@by_rule
def test_the_start_is_left_as_it_was(rule: type[Rule]) -> None:
    made = TABLE[rule].make()
    first = made.first(TABLE[rule].system, 8, 0)
    before = first.copy()
    walk = made.start(TABLE[rule].system, first, 1)
    assert (walk.spins() == first).all()
    walk.advance(3)
    walk.spins()[:] = 99
    assert (first == before).all()
    assert (walk.spins() < 99).all()


@by_rule
def test_configurations_can_be_put(rule: type[Rule]) -> None:
    made = TABLE[rule].make()
    walk = made.start(TABLE[rule].system, made.first(TABLE[rule].system, 8, 0), 1)
    other = made.first(TABLE[rule].system, 8, 9)
    walk.put(other)
    assert (walk.spins() == other).all()


@by_rule
def test_chains_are_independent(rule: type[Rule]) -> None:
    """Overlaps of 40 chains from one start, far above T_c: their mean square is 1/N_eff, not more.

    ⟨q²⟩ = Σ_ij ⟨s_i s_j⟩²/N², from pairs of chains that have different streams; chains that coalesce have q = 1.
    """
    if not rule.is_canonical:
        pytest.skip("conserved magnetisation correlates its chains")
    row = TABLE[rule]
    states = row.hot.hamiltonian.states
    walk = (row.hot_rule or row.make)().start(row.hot, np.full((40, 64), states[-1], np.int8), 1)
    walk.advance(3000)
    alike = (walk.spins()[:, None] == walk.spins()[None]).mean(-1)[np.triu_indices(40, 1)]
    q = (len(states) * alike - 1) / (len(states) - 1)
    # 780 pairs of variance 1/64 · (1 + a little): the mean of q² is known to some 5 %, of q to 0.005
    assert (q**2).mean() < 1.5 / 64
    assert abs(q.mean()) < 0.03


@by_rule
def test_a_rule_that_does_not_apply_says_why(rule: type[Rule]) -> None:
    made = TABLE[rule].make()
    object.__setattr__(made, "reason", lambda system: "because")
    with pytest.raises(InputError, match=f"a system that {rule.name} can sample, but got because"):
        made.start(TABLE[rule].system, np.ones((2, 16), np.int8), 0)

"""Systems that cannot be, and some at the edge of what can."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest

from lensmaker.core import Convergence, InputError
from lensmaker.instruments.spins.ensemble import Ensemble
from lensmaker.systems.spins import Canonical, cubic, from_formula, from_graph, ising, potts, sample, square
from lensmaker.systems.spins.lattices import complete, honeycomb, triangular
from lensmaker.systems.spins.sampling import (
    Checkerboard,
    HeatBath,
    Kawasaki,
    Metropolis,
    MultistateHeatBath,
    ParallelTempering,
)

BAD = {
    "J is nan": (lambda: ising(square(4), J=math.nan), "finite couplings, but got J = nan"),
    "h is infinite": (lambda: ising(square(4), h=math.inf), "finite couplings, but got h = inf"),
    "changed to nan": (lambda: ising(square(4)).with_couplings(J=math.nan), "finite couplings"),
    "a formula": (lambda: from_formula("1e400*s[i]*s[j]", square(4)), "finite numbers, but got inf"),
    "no columns": (lambda: square(4, 0), "whole sides of at least 1"),
    "no columns of triangles": (lambda: triangular(4, 0), "at least"),
    "no columns of cells": (lambda: honeycomb(4, 0), "at least"),
    "a graph of nothing": (lambda: from_graph(nx.Graph()), "a graph with nodes"),
}


@pytest.mark.parametrize("case", BAD)
def test_it_is_refused_in_one_sentence(case: str) -> None:
    make, message = BAD[case]
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("rule", [Metropolis(), HeatBath()], ids=lambda r: r.name)
@pytest.mark.parametrize(
    "system", [ising(square(4), J=0.0), ising(complete(1)), ising(from_graph(nx.empty_graph(3)))], ids=str
)
def test_spins_without_products_are_random(rule: Metropolis | HeatBath, system: object) -> None:
    found = sample(Canonical(system, 2.0), 2000, rule=rule, seed=0, burn_in=50, thin=4)  # type: ignore[arg-type, misc]
    assert abs(float(found.spins.double().mean())) < 5 / math.sqrt(2000)


@pytest.mark.parametrize("temperature", [0.01, 1e-6])
def test_a_checkerboard_as_cold_as_you_like(temperature: float) -> None:
    start = np.ones((4, 64), np.int8)
    walk = Checkerboard().start(Canonical(ising(square(8)), temperature), start, 0)
    walk.advance(20)
    assert (walk.spins() == 1).all()


def test_samples_that_are_all_alike_do_not_know_their_error() -> None:
    found = Ensemble().measure(sample(Canonical(ising(square(8)), 0.4), 400, seed=0))
    energy = found.select(quantity="energy")[0]
    assert energy.value == -2
    assert math.isinf(energy.error)
    assert energy.convergence is Convergence.NEVER_VARIED
    assert all(math.isinf(m.error) for m in found)


def test_tempering_moves_what_its_rule_moves() -> None:
    rule = ParallelTempering([0.7, 0.8], MultistateHeatBath())
    assert rule.treats is MultistateHeatBath.treats
    found = sample(Canonical(potts(square(4), 3), 0.7), 50, rule=rule, seed=0, burn_in=10, thin=2)
    assert set(found.spins.unique().tolist()) <= {0, 1, 2}
    assert not ParallelTempering([0.7, 0.8], Kawasaki()).is_canonical
    assert ParallelTempering([2.0, 3.0]).refusal(Canonical(potts(cubic(2), 3), 2.0))

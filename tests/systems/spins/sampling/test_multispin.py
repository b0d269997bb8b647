"""Multi-spin coding against the exact transition matrix of its sweep, however chains are laid into lanes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exact import spin_states as exact
from lensmaker.core import InputError
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import hamiltonian, ising
from lensmaker.systems.spins.lattices import Lattice, chain, complete, cubic, square
from lensmaker.systems.spins.sampling import MultiSpin
from lensmaker.systems.spins.sampling.rule import Spins
from lensmaker.systems.spins.sampling.tables import thresholds
from lensmaker.systems.spins.sampling.tables.equal_pairs import Pairs, equal_pairs
from lensmaker.systems.spins.sampling.tables.packing import cut
from lensmaker.systems.spins.sampling.walks.bit_parallel import BitParallel


class Cut(MultiSpin):
    """With the lattice cut into given pieces, whatever would be fastest."""

    def __init__(self, *blocks: int) -> None:
        self.blocks = blocks

    def start(self, system: Canonical, spins: Spins, seed: int) -> BitParallel:
        pairs = equal_pairs(system)
        assert isinstance(pairs, Pairs)
        layout = cut(pairs, self.blocks)
        assert layout is not None
        return BitParallel(system, pairs, spins, seed, layout)


def accept(gain: float) -> float:
    return 15 / 16 if abs(gain) < 1e-12 else min(1.0, math.exp(-gain))


def accept_of_eight(gain: float) -> float:
    """All bonds unsatisfied are taken for half of them, there and back."""
    (J,), beta = EIGHT.hamiltonian.couplings.values(), EIGHT.beta
    return accept(gain) * (15 / 16 if abs(gain) > 15 * beta * J else 1)


def glass(lattice: Lattice) -> Canonical:
    """Bonds of either sign, all of one strength."""
    signs = np.random.default_rng(4).choice([-1.0, 1.0], len(lattice.bonds))
    return Canonical(
        hamiltonian(lattice.sites, {"J": lattice.bonds}, {"J": 0.7}, weights={"J": signs}, lattice=lattice),
        1.9,
    )


TORUS = square(4, 2)
EIGHT = Canonical(ising(complete(9)), 9.0)
CASES = {
    "torus": (Canonical(ising(square(3)), 4.0), Cut()),
    "open, two to four bonds": (Canonical(ising(square(3, periodic=False), J=-1.0), 2.0), Cut()),
    "torus in two blocks": (Canonical(ising(TORUS), 3.0), Cut(2, 1)),
    "ring in four blocks": (Canonical(ising(chain(8), J=-1.0), 1.5), Cut(4)),
    "acceptances below 2⁻¹²": (Canonical(ising(square(3)), 0.94), Cut()),
    "six bonds, in pairs": (Canonical(ising(cubic(2)), 7.0), Cut()),
    "five bonds": (Canonical(ising(complete(6), J=-0.5), 3.0), Cut()),
    "six bonds": (Canonical(ising(complete(7)), 6.0), Cut()),
    "seven bonds": (Canonical(ising(complete(8), J=-0.5), 3.0), Cut()),
    "eight bonds": (EIGHT, Cut()),
    "glass": (glass(square(3)), Cut()),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("start", [0, 0b010101, 0b010110])
def test_a_sweep_steps_as_often_as_its_matrix_says(name: str, start: int) -> None:
    """At a false alarm of 1e-6 each."""
    system, rule = CASES[name]
    assert chance(system, rule, start) > 1e-6


def test_half_a_percent_of_acceptance_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = thresholds.acceptance
    monkeypatch.setattr(thresholds, "acceptance", lambda *which: 0.995 * right(*which))
    assert chance(*CASES["torus"], start=0) < 1e-6


def chance(system: Canonical, rule: Cut, start: int) -> float:
    """The false alarm of a million steps; sites are moved in the order in which they are packed."""
    order = rule.start(system, exact.states(system.sites)[:1], 0).packing.site_of.T.reshape(-1)
    steps = exact.site_steps(system, accept_of_eight if system is EIGHT else accept)
    counts = exact.seen(rule, system, start, chains=102_400, repeats=20, seed=1)
    return exact.false_alarm(system, counts, exact.after([steps[i] for i in order], start))


@pytest.mark.parametrize(("chains", "side"), [(1, 64), (3, 64), (600, 6)])
def test_goes_on_from_its_state_bit_for_bit(chains: int, side: int) -> None:
    system = Canonical(ising(square(side)), 2.3)
    ones = np.ones((chains, side**2), np.int8)
    whole, first, second = (MultiSpin().start(system, ones, seed) for seed in (5, 5, 6))
    whole.advance(30)
    first.advance(13)
    second.state = {name: value.copy() for name, value in first.state.items()}
    second.advance(17)
    assert (whole.spins() == second.spins()).all()
    assert all((whole.state[name] == value).all() for name, value in second.state.items())


@pytest.mark.parametrize(("chains", "side"), [(1, 512), (600, 6)])
def test_the_same_for_any_number_of_threads(chains: int, side: int) -> None:
    system = Canonical(ising(square(side)), 5.0)
    ones = np.ones((chains, side**2), np.int8)
    one, two = (MultiSpin().start(system, ones, 3) for _ in range(2))
    one.advance(10, threads=1)
    two.advance(10, threads=2)
    assert (one.spins() == two.spins()).all()
    assert len(np.unique(one.spins(), axis=0)) == chains


REFUSED = {
    "nothing is random": Canonical(ising(square(4)), math.inf),
    "a field, h": Canonical(ising(square(4), h=0.1), 2.0),
    "products of 3 spins, K": Canonical(hamiltonian(4, {"K": [[0, 1, 2]]}, {"K": 1.0}), 2.0),
    "several strengths, 1 to 2": Canonical(
        hamiltonian(3, {"a": [[0, 1]], "b": [[1, 2]]}, {"a": 1.0, "b": -2.0}), 2.0
    ),
    "no couplings": Canonical(ising(square(4), J=0.0), 2.0),
    "9 bonds": Canonical(ising(complete(10)), 2.0),
}


@pytest.mark.parametrize("words", REFUSED)
def test_says_where_it_does_not_apply(words: str) -> None:
    system = REFUSED[words]
    with pytest.raises(InputError, match=words):
        MultiSpin().start(system, np.ones((1, system.sites), np.int8), 0)

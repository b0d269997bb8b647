"""What is predicted of critical tori: enumeration of the smallest, known exponents, and where nothing is said."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exact import spin_states as exact
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import Lattice, cubic, honeycomb, square, triangular
from lensmaker.theories.spins.critical_point import CriticalPoint

T_C = 2 / math.log1p(math.sqrt(2))


def predicted(lattice: Lattice, temperature: float = T_C, **couplings: float) -> dict[str, float]:
    found = CriticalPoint().predict(Canonical(ising(lattice, **couplings), temperature))
    return {p.quantity.name: p.value for p in found}


def test_the_smallest_tori_are_within_the_error_of_the_limit() -> None:
    """By brute force at L = 3 and 4; these are outside of the regime, the error holds nevertheless."""
    for L in (3, 4):
        system = Canonical(ising(square(L)), T_C)
        p, s = exact.distribution(system), exact.states(L * L).astype(float)
        m = s.mean(1)
        binder = 1 - (p @ m**4) / (3 * (p @ m**2) ** 2)
        wave = np.exp(2j * np.pi * np.arange(L) / L)
        first = p @ np.abs(s.reshape(-1, L, L).sum(2) @ wave) ** 2
        length = math.sqrt(p @ (m * L * L) ** 2 / first - 1) / (2 * math.sin(math.pi / L))
        found = {x.quantity.name: x for x in CriticalPoint().predict(system)}
        assert not found["binder"].regime
        assert abs(found["binder"].value - binder) < found["binder"].error
        assert abs(found["second_moment_length"].value - length) < found["second_moment_length"].error


@pytest.mark.parametrize(
    ("lattice", "temperature", "exponents"),
    [
        (square(16), T_C, (1.0, 0.125, 1.75)),
        (square(16, 32), T_C, (1.0, 0.125, 1.75)),
        (triangular(12), 4 / math.log(3), (1.0, 0.125, 1.75)),
        (honeycomb(12), 2 / math.log(2 + math.sqrt(3)), (1.0, 0.125, 1.75)),
        (cubic(8), 1 / 0.221654626, (1 / 0.629971, 1.036298 / 2, 1.963702)),
    ],
)
def test_exponents(lattice: Lattice, temperature: float, exponents: tuple[float, ...]) -> None:
    found = predicted(lattice, temperature)
    names = ("inverse_nu", "beta_over_nu", "gamma_over_nu")
    assert [found[n] for n in names] == pytest.approx(exponents, rel=1e-12)
    assert ("binder" in found) == (lattice.name == "square" and len(set(lattice.shape)) == 1)


@pytest.mark.parametrize(
    ("lattice", "temperature", "words"),
    [
        (square(2, 1000), T_C, "a side of 1000 beside one of 2"),
        (square(8, 33), T_C, "fewer dimensions"),
        (cubic(2, 64, 64), 1 / 0.221654626, "fewer dimensions"),
        (square(3), T_C, "a side of 3 is less than 4"),
    ],
)
def test_what_is_of_fewer_dimensions_is_outside(lattice: Lattice, temperature: float, words: str) -> None:
    for p in CriticalPoint().predict(Canonical(ising(lattice), temperature))[:3]:
        assert words in p.regime.outside
    assert all(p.regime for p in CriticalPoint().predict(Canonical(ising(square(8, 32)), T_C)))


def test_units_of_the_coupling() -> None:
    assert predicted(square(16), 2.5 * T_C, J=2.5) == predicted(square(16))


@pytest.mark.parametrize(
    ("lattice", "temperature", "couplings", "reason"),
    [
        (square(64), 2.27, {}, "T = 2.27 is not T_c = 2.26918531"),
        (square(64), T_C, {"J": -1.0}, "not ferromagnetic"),
        (square(64), T_C, {"h": 0.1}, "field"),
        (square(64, periodic=False), T_C, {}, "no torus"),
    ],
)
def test_where_it_says_nothing(
    lattice: Lattice, temperature: float, couplings: dict[str, float], reason: str
) -> None:
    found = CriticalPoint().predict(Canonical(ising(lattice, **couplings), temperature))
    assert all(math.isnan(p.value) and reason in p.regime.outside for p in found)


def test_a_temperature_near_by_widens_the_error() -> None:
    near, at = (
        {p.quantity.name: p.error for p in CriticalPoint().predict(Canonical(ising(square(64)), t))}
        for t in (2.2693, T_C)
    )
    assert near["binder"] > at["binder"] > 0
    assert near["inverse_nu"] == at["inverse_nu"] == 0

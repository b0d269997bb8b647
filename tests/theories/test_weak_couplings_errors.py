"""The errors that mean field and TAP give to themselves, beside the true ones by enumeration and by Kaufman."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exact import spin_states as exact
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.glasses import gaussian_glass
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import complete, cubic, square, triangular
from lensmaker.theories.spins.kaufman import Kaufman
from lensmaker.theories.spins.weak_couplings import TAP, NaiveMeanField

SYSTEMS = {
    "square": Canonical(ising(square(4)), 6.0),
    "square in a field": Canonical(ising(square(4), h=2.0), 3.0),
    "square in a strong field": Canonical(ising(square(4), h=6.0), 4.0),
    "antiferromagnet": Canonical(ising(square(4), J=-1.0, h=0.5), 5.0),
    "triangular": Canonical(ising(triangular(4)), 8.0),
    "cubic": Canonical(ising(cubic(2, 2, 4)), 8.0),
    "complete": Canonical(ising(complete(16), J=0.05, h=0.2), 1.5),
    "complete, ordered": Canonical(ising(complete(16), J=0.1), 0.6),
    "ordered in a weak field": Canonical(ising(complete(14), J=0.3, h=0.02), 1.0),
    "ordered against a weak field": Canonical(ising(complete(14), J=0.4, h=-0.05), 1.0),
    "frustrated": Canonical(ising(complete(12), J=-0.15), 1.0),
    "weak": Canonical(ising(complete(16), J=0.004), 1.0),
    **{
        f"glass {k}": Canonical(gaussian_glass(complete(16), seed=k, J=0.25), 1.6 + 0.3 * k) for k in range(6)
    },
    **{
        f"glass {k} in a field": Canonical(ising(complete(14), J=0.03 * (k + 1), h=0.4 * k), 1.3)
        for k in range(4)
    },
}


def truth(system: Canonical) -> dict[str, float]:
    """By brute force."""
    energy, T, n = exact.energies(system), system.temperature, system.sites
    p = exact.distribution(system)
    free = -T * (np.log(np.exp(-(energy - energy.min()) / T).sum()) - energy.min() / T)
    e = float(p @ energy)
    m = np.abs(exact.states(n).astype(float).mean(1))
    found = {"energy": e, "free_energy": float(free), "entropy": (e - float(free)) / T}
    return {name: value / n for name, value in found.items()} | {"magnetisation": float(p @ m)}


@pytest.mark.parametrize("theory", [NaiveMeanField(), TAP()], ids=lambda t: t.name)
@pytest.mark.parametrize("name", SYSTEMS)
def test_what_is_inside_the_regime_is_within_its_errors(theory: NaiveMeanField | TAP, name: str) -> None:
    """No statistics: a size, not a bound; the farthest is 2.3 of its own errors off."""
    want = truth(SYSTEMS[name])
    for p in theory.predict(SYSTEMS[name]):
        if p.regime:
            assert math.isfinite(p.error)
            assert abs(p.value - want[p.quantity.name]) < 3 * p.error, p


@pytest.mark.parametrize("theory", [NaiveMeanField(), TAP()], ids=lambda t: t.name)
def test_a_weak_field_leaves_the_other_state(theory: NaiveMeanField | TAP) -> None:
    """Down is e^{−βΔF} = e^{−1.4} as likely as up; without it F and S are off by that much more than their errors."""
    system = Canonical(ising(complete(14), J=0.4, h=0.05), 1.0)
    want = truth(system)
    for p in theory.predict(system):
        wrong = abs(p.value - want[p.quantity.name])
        assert wrong < 1.5 * p.error + 1e-4, p
        if p.quantity.name != "magnetisation":
            assert p.error < 1.5 * wrong, p


def test_a_strong_field_leaves_one() -> None:
    system = Canonical(ising(complete(14), J=0.4, h=0.6), 1.0)
    assert all(p.error < 1e-3 for p in TAP().predict(system).select(quantity="free_energy"))


def test_triangles_do_not_cancel_squares() -> None:
    system = Canonical(ising(complete(12), J=-0.15), 1.0)
    (free,) = TAP().predict(system).select(quantity="free_energy")
    assert abs(free.value - truth(system)["free_energy"]) < 2 * free.error


def test_some_are_inside_and_their_errors_are_of_the_right_size() -> None:
    """The median error of the free energy is between half and three times the true one."""
    ratios = []
    for system in SYSTEMS.values():
        p = TAP().predict(system).select(quantity="free_energy")[0]
        if p.regime:
            ratios.append(p.error / abs(p.value - truth(system)["free_energy"]))
    assert len(ratios) > 10
    assert 0.5 < float(np.median(ratios)) < 3


@pytest.mark.parametrize("temperature", [4.0, 6.0, 10.0, 30.0])
def test_a_large_torus(temperature: float) -> None:
    system = Canonical(ising(square(64)), temperature)
    want = {p.quantity.name: p.value for p in Kaufman().predict(system)}
    for p in TAP().predict(system):
        if p.quantity.name in want:
            assert abs(p.value - want[p.quantity.name]) < 2 * p.error
            assert p.error < 0.2 * abs(p.value)


def test_strong_bonds_are_outside_even_where_all_spins_agree() -> None:
    """At T = 2 on a square lattice (1 − m²)² is small, and mean field 5 % off."""
    for theory in (NaiveMeanField(), TAP()):
        (p, *_) = theory.predict(Canonical(ising(square(8)), 2.0))
        assert "a coupling is too strong for it: βJ is 0.5, beyond 0.4" in p.regime.outside


def test_free_spins_have_no_error_but_that_of_finitely_many() -> None:
    system = Canonical(ising(square(10), J=0.0), 1.0)
    errors = {p.quantity.name: p.error for p in NaiveMeanField().predict(system)}
    assert errors["energy"] == errors["free_energy"] == errors["entropy"] == 0
    assert errors["magnetisation"] == pytest.approx(math.sqrt(2 / math.pi) / 10, rel=1e-6)

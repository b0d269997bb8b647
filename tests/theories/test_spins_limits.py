"""Where theories of spins meet their limits: low and high temperatures, long and small lattices."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import hamiltonian, ising
from lensmaker.systems.spins.lattices import chain, cubic, from_graph, honeycomb, square
from lensmaker.systems.spins.named_models import blume_capel, potts
from lensmaker.theories.base import Theory
from lensmaker.theories.spins.bethe import Bethe
from lensmaker.theories.spins.decimation import Decimation
from lensmaker.theories.spins.elimination import Elimination
from lensmaker.theories.spins.enumeration import Enumeration
from lensmaker.theories.spins.kaufman import Kaufman
from lensmaker.theories.spins.onsager import Onsager
from lensmaker.theories.spins.solvable import exact_values
from lensmaker.theories.spins.strip import Strip


def test_walls_cross_a_long_torus() -> None:
    """|m| of 8 × 20000 spins at T = 1.6 is 0.217 by sampling, and the energy −1.92631; in bulk 0.9796 and −1.92824."""
    for p in Onsager().predict(Canonical(ising(square(8, 20000)), 1.6)):
        assert "two walls cross the torus" in p.regime.outside


@pytest.mark.parametrize("shape", [(4, 400), (8, 8), (8, 200), (16, 200), (16, 16), (32, 64), (300, 6)])
@pytest.mark.parametrize("temperature", [0.3, 0.7, 1.0, 1.3, 1.6, 1.9, 2.1])
def test_long_tori_are_within_the_errors_of_the_infinite_lattice(
    shape: tuple[int, int], temperature: float
) -> None:
    system = Canonical(ising(square(*shape)), temperature)
    want = {p.quantity.name: p.value for p in Kaufman().predict(system)}
    for p in Onsager().predict(system):
        if p.regime and p.quantity.name in want:
            assert abs(p.value - want[p.quantity.name]) <= 1.001 * p.error, p
            assert p.error < 0.1


@pytest.mark.parametrize("temperature", [0.5, 0.8, 1.0, 1.1])
def test_the_order_of_a_small_torus_is_that_of_the_infinite_lattice(temperature: float) -> None:
    system = Canonical(ising(square(4, 5)), temperature)
    (exact,), (bulk,) = (
        t.predict(system).select(quantity="magnetisation") for t in (Enumeration(), Onsager())
    )
    assert bulk.regime
    assert abs(bulk.value - exact.value) < bulk.error


@pytest.mark.parametrize("temperature", [0.005, 0.01, 0.1, 50.0, 1e4, 1e7, 1e12])
def test_the_infinite_lattice_at_either_end_of_the_temperatures(temperature: float) -> None:
    system = Canonical(ising(square(16)), temperature)
    want = {p.quantity.name: p.value for p in Kaufman().predict(system)}
    for p in Onsager().predict(system):
        assert p.regime
        if p.quantity.name in want:
            assert abs(p.value - want[p.quantity.name]) <= 1.001 * p.error, p
    energy = Onsager().predict(system)[0].value
    assert energy == pytest.approx(want["energy"], rel=1e-12)
    assert math.isfinite(energy)


@pytest.mark.parametrize(
    ("theory", "system"),
    [
        (Enumeration(), Canonical(ising(square(4), J=-1.0), 0.02)),
        (Enumeration(), Canonical(blume_capel(square(3), 1.0, 5.0), 0.005)),
        (Strip(), Canonical(ising(square(8, 4), h=3.0), 0.01)),
    ],
    ids=lambda x: getattr(x, "name", ""),
)
def test_what_has_no_number_at_low_temperature_is_outside(theory: Theory, system: Canonical) -> None:
    found = theory.predict(system)
    assert all(math.isfinite(p.value) for p in found if p.regime)
    assert [p.quantity.name for p in found if not p.regime] in ([], ["binder"])


def test_a_temperature_without_an_inverse_is_refused() -> None:
    for theory in (Kaufman(), Onsager(), Enumeration(), Elimination(), Bethe(), Strip()):
        for p in theory.predict(Canonical(ising(square(8)), 1e-320)):
            assert "1/T² is no finite number" in p.regime.outside


@pytest.mark.parametrize(
    "system",
    [
        Canonical(ising(cubic(4)), 2.0),
        Canonical(ising(cubic(5)), 2.0),
        Canonical(ising(square(4)), math.inf),
        Canonical(ising(square(8)), 1e-320),
        Canonical(potts(square(8), 3), 1.0),
    ],
)
def test_where_nothing_is_exact_the_table_is_empty(system: Canonical) -> None:
    assert len(exact_values(system)) == 0


def test_spins_of_many_states_have_exact_values_where_they_are_few_or_narrow() -> None:
    assert exact_values(Canonical(potts(square(3), 3), 1.0))[0].theory == "enumeration"
    assert exact_values(Canonical(potts(square(4), 3), 1.0))[0].theory == "elimination"
    assert exact_values(Canonical(potts(square(30, 3), 3), 1.0))[0].theory == "elimination"


RINGS = [
    Canonical(ising(chain(40)), 1.2),
    Canonical(ising(chain(60)), 1.0),
    Canonical(ising(square(40, 4)), 3.5),
    Canonical(ising(honeycomb(40, 3)), 3.0),
    Canonical(potts(chain(20), 3), 0.9),
    Canonical(potts(square(25, 4), 3), 1.4),
]


@pytest.mark.parametrize("system", RINGS)
def test_a_ring_is_within_the_error_of_a_strip_without_end(system: Canonical) -> None:
    (exact,), (strip,) = (t.predict(system).select(quantity="free_energy") for t in (Elimination(), Strip()))
    assert strip.regime
    assert abs(strip.value - exact.value) < 1.5 * strip.error + 1e-13
    assert strip.error < 1e-5


@pytest.mark.parametrize("temperature", [0.03, 0.004, 0.002, 1e-3, 1e-5])
def test_a_strip_whose_weights_vanish_is_outside(temperature: float) -> None:
    """All rows agree with the field or with their neighbours, none with both."""
    system = Canonical(ising(square(30, 3), J=-1.0, h=5.0), temperature)
    exact = Elimination().predict(system).select(quantity="free_energy")[0].value
    for p in Strip().predict(system):
        if p.regime and p.quantity.name == "free_energy":
            assert p.value == pytest.approx(exact, rel=1e-12)
        assert p.regime or temperature < 0.01


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("temperature", [1e-3, 1e-5])
def test_bethe_converges_on_a_tree_at_low_temperature(seed: int, temperature: float) -> None:
    tree, rng = from_graph(nx.balanced_tree(2, 3)), np.random.default_rng(seed)
    weights = {"J": rng.normal(size=len(tree.bonds)), "h": rng.normal(size=tree.sites)}
    parts = {"J": tree.bonds, "h": np.arange(tree.sites)[:, None]}
    h = hamiltonian(tree.sites, parts, {"J": 1.0, "h": 1.0}, weights=weights, lattice=tree)
    system = Canonical(h, temperature)
    want = {p.quantity.name: p.value for p in Enumeration().predict(system)}
    for p in Bethe().predict(system):
        assert p.regime
        assert p.value == pytest.approx(want[p.quantity.name], abs=1e-9)


@pytest.mark.parametrize(
    ("sites", "periodic", "levels"), [(4, True, 2), (7, True, 0), (12, True, 2), (9, False, 3), (8, False, 2)]
)
def test_decimation_ends_where_no_second_spins_are_left(sites: int, periodic: bool, levels: int) -> None:
    found = Decimation(levels=9).predict(Canonical(ising(chain(sites, periodic=periodic)), 1.0))
    couplings = found.select(quantity="coupling")
    assert [dict(p.where.coordinates)["level"] for p in couplings] == list(range(levels + 1))


@pytest.mark.parametrize("temperature", [1e3, 1e9, 1e40, 1e120])
def test_kaufman_at_any_high_temperature(temperature: float) -> None:
    """e → −2J²/T and c → 2J²/T² on a torus wider than two."""
    found = {p.quantity.name: p.value for p in Kaufman().predict(Canonical(ising(square(6)), temperature))}
    assert found["energy"] == pytest.approx(-2 / temperature, rel=1e-5)
    assert found["specific_heat"] == pytest.approx(2 / temperature**2, rel=1e-5)

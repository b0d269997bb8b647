"""Exact solutions against one another and against published numbers."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest

from lensmaker.core import InputError
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.formula import from_formula
from lensmaker.systems.spins.glasses import bimodal_glass
from lensmaker.systems.spins.hamiltonian import Hamiltonian, from_matrix, hamiltonian, ising
from lensmaker.systems.spins.lattices import chain, from_graph, honeycomb, square, triangular
from lensmaker.systems.spins.named_models import potts
from lensmaker.theories.base import Theory
from lensmaker.theories.spins.bethe import Bethe, magnetisations
from lensmaker.theories.spins.critical_constants import critical
from lensmaker.theories.spins.decimation import Decimation, coupling_flow, decimated
from lensmaker.theories.spins.elimination import Elimination, eliminate
from lensmaker.theories.spins.enumeration import Enumerated, Enumeration
from lensmaker.theories.spins.ferdinand_fisher import PEAK_SHIFT, FerdinandFisher
from lensmaker.theories.spins.kaufman import Kaufman, torus
from lensmaker.theories.spins.onsager import (
    CRITICAL_COUPLING,
    CRITICAL_TEMPERATURE,
    Onsager,
    correlation_length,
)
from lensmaker.theories.spins.weak_couplings import TAP, NaiveMeanField


def values(theory: Theory, h: Hamiltonian, temperature: float) -> dict[str, float]:
    return {p.quantity.name: p.value for p in theory.predict(Canonical(h, temperature)) if p.regime}


def glass(sites: int, scale: float = 1.0) -> Hamiltonian:
    rng = np.random.default_rng(0)
    J = np.triu(rng.normal(size=(sites, sites)), 1) * scale
    return from_matrix(J + J.T, rng.normal(size=sites) * scale)


def by_hand(h: Hamiltonian, temperature: float) -> float:
    """−T ln Z a spin, product by product over all configurations."""
    total = 0.0
    for index in range(2**h.sites):
        s = [1 - 2 * (index >> i & 1) for i in range(h.sites)]
        energy = -sum(
            h.couplings[t.name] * w * math.prod(s[i] for i in clique)
            for t in h.terms
            for clique, w in zip(t.cliques.tolist(), t.weights.tolist(), strict=True)
        )
        total += math.exp(-energy / temperature)
    return -temperature * math.log(total) / h.sites


SMALL = {
    "ring in a field": ising(chain(12), h=0.3),
    "square torus": ising(square(4), h=-0.2),
    "triangular torus": ising(triangular(3)),
    "honeycomb torus": ising(honeycomb(2, 3)),
    "glass": glass(10),
    "three spins": hamiltonian(9, {"K": [[i, (i + 1) % 9, (i + 2) % 9] for i in range(9)]}, {"K": 0.7}),
}


@pytest.mark.parametrize("name", SMALL)
def test_enumeration_and_elimination_agree(name: str) -> None:
    ours, theirs = (values(t, SMALL[name], 1.7) for t in (Elimination(), Enumeration()))
    assert ours == {k: pytest.approx(theirs[k], rel=1e-12) for k in ours}


COLD = {
    "antiferromagnet in a field": ising(chain(10, periodic=False), J=-1.0, h=1.5),
    "two fields against one": from_matrix(
        np.array([[0, 0.6, 0.6], [0.6, 0, 0], [0.6, 0, 0]]), np.array([1.0, -5.0, -5.0])
    ),
    "triangles": ising(triangular(3), J=-1.0, h=0.3),
    "glass": glass(10),
}


@pytest.mark.parametrize("temperature", [0.5, 0.05, 0.004, 0.0025, 0.001, 1e-5, 1e-150])
@pytest.mark.parametrize("name", COLD)
def test_elimination_does_not_lose_the_ground_state(name: str, temperature: float) -> None:
    """Its weight is negligible, half of the spins seen, where those still to come decide."""
    ours, theirs = (values(t, COLD[name], temperature) for t in (Elimination(), Enumeration()))
    for quantity in ("energy", "free_energy", "specific_heat"):
        assert ours[quantity] == pytest.approx(theirs[quantity], rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("name", ["ring in a field", "glass", "three spins"])
def test_enumeration_is_the_sum_over_all_configurations(name: str) -> None:
    assert values(Enumeration(), SMALL[name], 1.7)["free_energy"] == pytest.approx(
        by_hand(SMALL[name], 1.7), rel=1e-13
    )


def test_all_correlations_come_from_one_transform() -> None:
    known = Enumerated(Canonical(SMALL["glass"], 2.0))
    spins = 1 - 2 * (np.arange(2**10)[:, None] >> np.arange(10) & 1)
    triple = float(known.probabilities @ spins[:, [0, 3, 7]].prod(1))
    assert known.correlations[1 << 0 | 1 << 3 | 1 << 7] == pytest.approx(triple, rel=1e-12)


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("K", [0.2, 0.44, 0.9, CRITICAL_COUPLING])
def test_kaufman_is_the_sum_over_all_configurations(n: int, K: float) -> None:
    ours, exact = (values(t, ising(square(n)), 1 / K) for t in (Kaufman(), Enumeration()))
    assert ours == {k: pytest.approx(exact[k], rel=1e-12) for k in ours}


@pytest.mark.parametrize(
    ("shape", "K", "energy"),
    [
        ((20, 20), 0.5, -1.7455571250),
        ((40, 40), 0.408, -1.15182115),
        *(
            ((L, L), CRITICAL_COUPLING, e)
            for L, e in [
                (8, -1.49158911),
                (16, -1.45306485),
                (32, -1.43365847),
                (64, -1.42393839),
                (128, -1.41907627),
            ]
        ),
    ],
)
def test_energies_of_tori_that_are_known(shape: tuple[int, int], K: float, energy: float) -> None:
    digits = 6e-11 if shape == (20, 20) else 6e-9  # of the numbers as they were published
    assert values(Kaufman(), ising(square(*shape)), 1 / K)["energy"] == pytest.approx(energy, abs=digits)


def test_kaufman_takes_either_side_first() -> None:
    assert torus(4, 7, 0.3) == pytest.approx(torus(7, 4, 0.3), rel=1e-14)


def test_the_infinite_lattice() -> None:
    found = Onsager().predict(Canonical(ising(square(8)), CRITICAL_TEMPERATURE))
    critical = {p.quantity.name: p.value for p in found}
    assert critical["energy"] == pytest.approx(-math.sqrt(2), abs=1e-12)
    assert -critical["free_energy"] / CRITICAL_TEMPERATURE == pytest.approx(0.929695, abs=5e-7)
    below = values(Onsager(), ising(square(64)), 2.0)
    assert below["magnetisation"] == pytest.approx(0.9113194, abs=5e-8)
    large = values(Kaufman(), ising(square(128)), 2.0)
    assert below["energy"] == pytest.approx(large["energy"], rel=1e-13)
    assert below["specific_heat"] == pytest.approx(large["specific_heat"], rel=1e-12)


def test_the_specific_heat_of_a_torus_peaks_above_the_critical_temperature() -> None:
    L = 64
    near = np.linspace(0.3, 0.42, 25)
    heats = [
        values(Kaufman(), ising(square(L)), CRITICAL_TEMPERATURE * (1 + x / L))["specific_heat"] for x in near
    ]
    a, b, _ = np.polyfit(near, heats, 2)
    assert -b / (2 * a) == pytest.approx(PEAK_SHIFT, rel=0.02)


@pytest.mark.parametrize("shape", [(16, 16), (16, 48), (64, 64)])
def test_the_correction_of_order_one_over_the_side(shape: tuple[int, int]) -> None:
    (found,) = FerdinandFisher().predict(Canonical(ising(square(*shape)), CRITICAL_TEMPERATURE))
    exact = values(Kaufman(), ising(square(*shape)), CRITICAL_TEMPERATURE)["energy"]
    assert abs(found.value - exact) < found.error
    assert found.error < 0.05 * abs(exact + math.sqrt(2))


@pytest.mark.parametrize("K", [1e-8, 1e-3, 0.1, 0.5, 1.0, 2.0, 5.0])
def test_decimation_is_the_square_of_the_hyperbolic_tangent(K: float) -> None:
    assert decimated(K) == pytest.approx(math.atanh(math.tanh(K) ** 2), rel=1e-14 if K < 3 else 1e-11)
    assert decimated(K) == pytest.approx(math.log(math.cosh(2 * K)) / 2, abs=1e-14)
    assert coupling_flow(K, 3) == [
        K,
        decimated(K),
        decimated(decimated(K)),
        decimated(decimated(decimated(K))),
    ]


def test_bethe_is_exact_on_a_tree_and_says_where_it_is_not() -> None:
    tree = from_graph(nx.balanced_tree(2, 3))
    rng = np.random.default_rng(0)
    weights = {"J": rng.normal(size=len(tree.bonds)), "h": rng.normal(size=tree.sites)}
    sites = np.arange(tree.sites)[:, None]
    h = hamiltonian(
        tree.sites, {"J": tree.bonds, "h": sites}, {"J": 1.0, "h": 1.0}, weights=weights, lattice=tree
    )
    ours, exact = values(Bethe(), h, 1.3), values(Enumeration(), h, 1.3)
    assert ours == {k: pytest.approx(exact[k], rel=1e-12) for k in ours}
    assert len(ours) == 3
    assert values(Bethe(), ising(chain(5)), 1.3) == {}
    assert "loops" in Bethe().predict(Canonical(ising(chain(5)), 1.3))[0].regime.outside


def test_each_order_of_weak_couplings_is_nearer_to_the_truth() -> None:
    rng = np.random.default_rng(1)
    J = np.triu(rng.normal(size=(18, 18)), 1) / math.sqrt(18)
    system = Canonical(from_matrix(J + J.T), 3.0)
    exact = values(Enumeration(), system.hamiltonian, 3.0)["free_energy"]
    first, second = (
        t.predict(system).select(quantity="free_energy")[0].value for t in (NaiveMeanField(), TAP())
    )
    assert first > exact  # a bound
    assert abs(second - exact) < 0.1 * abs(first - exact)


def test_where_approximations_order_on_a_square_lattice() -> None:
    """Mean field at T = 4, Bethe at 2/ln(z/(z − 2)) with z = 4 neighbours; both above the true 2.269."""
    bethe = 2 / math.log(2)
    for shift, ordered in ((0.99, True), (1.01, False)):
        first = NaiveMeanField().predict(Canonical(ising(square(6)), 4 * shift))
        assert (first.select(quantity="magnetisation")[0].value > 0.05) is ordered
        second = magnetisations(Canonical(ising(square(6)), bethe * shift))
        assert bool(second.min() > 0.05) is ordered


def test_magnetisations_on_a_tree() -> None:
    tree = Canonical(ising(from_graph(nx.balanced_tree(2, 2)), h=0.3), 1.3)
    known = Enumerated(tree)
    exact = [known.correlations[1 << i] for i in range(tree.sites)]
    assert magnetisations(tree) == pytest.approx(np.array(exact), rel=1e-12)


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [
        ("ising square", "temperature", 2.269185314),
        ("ising triangular", "temperature", 3.640956907),
        ("ising honeycomb", "temperature", 1.518651285),
        ("ising cubic", "temperature", 4.511523),
        ("ising square", "energy", -1.414213562),
        ("ising square", "binder", 0.61069014),
        ("ising square", "xi_over_L", 0.90504883),
        ("ising square", "eta", 0.25),
        ("ising cubic", "nu", 0.629971),
    ],
)
def test_critical_constants_are_those_of_their_sources(model: str, name: str, value: float) -> None:
    assert critical(model, name).value == pytest.approx(value, rel=2e-7)
    assert critical(model, name).reference.title


def test_exponents_keep_the_relations_of_scaling() -> None:
    for model, d in (("ising square", 2), ("potts 3 square", 2)):
        nu, eta = (critical(model, name).value for name in ("nu", "eta"))
        alpha = 2 - d * nu
        beta, gamma = nu * (d - 2 + eta) / 2, nu * (2 - eta)
        assert alpha + 2 * beta + gamma == pytest.approx(2)
    assert beta == pytest.approx(1 / 9)  # of three states
    known = {name: critical("ising square", name).value for name in ("nu", "eta", "beta", "gamma")}
    assert known["beta"] == known["nu"] * known["eta"] / 2
    assert known["gamma"] == known["nu"] * (2 - known["eta"])


def test_an_unknown_constant_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="one of ising cubic: eta"):
        critical("ising square", "omega")


@pytest.mark.parametrize("K", [0.46, 0.5, 0.7])
def test_below_the_critical_temperature_the_length_is_half_that_of_the_dual_lattice(K: float) -> None:
    dual = math.asinh(1 / math.sinh(2 * K)) / 2
    assert correlation_length(K) == pytest.approx(correlation_length(dual) / 2, rel=1e-12)
    assert correlation_length(dual) == pytest.approx(1 / (2 * (K - dual)), rel=1e-12)


def test_onsager_says_where_the_torus_is_too_small_for_it() -> None:
    (energy, *_) = Onsager().predict(Canonical(ising(square(64)), 2.27))
    assert "correlation lengths long" in energy.regime.outside
    exact = values(Kaufman(), ising(square(64)), 2.27)["energy"]
    assert abs(energy.value / exact - 1) == pytest.approx(0.008, abs=5e-4)
    for temperature in (2.0, 3.0):
        infinite = {p.quantity.name: p for p in Onsager().predict(Canonical(ising(square(64)), temperature))}
        for finite in Kaufman().predict(Canonical(ising(square(64)), temperature)):
            near = infinite[finite.quantity.name]
            assert abs(finite.value - near.value) <= near.error * (1 + 1e-6) + 1e-7 * abs(near.value)


def reasons(theory: Theory, system: Canonical) -> set[str]:
    found = theory.predict(system)
    assert {p.quantity.name for p in found} == set(theory.quantities)
    assert all(math.isnan(p.value) for p in found)
    return {p.regime.outside for p in found}


DIAGONALS = from_formula("-J*(s[x,y]*s[x+1,y+1] + s[x,y]*s[x+1,y-1])", square(6), J=1.0)


@pytest.mark.parametrize(
    ("theory", "system", "words"),
    [
        (Enumeration(), Canonical(ising(square(5)), 1.0), "its 25 spins have 2^25 configurations"),
        (Enumeration(), Canonical(potts(square(4), 3), 1.0), "its 16 spins have 3^16 configurations"),
        (Elimination(), Canonical(ising(square(30)), 1.0), "spins would be on the frontier, more than 22"),
        (
            Elimination(),
            Canonical(potts(square(8), 3), 1.0),
            "16 spins would be on the frontier, more than 13",
        ),
        (Kaufman(), Canonical(ising(square(8), h=0.1), 2.0), "there is a field"),
        (Kaufman(), Canonical(ising(square(8), J=-1.0), 2.0), "the coupling is not ferromagnetic"),
        (Kaufman(), Canonical(DIAGONALS, 2.0), "not those of neighbours alone"),
        (Kaufman(), Canonical(ising(square(8)), math.inf), "the temperature is infinite"),
        (Kaufman(), Canonical(potts(square(8), 2), 2.0), "its spins are not ±1"),
        (Onsager(), Canonical(ising(triangular(8)), 2.0), "no square torus"),
        (Onsager(), Canonical(bimodal_glass(square(8), seed=0), 2.0), "the couplings differ"),
        (Onsager(), Canonical(from_matrix(np.ones((4, 4))), 2.0), "no square torus"),
        (FerdinandFisher(), Canonical(ising(square(8)), 2.0), "the temperature is not critical"),
        (Decimation(), Canonical(ising(square(8)), 2.0), "the spins form no chain"),
        (Decimation(), Canonical(ising(chain(8), h=0.1), 2.0), "there is a field"),
        (Bethe(), Canonical(SMALL["three spins"], 2.0), "more than two spins interact"),
        (TAP(), Canonical(SMALL["three spins"], 2.0), "more than two spins interact"),
    ],
)
def test_what_a_theory_cannot_treat_it_says(theory: Theory, system: Canonical, words: str) -> None:
    (reason,) = reasons(theory, system)
    assert words in reason


def test_couplings_by_any_other_name() -> None:
    other = from_formula("-K*s[x,y]*s[x+1,y] - L*s[x,y]*s[x,y+1]", square(6), K=0.7, L=0.7)
    assert values(Kaufman(), other, 2.0) == values(Kaufman(), ising(square(6), 0.7), 2.0)
    assert values(Kaufman(), other.with_couplings(L=0.6), 2.0) == {}


def test_what_is_out_of_reach_is_refused() -> None:
    with pytest.raises(InputError, match="at most 24 spins to enumerate"):
        Enumerated(Canonical(ising(square(5)), 1.0))
    with pytest.raises(InputError, match="a frontier of at most 22 spins"):
        eliminate(Canonical(ising(square(30)), 1.0))
    with pytest.raises(InputError, match="a temperature above 0"):
        Canonical(ising(chain(4)), -1.0)


@pytest.mark.parametrize("side", [16, 32, 64])
@pytest.mark.parametrize("temperature", [0.8, 1.5, 1.8, 2.0, 2.1, 2.4, 2.5, 3.0, 4.0, 8.0])
def test_the_infinite_lattice_is_within_its_errors_of_a_torus(side: int, temperature: float) -> None:
    """Wherever it says that it is inside, and no error is beyond one percent."""
    system = Canonical(ising(square(side)), temperature)
    want = {p.quantity.name: p.value for p in Kaufman().predict(system)}
    for p in Onsager().predict(system):
        if p.regime and p.quantity.name in want:
            assert abs(p.value - want[p.quantity.name]) <= 1.001 * p.error
            assert p.error < 0.01

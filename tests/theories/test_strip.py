"""Strips without end: against closed forms, long rings, and conformal invariance at the critical point."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.formula import from_formula
from lensmaker.systems.spins.glasses import gaussian_glass
from lensmaker.systems.spins.hamiltonian import Hamiltonian, ising
from lensmaker.systems.spins.lattices import (
    Lattice,
    chain,
    complete,
    cubic,
    honeycomb,
    square,
    triangular,
)
from lensmaker.systems.spins.multistate import Multistate
from lensmaker.systems.spins.named_models import blume_capel, potts
from lensmaker.theories.spins import strip
from lensmaker.theories.spins.critical_constants import critical
from lensmaker.theories.spins.elimination import Elimination
from lensmaker.theories.spins.kaufman import Kaufman
from lensmaker.theories.spins.onsager import correlation_length
from lensmaker.theories.spins.strip import Strip


def both(model: Hamiltonian | Multistate, temperature: float) -> tuple[float, float]:
    free, length = Strip().predict(Canonical(model, temperature))
    assert (free.quantity.name, length.quantity.name) == ("free_energy", "correlation_length")
    return free.value, length.value


@pytest.mark.parametrize("K", [0.05, 0.5, 1.3])
def test_a_chain_is_known_in_closed_form(K: float) -> None:
    free, length = both(ising(chain(1000)), 1 / K)
    assert -K * free == pytest.approx(math.log(2 * math.cosh(K)), rel=1e-14)
    assert length == pytest.approx(-1 / math.log(math.tanh(K)), rel=1e-12)


def test_a_chain_in_a_field() -> None:
    J, h, T = 0.7, 0.4, 1.1
    free, length = both(ising(chain(9), J, h), T)
    root = math.sqrt(math.exp(2 * J / T) * math.sinh(h / T) ** 2 + math.exp(-2 * J / T))
    plus, minus = (math.exp(J / T) * math.cosh(h / T) + sign * root for sign in (1, -1))
    assert free == pytest.approx(-T * math.log(plus), rel=1e-14)
    assert length == pytest.approx(1 / math.log(plus / minus), rel=1e-12)


def test_antiferromagnets_have_the_same_length() -> None:
    assert both(ising(chain(9), -1.0), 1.0) == pytest.approx(both(ising(chain(9)), 1.0), rel=1e-12)


LONG: dict[str, Callable[[int], Hamiltonian | Multistate]] = {
    "torus in a field": lambda n: ising(square(n, 4), h=0.2),
    "open edges": lambda n: ising(square(n, 5, periodic=(True, False))),
    "triangular": lambda n: ising(triangular(n, 4), h=0.1),
    "honeycomb": lambda n: ising(honeycomb(n, 3)),
    "plaquettes": lambda n: from_formula("-K*s[i]*s[j]*s[k]*s[l] - J*s[i]*s[j]", square(n, 4), K=0.5, J=0.3),
    "three bodies across": lambda n: from_formula(
        "-K*s[x,y]*s[x+1,y]*s[x+1,y+1]-h*s[x,y]", square(n, 4), K=1.0, h=0.4
    ),
    "bar": lambda n: ising(cubic(n, 3, 2)),
    "potts": lambda n: potts(square(n, 4), 3),
    "blume-capel": lambda n: blume_capel(square(n, 3), 1.0, 0.4, 0.2),
}


@pytest.mark.parametrize("name", LONG)
def test_a_long_ring_of_rows_is_as_good_as_a_strip_without_end(name: str) -> None:
    T = 5.0
    system = Canonical(LONG[name](60), T)
    free, length = Strip().predict(system)
    assert free.regime
    assert length.regime
    assert length.value < 4
    ring = Elimination().predict(system).select(quantity="free_energy")[0].value
    assert free.value == pytest.approx(ring, rel=1e-6)  # e^(−60/ξ), and the rest of the spectrum
    assert free.value == pytest.approx(_per_site(LONG[name], T, length.value), rel=1e-11, abs=1e-11)


def _per_site(make: Callable[[int], Hamiltonian | Multistate], T: float, length: float) -> float:
    """The free energy of one more row in a ring of ninety."""
    n = 90
    a, b = (
        Elimination().predict(Canonical(make(k), T)).select(quantity="free_energy")[0].value
        for k in (n, n + 1)
    )
    width = make(n).sites // n
    return ((n + 1) * width * b - n * width * a) / width


@pytest.mark.parametrize(
    ("make", "spacing", "eta"),
    [
        (square, 1.0, 1 / 4),
        (triangular, math.sqrt(0.75), 1 / 4),
    ],
)
def test_at_the_critical_point_the_length_is_that_of_conformal_invariance(
    make: Callable[[int, int], Lattice], spacing: float, eta: float
) -> None:
    """ξ/L = 1/(πη) = 4/π on a strip that closes on itself, with a correction of order L⁻²."""
    T = critical(f"ising {make.__name__}", "temperature").value
    sizes = (8, 10, 12)
    ratios = [both(ising(make(4, L)), T)[1] * spacing / L for L in sizes]
    assert ratios[-1] == pytest.approx(4 / math.pi, rel=0.005)
    _, limit = np.polyfit([L**-2.0 for L in sizes], ratios, 1)
    assert limit == pytest.approx(1 / (math.pi * eta), rel=5e-4)


def test_the_length_of_three_states_at_their_critical_point() -> None:
    T, eta = (critical("potts 3 square", name).value for name in ("temperature", "eta"))
    ratio = both(potts(square(4, 8), 3), T)[1] / 8
    assert ratio == pytest.approx(1 / (math.pi * eta), rel=0.03)


def test_a_width_of_sixteen() -> None:
    found = Strip().predict(Canonical(ising(square(400, 16)), 3.0))
    assert all(p.regime for p in found)
    torus = Kaufman().predict(Canonical(ising(square(400, 16)), 3.0)).select(quantity="free_energy")[0]
    assert found[0].value == pytest.approx(torus.value, rel=1e-13)
    assert found[1].value == pytest.approx(correlation_length(1 / 3), rel=1e-3)
    assert all(p.error < 1e-10 for p in found)


@pytest.mark.parametrize("lattice", [square(5, 6), triangular(5, 6)], ids=str)
def test_iterations_find_what_the_whole_matrix_has(lattice: Lattice, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ising(lattice, h=0.05)
    whole = both(model, 2.5)
    monkeypatch.setattr(strip, "_SMALL", 1)
    assert both(model, 2.5) == pytest.approx(whole, rel=1e-10)


def test_what_does_not_converge_says_so() -> None:
    found = Strip(iterations=1, tolerance=1e-15).predict(Canonical(ising(square(50, 12)), 3.5))
    assert {p.regime.outside for p in found} == {"the eigenvalues do not converge"}


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (ising(complete(8)), "it has no rows"),
        (ising(square(6, periodic=False)), "no ring of three or more"),
        (ising(square(2, 6)), "no ring of three or more"),
        (ising(square(4, 20)), "more than 2^18 configurations"),
        (gaussian_glass(square(5), seed=0), "its rows differ"),
        (from_formula("-J*s[i]*s[i+2]", chain(9), J=1.0), "more than two of them meet"),
    ],
)
def test_what_has_no_transfer_matrix_is_refused(model: Hamiltonian, words: str) -> None:
    for prediction in Strip().predict(Canonical(model, 1.0)):
        assert math.isnan(prediction.value)
        assert words in prediction.regime.outside


def test_a_short_lattice_is_no_strip_without_end() -> None:
    free, _ = Strip().predict(Canonical(ising(square(8)), 2.27))
    assert "correlation lengths long" in free.regime.outside

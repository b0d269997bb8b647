"""Kadanoff's step against sums with every potential in its place, Onsager's integral, and differences."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exact.moved_potentials import exact_log_partition_of_4x4, log_partition_of_4x4, onsager
from lensmaker.systems.spins import Canonical, chain, ising, square
from lensmaker.systems.spins.glasses import gaussian_glass
from lensmaker.theories.variational_rg.bounds import from_above, from_below, with_weights
from lensmaker.theories.variational_rg.fixed_point import (
    best_weight,
    critical_coupling,
    fixed_point,
    other_weight,
)
from lensmaker.theories.variational_rg.kadanoff import Kadanoff
from lensmaker.theories.variational_rg.plaquettes import ising_potential, step

K_C = math.log(1 + math.sqrt(2)) / 2


@pytest.mark.parametrize(("K", "p"), [(0.2, 0.4), (0.44, 0.766), (0.9, 1.5), (0.44, 0.0)])
def test_a_step_is_the_sum_with_moved_potentials(K: float, p: float) -> None:
    assert with_weights(K, 4, [p])[0] * 16 == pytest.approx(log_partition_of_4x4(K, p), rel=1e-12)


@pytest.mark.parametrize("K", [0.1, 0.3, K_C, 0.7])
def test_any_weight_is_a_bound_and_the_best_is_the_least(K: float) -> None:
    exact = exact_log_partition_of_4x4(K) / 16
    bounds = [with_weights(K, 4, [p])[0] for p in np.linspace(0, 3, 61)]
    assert min(bounds) > exact
    assert from_above(K, 4).log_partition == pytest.approx(min(bounds), abs=5e-4)
    assert from_above(K, 4).log_partition <= min(bounds)
    assert from_below(K, 4).log_partition < exact


def test_the_majority_rule_is_no_bound_that_is_good() -> None:
    """Where the corners of a plaquette tie, p moves with nothing to hold it: the bound grows as p."""
    low, high = (with_weights(K_C, 4, [p])[0] for p in (20.0, 40.0))
    assert high - low == pytest.approx(20, rel=0.05)


@pytest.mark.parametrize("K", [0.1, 0.3, 0.42, K_C, 0.5, 0.7, 1.0])
def test_onsager_is_between_the_bounds(K: float) -> None:
    """A torus of 64 is infinite to 1e-4 but where |T/T_c − 1| is small, or all spins agree: ln 2/64² there."""
    above, below, exact = from_above(K, 64), from_below(K, 64), onsager(K)
    assert below.log_partition < exact + 2e-4
    assert -2e-4 < above.log_partition - exact < 0.02
    assert above.log_partition - below.log_partition < 0.03


def test_weights_of_each_step_are_better_than_one() -> None:
    assert from_above(0.4, 32).log_partition < from_above(0.4, 32, one=True).log_partition - 1e-3


def test_slopes_are_those_of_differences() -> None:
    weights, d = [0.7, 0.5, 0.3], 1e-6
    _, slopes = with_weights(0.41, 16, weights)
    for n in range(3):
        up, down = (
            with_weights(0.41, 16, [p + e * (k == n) for k, p in enumerate(weights)])[0] for e in (d, -d)
        )
        assert slopes[n] == pytest.approx((up - down) / (2 * d), abs=1e-9)


@pytest.mark.parametrize("p", [0.74, 0.761, 0.78])
def test_the_fixed_point_stays_and_grows_by_its_exponents(p: float) -> None:
    """Eigenvalues by powers: a small field and a small coupling, followed step by step."""
    found = fixed_point(p)
    nn, diagonal, all_four = found.couplings
    s = 1.0 - 2 * (np.arange(16)[:, None] >> np.arange(4) & 1)
    v = nn * (s * np.roll(s, 1, 1)).sum(1) + diagonal * (s[:, 0] * s[:, 2] + s[:, 1] * s[:, 3])
    v = v + all_four * s.prod(1)
    moved = step(v, p).potential - v
    assert np.ptp(moved) < 1e-13
    for away, y in ((s.sum(1), found.magnetic), ((s * np.roll(s, 1, 1)).sum(1), found.thermal)):
        direction = away / np.linalg.norm(away)
        for _ in range(60):
            after = (step(v + 1e-6 * direction, p).potential - step(v - 1e-6 * direction, p).potential) / 2e-6
            after -= after.mean()
            growth = np.linalg.norm(after)
            direction = after / growth
        assert math.log2(growth) == pytest.approx(y, abs=1e-5)


def test_the_numbers_of_the_fixed_point() -> None:
    """As they are at the p where ln Z is stationary; the exact ones are 1 and 15/8, within the errors told."""
    at = fixed_point(best_weight())
    assert at.weight == pytest.approx(0.760989, abs=1e-6)
    assert (at.thermal, at.magnetic) == pytest.approx((1.017535, 1.877736), abs=1e-6)
    assert critical_coupling(at.weight) == pytest.approx(0.483647, abs=1e-6)
    found = {p.quantity.name: p for p in Kadanoff().predict(Canonical(ising(square(8)), 1 / K_C))}
    assert abs(found["inverse_nu"].value - 1) < found["inverse_nu"].error
    assert abs(found["beta_over_nu"].value - 0.125) < found["beta_over_nu"].error
    assert fixed_point(other_weight()).magnetic < at.magnetic


def test_at_the_fixed_point_the_best_weight_is_that_of_the_free_energy() -> None:
    """ln Z[v*] of many steps with one p is least at p*: by its values, not by its slope."""
    v = ising_potential(0.0)
    nn, diagonal, all_four = fixed_point(best_weight()).couplings
    s = 1.0 - 2 * (np.arange(16)[:, None] >> np.arange(4) & 1)
    v = nn * (s * np.roll(s, 1, 1)).sum(1) + diagonal * (s[:, 0] * s[:, 2] + s[:, 1] * s[:, 3])
    v = v + all_four * s.prod(1)

    def log_z(p: float) -> float:
        total, share, u = 0.0, 1.0, v
        for _ in range(30):
            total, share, u = total + share * u.max(), share / 4, step(u - u.max(), p).potential
        return float(total)

    best, d = best_weight(), 1e-3
    assert log_z(best) < min(log_z(best - d), log_z(best + d))


def test_what_it_cannot_treat_it_says() -> None:
    for system, reason in (
        (Canonical(ising(square(6)), 2.0), "its sides are 6 and 6, not one power of two"),
        (Canonical(ising(chain(8)), 2.0), "the lattice is no square torus"),
        (Canonical(ising(square(8, periodic=False)), 2.0), "the lattice is no square torus"),
        (Canonical(ising(square(8), 1.0, 0.1), 2.0), "there is a field, or the couplings differ"),
        (Canonical(gaussian_glass(square(8), seed=0), 2.0), "there is a field, or the couplings differ"),
        (Canonical(ising(square(8)), 0.01), "it is too cold: the ground state is all there is"),
    ):
        found = Kadanoff().predict(system)
        assert {p.regime.outside for p in found} == {reason}
        assert all(math.isnan(p.value) for p in found)
    away = Kadanoff().predict(Canonical(ising(square(8)), 3.0))
    assert [bool(p.regime) for p in away] == [True, False, False]
    both = [Kadanoff().predict(Canonical(ising(square(8), J), 2.0))[0].value for J in (1.0, -1.0)]
    assert both[0] == both[1]

"""Random fields against fields that are drawn, and against the instrument on machines that were never trained."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from exact import torus_fields
from lensmaker.core import InputError, Verdict, compare
from lensmaker.instruments.boltzmann.receptive_fields import ReceptiveFields
from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine, Spin
from lensmaker.systems.boltzmann.field_stack import FieldStack
from lensmaker.systems.spins import square
from lensmaker.theories.boltzmann import isotropic_field as isotropic
from lensmaker.theories.boltzmann.random_fields import RandomFields

FOUR_SIGMA = 4.0
"""A false alarm in 16,000 for each comparison of a fixed seed."""


def stack(*layers: int, seed: int = 0, lattice: int = 40) -> FieldStack:
    sizes = (lattice**2, *layers)
    machines = [RestrictedBoltzmannMachine(Spin(a), Spin(b)) for a, b in zip(sizes, layers, strict=False)]
    for k, machine in enumerate(machines):
        machine.initialise(seed=100 * seed + k)
    return FieldStack(machines, square(lattice))


@pytest.mark.parametrize("side", [5, 9])
def test_laws_are_means_over_fields_that_are_drawn(side: int) -> None:
    """4000 fields, site by site; means within four errors (P within its own error too), deviations to a fifth."""
    fields = np.random.default_rng(side).normal(size=(4000 if side == 5 else 1000, side, side))
    each = [torus_fields.statistics(w, 3) for w in fields]
    N = side**2
    laws = {
        "field_participation": isotropic.participation(N),
        "window_fraction": isotropic.window_fraction(N, 9),
        "sign_coherence": isotropic.sign_coherence(N, 9),
        "neighbour_correlation": isotropic.neighbour_correlation(N),
    }
    for name, law in laws.items():
        x = np.array([s[name] for s in each])
        assert abs(x.mean() - law.mean) < FOUR_SIGMA * x.std() / math.sqrt(len(x)) + law.error, name
        assert x.std() == pytest.approx(law.deviation, rel=0.2), name
    share = (fields**2).reshape(len(fields), -1)
    largest = share.max(1) / share.sum(1)
    law = isotropic.largest_share(N)
    assert abs(largest.mean() - law.mean) < FOUR_SIGMA * largest.std() / math.sqrt(len(fields))
    assert largest.std() == pytest.approx(law.deviation, rel=0.1)


def test_small_cases_in_closed_form() -> None:
    """Of two sites the angle is uniform: ⟨max cos²⟩ = ½ + 1/π."""
    assert isotropic.largest_share(2).mean == pytest.approx(0.5 + 1 / math.pi, rel=1e-9)
    assert isotropic.largest_share(1).mean == pytest.approx(1, rel=1e-9)
    assert isotropic.window_fraction(25, 25).mean == pytest.approx(1, rel=1e-12)
    assert isotropic.participation(10**6).mean == pytest.approx(10**6 / 3, rel=1e-5)
    plain = isotropic.sign_coherence(10**6, 10**3 + 1)
    assert plain.mean == pytest.approx(1 / math.sqrt(1001), rel=0.02)


def test_the_mean_share_of_all_sites_is_one() -> None:
    N = 1600
    assert isotropic.largest_share(N).mean + (N - 1) * isotropic.share_elsewhere(N).mean == pytest.approx(1)


def test_random_weights_are_random_fields() -> None:
    """102 comparisons of a stack of the sizes of Mehta and Schwab; |z| < 4 of all: a false alarm of 0.6 %."""
    system = stack(400, 100, 25)
    pairs, alone, left = compare(RandomFields().predict(system), ReceptiveFields().measure(system))
    assert (len(pairs), len(alone), len(left)) == (102, 0, 0)
    assert max(abs(c.z_score) for c in pairs) < FOUR_SIGMA
    assert sum(c.verdict is Verdict.DEVIATES for c in pairs) <= 2


@pytest.mark.slow
def test_scores_over_many_random_stacks_are_standard_normal() -> None:
    """60 stacks of 30-12-8: of the deepest layer no mean score is beyond 4/√60, no spread beyond 0.6 … 1.3."""
    scores: dict[str, list[float]] = {}
    for seed in range(60):
        system = stack(30, 12, 8, seed=seed + 1, lattice=12)
        pairs, _, _ = compare(RandomFields(3).predict(system), ReceptiveFields(3).measure(system))
        for c in pairs:
            if dict(c.where.coordinates)["layer"] == 3 and c.quantity.name != "field_profile":
                scores.setdefault(c.quantity.name, []).append(c.z_score)
    for name, z in scores.items():
        assert abs(np.mean(z)) < 4 / math.sqrt(60), name
        assert 0.6 < np.std(z) < 1.3, name


def test_a_structure_is_a_deviation() -> None:
    """A blob in each field of a layer, larger than the noise: five quantities deviate, and each in its sense."""
    system = stack(64, lattice=20)
    x = np.minimum(np.arange(20), 20 - np.arange(20))
    blob = 0.03 * np.exp(-np.add.outer(x**2, x**2) / 8)
    W = system.stack[0].weights.parameter
    places = np.random.default_rng(0).integers(20, size=(64, 2))
    blobs = np.stack([np.roll(blob, place, (0, 1)).reshape(-1) for place in places], 1)
    with torch.no_grad():
        W.add_(torch.from_numpy(blobs).float())
    pairs, _, _ = compare(RandomFields().predict(system), ReceptiveFields().measure(system))
    z = {c.quantity.name: c.z_score for c in pairs if c.where == system.where(1)}
    assert z["field_participation"] < -5
    for name in ("window_fraction", "sign_coherence", "neighbour_correlation", "field_half_width"):
        assert z[name] > 5, name


def test_bad_windows() -> None:
    with pytest.raises(InputError, match="an odd number of sites, but got 2"):
        RandomFields(2)
    with pytest.raises(InputError, match="no wider than the lattice, but got 9 on a square 4"):
        RandomFields().predict(stack(2, lattice=4))

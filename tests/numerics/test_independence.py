from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from lensmaker.numerics.independence import bulk_p, entries_p, rows_p
from lensmaker.numerics.marchenko_pastur import MarchenkoPastur

SHAPES = [(2, 9), (50, 4), (27, 32)]


def draw(law: str, rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    if law == "gaussian":
        return rng.normal(0, 0.02, shape)
    if law == "uniform":
        return rng.uniform(-0.3, 0.3, shape)
    from scipy.stats import truncnorm

    return truncnorm.rvs(-2, 2, size=shape, random_state=rng)


@pytest.mark.parametrize("law", ["gaussian", "uniform", "truncated"])
@pytest.mark.parametrize("shape", SHAPES)
def test_p_values_of_independent_entries_are_not_too_small(law: str, shape: tuple[int, int]) -> None:
    """Of 500 at most 5 are expected below 1e-2; more than 15 has a probability below 1e-4."""
    rng = np.random.default_rng(7)
    small = np.zeros(4, dtype=int)
    for _ in range(500):
        w = draw(law, rng, shape)
        m = w if shape[0] <= shape[1] else w.T
        p = (bulk_p(np.linalg.eigvalsh(m @ m.T), m.shape[1]), entries_p(w), rows_p(w), rows_p(w.T))
        small += np.array(p) < 1e-2
    assert (small <= 15).all(), small


@pytest.mark.parametrize(
    ("law", "shape"), [("gaussian", (40, 60)), ("uniform", (40, 60)), ("uniform", (100, 4))]
)
def test_row_norms_use_their_level(law: str, shape: tuple[int, int]) -> None:
    """A tenth of the matrices is rejected at the level 0.1: 60 to 140 of 1000; for rows of four κ matters."""
    rng = np.random.default_rng(8)
    assert 60 <= sum(rows_p(draw(law, rng, shape)) < 0.1 for _ in range(1000)) <= 140


def test_bulk_measures_the_distance_of_kolmogorov() -> None:
    from scipy.stats import kstest

    rng = np.random.default_rng(14)
    for λ in (rng.uniform(0, 4, 30), np.r_[np.full(24, 0.3), np.full(6, 3.8)], np.r_[0.01, np.full(29, 1.1)]):
        distance = 30 * kstest(λ / λ.mean(), MarchenkoPastur(0.5).cdf).statistic
        expected = np.exp(-1.6 * (distance - 0.35 - 0.42 * np.log(30)) / 0.3)
        assert bulk_p(60 * λ, 60) == pytest.approx(expected, rel=1e-9)


def test_entries_of_other_laws() -> None:
    rng = np.random.default_rng(9)
    assert entries_p(rng.laplace(size=(100, 100))) < 1e-9
    assert entries_p(rng.normal(0.1, 1, size=(100, 100))) < 1e-9
    assert entries_p(rng.uniform(0, 1, size=(100, 100))) < 1e-9
    assert entries_p(rng.normal(size=(100, 100)) * rng.choice([0.5, 1.5], size=(100, 1))) < 1e-9


def test_rounding_does_not_show() -> None:
    """Kolmogorov's test of 65,536 entries does not see the eight bits of bfloat16, but it sees three."""
    import torch

    w = torch.randn(256, 256, generator=torch.Generator().manual_seed(10))
    assert entries_p(w.bfloat16().double().numpy()) > 1e-2
    assert entries_p(np.round(2 * w.double().numpy()) / 2) < 1e-9


def test_rows_of_other_norms() -> None:
    w = np.random.default_rng(11).normal(size=(60, 90))
    grown = w * np.where(np.arange(60) < 5, 2.0, 1.0)[:, None]
    assert rows_p(grown) < 1e-9
    assert rows_p(grown.T) > 1e-2
    assert rows_p(np.ones((4, 5))) == 1


def test_bulk_of_other_shape() -> None:
    w = np.random.default_rng(12).normal(size=(80, 120))
    λ = np.linalg.eigvalsh(w @ w.T)
    assert bulk_p(λ, 120) > 1e-2
    assert bulk_p(λ, 240) < 1e-9
    assert bulk_p(np.exp(np.random.default_rng(13).normal(size=80)), 120) < 1e-9

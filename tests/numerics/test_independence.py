from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from lensmaker.numerics.independence import bulk_p, entries_p, rows_p

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


@pytest.mark.parametrize("law", ["gaussian", "uniform"])
def test_the_sensitive_tests_use_their_level(law: str) -> None:
    """`rows_p` rejects a tenth of random matrices at the level 0.1: 60 to 140 of 1000."""
    rng = np.random.default_rng(8)
    assert 60 <= sum(rows_p(draw(law, rng, (40, 60))) < 0.1 for _ in range(1000)) <= 140


def test_entries_of_other_laws() -> None:
    rng = np.random.default_rng(9)
    assert entries_p(rng.laplace(size=(100, 100))) < 1e-9
    assert entries_p(rng.normal(0.1, 1, size=(100, 100))) < 1e-9
    assert entries_p(rng.uniform(0, 1, size=(100, 100))) < 1e-9
    assert entries_p(rng.normal(size=(100, 100)) * rng.choice([0.5, 1.5], size=(100, 1))) < 1e-9


def test_rounded_entries_are_forgiven_their_rounding() -> None:
    """bfloat16 keeps eight bits: a million entries show the steps, unless told of them."""
    import torch

    w = torch.randn(1000, 1000, generator=torch.Generator().manual_seed(10)).bfloat16().double().numpy()
    assert entries_p(w, torch.finfo(torch.bfloat16).eps) > 1e-2
    assert entries_p(np.round(w)) < 1e-9


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

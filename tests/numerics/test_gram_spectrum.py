from __future__ import annotations

import math

import numpy as np
import pytest

from lensmaker.numerics import gram_spectrum
from lensmaker.numerics.gram_spectrum import PRECISION, gram_eigenvalues, symmetric_eigenvalues


def matrices() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(512, 512))
    spike = np.outer(rng.normal(size=512), rng.normal(size=512))
    return {
        "square": noise,
        "small numbers": 1e-9 * rng.normal(size=(256, 1024)),
        "wide": rng.uniform(-1, 1, (200, 3000)),
        "one spike": noise + 3 * spike,
        "of low rank": rng.normal(size=(300, 20)) @ rng.normal(size=(20, 400)),
        "decaying": noise * np.logspace(0, -4, 512),
    }


def entropy(λ: np.ndarray) -> float:
    share = λ[λ > 0] / λ[λ > 0].sum()
    return float(-(share * np.log(share)).sum())


@pytest.mark.parametrize("name", matrices())
def test_single_precision_serves_within_its_stated_error_only(name: str) -> None:
    w = matrices()[name].astype(np.float32)
    exact = np.linalg.svd(w.astype(np.float64), compute_uv=False) ** 2
    λ, error = gram_eigenvalues(w, single=True)
    assert error == (PRECISION if name in {"square", "small numbers", "wide"} else 0.0)
    assert λ[0] == pytest.approx(exact[0], rel=error or 1e-12)
    assert math.exp(entropy(λ)) == pytest.approx(math.exp(entropy(exact)), rel=error or 1e-9)


def test_double_precision_unless_allowed() -> None:
    w = matrices()["square"].astype(np.float32)
    λ, error = gram_eigenvalues(w)
    assert error == 0
    assert λ == pytest.approx(np.linalg.svd(w.astype(np.float64), compute_uv=False) ** 2, rel=1e-9, abs=1e-9)


def test_double_precision_where_there_are_too_many_rows_for_single(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gram_spectrum, "_SURE", 511)
    assert gram_eigenvalues(matrices()["square"], single=True)[1] == 0


def test_a_wrong_size_of_the_entries_does_not_overflow() -> None:
    w = 1e25 * matrices()["square"].astype(np.float32)
    λ, error = gram_eigenvalues(w, single=True)
    assert error == 0
    assert np.isfinite(λ).all()


@pytest.mark.parametrize("n", [1, 2, 65, 300])
def test_symmetric_eigenvalues_are_those_of_numpy(n: int) -> None:
    a = np.random.default_rng(n).normal(size=(n, n))
    a = (a + a.T).astype(np.float32)
    before = a.copy()
    exact = np.linalg.eigvalsh(a.astype(np.float64))
    assert symmetric_eigenvalues(a) == pytest.approx(exact, abs=1e-5 * np.abs(exact).max())
    assert np.array_equal(a, before)

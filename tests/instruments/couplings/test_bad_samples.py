"""Samples and terms that leave couplings unknown, or are none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from exact.losses import drawn
from lensmaker.core import Convergence, InputError, Verdict, compare
from lensmaker.core.records import Prediction
from lensmaker.instruments.couplings import (
    METHODS,
    CouplingMethod,
    MaximumLikelihood,
    PseudoLikelihood,
    infer,
)
from lensmaker.systems.spins.hamiltonian import hamiltonian, ising
from lensmaker.systems.spins.lattices import chain, square

by_method = pytest.mark.parametrize("method", [m() for m in METHODS], ids=lambda m: m.name)
RING = ising(chain(6), J=0.3, h=0.2)
FREE = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), (400, 4))


@by_method
def test_perfect_order_bounds_nothing(method: CouplingMethod) -> None:
    found = infer(np.ones((100, 16), np.int8), {"J": square(4).bonds}, method)
    assert found.couplings == {"J": math.inf}
    assert found.errors == {"J": math.inf}
    assert found.convergence == {"J": Convergence.UNBOUNDED}
    with pytest.raises(InputError, match="finite couplings, but got J = inf"):
        _ = found.hamiltonian


@by_method
def test_opposite_order_is_minus_infinity(method: CouplingMethod) -> None:
    staggered = np.tile((-1) ** np.arange(6), (50, 1))
    found = infer(staggered, {"J": chain(6).bonds}, method)
    assert found.couplings == {"J": -math.inf}


@by_method
def test_what_is_bounded_is_told_beside_what_is_not(method: CouplingMethod) -> None:
    """Spins 0 and 1 are always alike; the rest is as if they were one spin."""
    samples = FREE.copy()
    samples[:, 1] = samples[:, 0]
    found = infer(samples, {"a": [[0, 1]], "b": [[1, 2]], "h": [[3]]}, method)
    assert found.couplings["a"] == math.inf
    assert found.couplings["h"] == pytest.approx(math.atanh(samples[:, 3].mean()), abs=1e-9)
    assert found.couplings["b"] == pytest.approx(
        math.atanh((samples[:, 0].astype(float) * samples[:, 2]).mean()), abs=0.01
    )
    assert list(found.convergence.values()) == [Convergence.UNBOUNDED, *[Convergence.CONVERGED] * 2]
    assert found.errors["h"] == pytest.approx(0.05, rel=0.25)


@by_method
def test_a_penalty_bounds_everything(method: CouplingMethod) -> None:
    found = infer(np.ones((100, 6)), RING, type(method)(l2=0.1))
    assert all(0 < K < 5 for K in found.couplings.values())
    assert set(found.convergence.values()) == {Convergence.TOO_FEW_SAMPLES}
    assert set(found.errors.values()) == {math.inf}


@by_method
@pytest.mark.parametrize(
    ("terms", "names"),
    [
        ({"J": [[0, 1]], "again": [[1, 0]], "h": [[2]]}, "J, again, of which a combination"),
        ({"J": [[0, 1]], "empty": np.zeros((0, 2), int)}, "empty, which changes with no spin"),
        (
            {"a": [[0, 1], [1, 2]], "b": [[0, 1]], "c": [[1, 2]], "h": [[3]]},
            "a, b, c, of which a combination",
        ),
    ],
)
def test_terms_that_are_the_same(method: CouplingMethod, terms: dict[str, Any], names: str) -> None:
    with pytest.raises(InputError, match=f"terms that the samples tell apart, but got {names}"):
        infer(FREE, terms, method)


def test_the_same_term_twice_among_many() -> None:
    samples = np.random.default_rng(1).choice(np.array([-1, 1], np.int8), (60, 1200))
    terms = {f"h{i}": [[i]] for i in range(1200)} | {"twin": [[7]]}
    with pytest.raises(InputError, match="but got h7, twin, of which a combination"):
        infer(samples, terms)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (FREE[0], r"shape \(samples, sites\) or \(chains, samples, sites\), but got shape \(4,\)"),
        (FREE[:0], r"got shape \(0, 4\)"),
        (FREE > 0, r"spins of \+1 and −1, but got truth values"),
        ((FREE + 1) // 2, r"spins of \+1 and −1, but got 0: of bits x make spins"),
        (FREE * math.nan, r"spins of \+1 and −1, but got nan"),
        (np.array([["a"]]), r"spins of \+1 and −1, but got <U1"),
    ],
)
def test_samples_that_are_none(samples: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        infer(samples, {"J": [[0, 1]]})


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({}, "at least one term, but got none"),
        ({"J": [[0, 9]]}, "sites from 0 to 3 in J, but got 9"),
        (RING, "samples of 6 spins, but got 4"),
    ],
)
def test_terms_that_do_not_fit(terms: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        infer(FREE, terms)


def test_methods_that_do_not_fit() -> None:
    with pytest.raises(InputError, match="at most 24 spins for the exact likelihood, but got 25"):
        infer(np.ones((5, 25)), {"h": [[0]]}, MaximumLikelihood())
    with pytest.raises(InputError, match="penalty l2 of at least 0, but got -1"):
        PseudoLikelihood(l2=-1.0)
    with pytest.raises(InputError, match="at least one thread and one iteration, but got 0 and 60"):
        PseudoLikelihood(threads=0)


def test_too_many_couplings_at_a_site() -> None:
    terms = {f"J{i}": [[0, i]] for i in range(1, 8300)}
    with pytest.raises(InputError, match="pairs of couplings that share a site"):
        infer(np.ones((2, 8300)), terms)


def test_few_samples_have_no_known_error() -> None:
    few = infer(drawn(RING, 3, np.random.default_rng(2)).reshape(1, 3, 6), {"h": [[i] for i in range(6)]})
    assert few.errors == {"h": math.inf}
    assert few.convergence == {"h": Convergence.TOO_FEW_SAMPLES}


def test_samples_that_remember_are_told() -> None:
    """Twenty independent samples, each seen 30 times in a row."""
    seen = np.repeat(drawn(RING, 20, np.random.default_rng(3)), 30, axis=0)
    found = infer(seen, RING)
    assert set(found.convergence.values()) == {Convergence.CORRELATED}


def test_an_interrupted_iteration_is_told() -> None:
    found = infer(drawn(RING, 500, np.random.default_rng(4)), RING, PseudoLikelihood(iterations=1))
    assert set(found.convergence.values()) == {Convergence.ITERATION_LIMIT}


class Sampled:
    """As a sampler might hand them out."""

    spins = torch.from_numpy(drawn(RING, 500, np.random.default_rng(5)))


def test_what_comes_back() -> None:
    found = infer(Sampled(), RING)
    assert infer(Sampled.spins.numpy().tolist(), RING).couplings == found.couplings
    table = found.to_table()
    assert [(m.where.path, m.quantity.name, m.samples) for m in table] == [
        ("J", "coupling", 500),
        ("h", "coupling", 500),
    ]
    assert found.hamiltonian.couplings == found.couplings
    assert found.hamiltonian.lattice is RING.lattice
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(list(found.errors.values()))
    assert np.linalg.eigvalsh(found.covariance).min() > 0
    facts, *_ = compare(
        [Prediction(m.quantity, m.where, RING.couplings[m.where.path], 0.0, "known") for m in table], table
    )
    assert [f.verdict for f in facts] == [Verdict.AGREES] * 2
    lines = str(found).splitlines()
    assert lines[0] == "pseudo_likelihood, 500 samples"
    assert lines[1].startswith("J = 0.")


def test_a_long_list_is_cut() -> None:
    many = hamiltonian(30, {f"h{i}": [[i]] for i in range(30)}, {f"h{i}": 0.0 for i in range(30)})
    shown = str(infer(drawn_free(30), many))
    assert shown.endswith("… and 10 more")


def drawn_free(sites: int) -> np.ndarray:
    return np.random.default_rng(6).choice(np.array([-1, 1], np.int8), (100, sites))

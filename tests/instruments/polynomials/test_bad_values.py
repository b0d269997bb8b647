"""Values that tell nothing, and tables that do not fit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lensmaker.core import Convergence, InputError
from lensmaker.instruments.couplings import observe
from lensmaker.instruments.polynomials import LearnedHamiltonian, LearnedPolynomial, QuadraticForm
from lensmaker.systems.polynomials import Tabulated
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import chain, square, triangular

X = np.random.default_rng(0).normal(size=(100, 4))


@pytest.mark.parametrize(
    ("x", "y", "options", "message"),
    [
        (X[0], X[0], {}, r"x of shape \(rows, variables\), but got shape \(4,\)"),
        (X[:0], X[:0, 0], {}, r"but got shape \(0, 4\)"),
        (X, X, {}, r"one value for each of 100 rows, but got shape \(100, 4\)"),
        (X * np.nan, X[:, 0], {}, "finite numbers in x, but got inf or nan"),
        (X, X[:, 0] * np.inf, {}, "finite numbers in y"),
        ([["a"]], [1.0], {}, "real numbers in x, but got list"),
        (X, X[:, 0], {"variables": ["a", "b", "c", "a"]}, "4 different names, but got 4"),
        (X, X[:, 0], {"variables": ["a"]}, "4 different names, but got 1"),
        (X, X[:, 0], {"sides": (3, 2)}, r"a lattice of 4 sites, but got sides \(3, 2\)"),
    ],
)
def test_tables_that_do_not_fit(x: Any, y: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Tabulated.of(x, y, **options)


def test_values_that_tell_nothing() -> None:
    with pytest.raises(InputError, match="values that vary, but got 3 at all rows"):
        LearnedPolynomial().fit(Tabulated.of(X, np.full(100, 3.0)))
    with pytest.raises(InputError, match="at least 20 rows, but got 19"):
        LearnedPolynomial().fit(Tabulated.of(X[:19], X[:19, 0]))


def test_a_size_beyond_memory_is_predicted() -> None:
    """784 pixels to degree 4 are 1.6e10 monomials: none is made."""
    x = np.random.default_rng(1).normal(size=(40, 784))
    with pytest.raises(
        InputError,
        match=f"but got {math.comb(788, 4) - 1} monomials of degree up to 4 in 784 variables at 20",
    ):
        LearnedPolynomial(degree=4).fit(Tabulated.of(x, x[:, 0]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"degree": 0}, "a degree and a number of terms from 1, but got 0 and 200"),
        ({"most_terms": 0}, "but got 2 and 0"),
        ({"folds": 1}, "at least 2 folds and 2 shuffles, but got 1 and 200"),
    ],
)
def test_options_that_are_none(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        LearnedPolynomial(**options)


def test_a_form_without_products_is_not_read() -> None:
    table = LearnedPolynomial().measure(Tabulated.of(X, X[:, 0], sides=(2, 2)))
    states = {m.quantity.name: m.convergence for m in table}
    assert states["coupling_distance"] is Convergence.NO_PAIRS
    assert states["translation_share"] is Convergence.NO_PAIRS
    assert states["explained_share"] is Convergence.CONVERGED


def test_a_form_that_is_all_noise_is_not_read() -> None:
    pairs = np.array([[0, 1], [1, 2]])
    form = QuadraticForm((3,), False, pairs, np.array([0.1, -0.1]), 0.04 * np.eye(2))
    assert {m.convergence for m in form.measurements("x", 9, 5, 0)} == {Convergence.NO_PAIRS}
    with pytest.raises(InputError, match="products of two different sites, but got a square"):
        QuadraticForm((3,), False, np.array([[1, 1]]), np.ones(1), np.eye(1))


def test_samples_that_do_not_fit() -> None:
    spins = np.random.default_rng(2).choice([-1, 1], (100, 16))
    with pytest.raises(InputError, match="a chain, square or cubic lattice, periodic or open, but got none"):
        LearnedHamiltonian().infer(observe(spins, {"J": [[0, 1]]}))
    with pytest.raises(InputError, match="but got square 4 × 4, partly periodic"):
        LearnedHamiltonian().infer(observe(spins, ising(square(4, periodic=(True, False)))))
    with pytest.raises(InputError, match="but got triangular 4 × 4, periodic"):
        LearnedHamiltonian().infer(observe(spins, ising(triangular(4))))
    with pytest.raises(InputError, match="at least 40 samples, but got 30"):
        LearnedHamiltonian().infer(observe(spins[:30], ising(square(4))))
    with pytest.raises(InputError, match="at most 4096 couplings, but got 166750 of up to 3 of 100 spins"):
        LearnedHamiltonian(degree=3).infer(observe(np.ones((50, 100)), ising(chain(100))))
    with pytest.raises(InputError, match="a degree from 1 and 2 shuffles or more, but got 0 and 200"):
        LearnedHamiltonian(degree=0)

"""Newton's method and positive definite systems against what can be had otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, diags

from lensmaker.numerics.newton import Expansion, minimise
from lensmaker.numerics.positive_definite import NotPositiveDefinite, solve


def spread_matrix(size: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(size, size))
    scale = 10.0 ** rng.uniform(-4, 4, size)
    return (a @ a.T / size + np.eye(size)) * np.outer(scale, scale)


@pytest.mark.parametrize("columns", [(), (3,)])
def test_dense_systems_in_any_units(columns: tuple[int, ...]) -> None:
    matrix, right = spread_matrix(20), np.random.default_rng(1).normal(size=(20, *columns))
    assert matrix @ solve(matrix, right) == pytest.approx(right, rel=1e-9, abs=1e-9)


def sparse(size: int, on_diagonal: float) -> csr_matrix:
    off = np.ones(size - 1)
    return csr_matrix(diags([off, np.full(size, on_diagonal), off], [-1, 0, 1]))


@pytest.mark.parametrize("size", [50, 1500])
def test_sparse_systems(size: int) -> None:
    """The smaller by Cholesky, the larger by conjugate gradients; one column is zero."""
    matrix, right = sparse(size, 2.5), np.random.default_rng(2).normal(size=(size, 3))
    right[:, 1] = 0.0
    assert matrix @ solve(matrix, right) == pytest.approx(right, rel=1e-9, abs=1e-9)
    assert solve(matrix, right[:, 0]) == pytest.approx(solve(matrix, right)[:, 0], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("size", [50, 1500])
@pytest.mark.parametrize("on_diagonal", [1.5, -1.0])
def test_indefinite_matrices_are_refused(size: int, on_diagonal: float) -> None:
    with pytest.raises(NotPositiveDefinite, match="not positive definite"):
        solve(sparse(size, on_diagonal), np.random.default_rng(3).normal(size=size))


@pytest.mark.parametrize("side", [4, 1500])
def test_semidefinite_matrices_are_refused_with_a_direction(side: int) -> None:
    """Two couplings that do the same among others."""
    matrix = diags([np.ones(side)], [0]).tolil()
    matrix[0, 1] = matrix[1, 0] = 1.0
    with pytest.raises(NotPositiveDefinite, match="not positive definite") as found:
        solve(matrix.tocsr(), np.random.default_rng(4).normal(size=side))
    if side > 1000:
        x = found.value.direction
        assert np.abs(x[:2]).min() > 10 * np.abs(x[2:]).max()


def far(x: np.ndarray) -> Expansion:
    """Σ ln cosh(3x) + (x − 1)²/2: a Newton step from afar without damping overshoots."""
    value = float((np.logaddexp(3 * x, -3 * x) + (x - 1) ** 2 / 2).sum())
    return Expansion(value, 3 * np.tanh(3 * x) + x - 1, np.diag(9 / np.cosh(3 * x) ** 2 + 1))


def test_damped_steps_reach_the_minimum() -> None:
    found = minimise(far, np.array([4.0, -2.0, 0.3]))
    peer = minimize(lambda x: far(x).value, np.zeros(1), tol=1e-12).x[0]
    assert found.converged
    assert np.abs(found.at.gradient).max() < 1e-13
    assert found.point == pytest.approx(np.full(3, peer), abs=1e-6)


def test_the_limit_of_iterations_is_told() -> None:
    found = minimise(far, np.array([4.0]), iterations=1)
    assert not found.converged
    assert found.iterations == 1


def test_a_minimum_at_infinity_can_be_given_up() -> None:
    def falling(x: np.ndarray) -> Expansion:
        e = np.exp(-x)
        return Expansion(float(e.sum()), -e, np.diag(e))

    found = minimise(falling, np.zeros(1), stop=lambda point, direction: point[0] > 5)
    assert not found.converged
    assert 5 < found.point[0] < 7
    assert found.direction == pytest.approx(np.ones(1))

"""Fits to groups of rows: against numpy's least squares, explicit leaving out, and coverage with correlated rows."""

from __future__ import annotations

import numpy as np
import pytest

from lensmaker.numerics.grouped_fits import covariance_of, gauss_newton, leave_out


def rows(seed: int, groups: int = 12, each: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Columns and values whose noise is alike within a group: 1 + 2x + group's own + row's own."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(groups, each)) + rng.normal(size=(groups, 1))
    y = 1 + 2 * x + rng.normal(size=(groups, 1)) + 0.3 * rng.normal(size=(groups, each))
    return np.stack([np.ones_like(x), x], -1), y


def test_leaving_out_is_what_numpy_finds_without_the_group() -> None:
    X, y = rows(0)
    normal, right = np.einsum("nrp,nrq->npq", X, X), np.einsum("nrp,nr->np", X, y)
    whole, without = leave_out(normal, right)
    assert np.allclose(whole, np.linalg.lstsq(X.reshape(-1, 2), y.ravel())[0], rtol=1e-12)
    for i in range(len(X)):
        left = np.delete(X, i, 0).reshape(-1, 2), np.delete(y, i, 0).ravel()
        assert np.allclose(without[i], np.linalg.lstsq(*left)[0], rtol=1e-11)


def test_steps_end_at_the_least_squares_and_leave_out_alike() -> None:
    """Of a linear law the errors are those of leaving groups out, which are exact there."""
    X, y = rows(1)
    fit = gauss_newton(lambda θ: X @ θ - y, np.zeros(2))
    normal, right = np.einsum("nrp,nrq->npq", X, X), np.einsum("nrp,nr->np", X, y)
    whole, without = leave_out(normal, right)
    assert fit.converged
    assert np.allclose(fit.values, whole, rtol=1e-8)
    assert np.allclose(fit.covariance, covariance_of(without), rtol=1e-6)


def test_a_curved_valley_is_walked_down() -> None:
    """Rosenbrock's function as two residuals."""
    fit = gauss_newton(
        lambda θ: np.array([[10 * (θ[1] - θ[0] ** 2), 1 - θ[0]]] * 3), np.array([-1.2, 1.0]), limit=200
    )
    assert fit.converged
    assert np.allclose(fit.values, 1.0, atol=1e-6)


def test_a_walk_that_is_stopped_says_so() -> None:
    fit = gauss_newton(
        lambda θ: np.array([[10 * (θ[1] - θ[0] ** 2), 1 - θ[0]]] * 3), np.array([-1.2, 1.0]), limit=2
    )
    assert not fit.converged


def test_errors_hold_where_rows_of_a_group_are_alike() -> None:
    """Mean z² of 400 fits is (n − 1)/(n − 3) of Student's t, here n = 12, within four of its own deviations.

    As if rows were independent the errors would be a factor 1.5 to 2 too small, and z² 3 or more.
    """
    z = []
    for seed in range(400):
        X, y = rows(seed)
        fit = gauss_newton(lambda θ, X=X, y=y: X @ θ - y, np.zeros(2))
        z.append((fit.values - np.array([1.0, 2.0])) / fit.errors)
    squares = np.square(z)
    mean, deviation = squares.mean(0), squares.std(0) / 20
    assert mean == pytest.approx(11 / 9, abs=4 * float(deviation.max()))

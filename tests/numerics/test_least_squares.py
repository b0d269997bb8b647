"""Least squares and forward selection beside the same by brute force."""

from __future__ import annotations

import numpy as np
import pytest

from lensmaker.numerics.least_squares import least_squares
from lensmaker.numerics.orthogonal_least_squares import forward

rng = np.random.default_rng(0)
X = np.column_stack([np.ones(40), rng.normal(size=(40, 5)) * [1, 10, 0.1, 1, 1]])
y = X @ [1.0, 2.0, 0.0, -3.0, 0.5, 0.0] + rng.normal(size=40) * np.abs(X[:, 1])


def without(i: int) -> np.ndarray:
    rows = np.arange(40) != i
    return np.linalg.lstsq(X[rows], y[rows], rcond=None)[0]


def test_coefficients_are_those_of_the_pseudo_inverse() -> None:
    fit = least_squares(X, y)
    np.testing.assert_allclose(fit.coefficients, np.linalg.pinv(X) @ y, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(fit.inverse, np.linalg.pinv(X), rtol=1e-11, atol=1e-12)


def test_errors_are_those_of_leaving_each_row_out() -> None:
    fit = least_squares(X, y)
    moved = np.array([without(i) - fit.coefficients for i in range(40)])
    np.testing.assert_allclose(fit.covariance, moved.T @ moved, rtol=1e-9, atol=1e-12)
    told = [y[i] - X[i] @ without(i) for i in range(40)]
    np.testing.assert_allclose(fit.left_out, told, rtol=1e-10)


def test_a_column_that_others_make_up_is_left_out_and_said() -> None:
    table = np.column_stack([X[:, :3], X[:, 1] - 3 * X[:, 2], np.zeros(40), X[:, 3]])
    fit = least_squares(table, y)
    assert fit.kept.tolist() == [True, True, True, False, False, True]
    expected = np.linalg.lstsq(X[:, :4], y, rcond=None)[0]
    np.testing.assert_allclose(fit.coefficients[fit.kept], expected, rtol=1e-10, atol=1e-12)
    assert np.isfinite(fit.covariance).all()


def test_values_without_noise_have_errors_of_rounding() -> None:
    c = np.array([1.0, 2.0, 0.3, -3.0, 0.5, 7.0])
    fit = least_squares(X, X @ c)
    errors = np.sqrt(np.diagonal(fit.covariance))
    assert (np.abs(fit.coefficients - c) < 4 * errors).all()
    assert errors.max() < 1e-12


@pytest.mark.parametrize("held", [0, 12])
def test_forward_selection_is_that_of_brute_force(held: int) -> None:
    """Each step tries all columns by a fit of its own."""
    draw = np.random.default_rng(1)
    table = draw.normal(size=(60, 8)) @ draw.normal(size=(8, 8)) + 5
    values = table @ draw.normal(size=8) + draw.normal(size=60)
    used = np.arange(60) >= held
    path = forward(table, values, 5, used)
    chosen: list[int] = []
    for step in range(5):
        left: dict[int, float] = {}
        for j in set(range(8)) - set(chosen):
            full = np.column_stack([np.ones(60), table[:, [*chosen, j]]])
            c = np.linalg.lstsq(full[used], values[used], rcond=None)[0]
            left[j] = float(((values - full @ c)[used] ** 2).sum())
        chosen.append(min(left, key=lambda j: left[j]))
        full = np.column_stack([np.ones(60), table[:, chosen]])
        c = np.linalg.lstsq(full[used], values[used], rcond=None)[0]
        np.testing.assert_allclose(path.residuals[step + 1], values - full @ c, atol=1e-9)
    assert list(path.order) == chosen


def test_forward_selection_ends_where_nothing_is_left() -> None:
    table = np.random.default_rng(2).normal(size=(30, 6))
    table[:, 5] = table[:, 0] + table[:, 1]
    table[:, 4] = 3.0
    assert forward(table, 2 * table[:, 2], 6).order == (2,)
    noise = np.random.default_rng(3).normal(size=30)
    order = forward(table, noise, 6).order
    assert len(order) == 4  # the constant, and one of three that make one another up, are none
    assert 4 not in order

"""Gaussians as polynomials, against scipy's densities and integrals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import dblquad
from scipy.stats import multivariate_normal

from lensmaker.core import InputError
from lensmaker.systems.polynomials import Polynomial, gaussian, gaussian_log_partition


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_hamiltonian_and_its_ln_z_are_the_density(n: int) -> None:
    rng = np.random.default_rng(n)
    mean, mixed = rng.normal(size=n), rng.normal(size=(n, 2 * n))
    covariance = mixed @ mixed.T + 0.1 * np.eye(n)
    energy = gaussian(mean, covariance)
    x = rng.normal(size=(20, n))
    found = -energy.evaluate(torch.from_numpy(x)).numpy() - gaussian_log_partition(energy)
    np.testing.assert_allclose(
        found, np.atleast_1d(multivariate_normal(mean, covariance).logpdf(x)), atol=1e-11
    )


def test_an_integral_with_linear_and_constant_terms() -> None:
    p = Polynomial.parse("x**2 - x*y + y**2 + 0.5*x - y + 0.3")
    exact, _ = dblquad(
        lambda y, x: math.exp(-(x * x - x * y + y * y + 0.5 * x - y + 0.3)), -12, 12, -12, 12, epsabs=1e-12
    )
    assert gaussian_log_partition(p) == pytest.approx(math.log(exact), abs=1e-10)


def test_units_of_variables_do_not_matter() -> None:
    scale = np.diag([1e-9, 1.0, 1e9])
    covariance = scale @ np.array([[2, 0.5, 0], [0.5, 1, 0.2], [0, 0.2, 3]]) @ scale
    assert gaussian_log_partition(gaussian(np.zeros(3), covariance)) == pytest.approx(
        1.5 * math.log(2 * math.pi) + np.linalg.slogdet(covariance)[1] / 2, abs=1e-9
    )


@pytest.mark.parametrize("text", ["x*y", "x**2", "x + y", "0"])
def test_what_is_not_positive_definite_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="positive definite"):
        gaussian_log_partition(Polynomial.parse(text, variables=("x", "y")))


def test_a_higher_degree_is_refused() -> None:
    with pytest.raises(InputError, match="degree 2, but got degree 4"):
        gaussian_log_partition(Polynomial.parse("x**4"))

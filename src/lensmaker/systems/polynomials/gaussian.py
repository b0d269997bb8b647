"""Gaussians as quadratic polynomials, and the integral of e^(−H) of a quadratic H."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lensmaker.core import InputError
from lensmaker.systems.polynomials.polynomial import Factors, Polynomial

Floats = NDArray[np.float64]


def gaussian(mean: ArrayLike, covariance: ArrayLike, variables: Sequence[str] | None = None) -> Polynomial:
    """The Hamiltonian of a normal distribution, H = ½ (x − m)ᵀ Σ⁻¹ (x − m), so that p = e^(−H)/Z.

    Parameters
    ----------
    mean, covariance
        m, shape (n,), and Σ, shape (n, n), or a number for one variable.
    variables
        Names of the x; x0, x1, … by default.

    Raises
    ------
    InputError
        If shapes do not fit, or Σ is not symmetric and positive definite.

    Examples
    --------
    >>> print(gaussian([1.0, 0.0], [[2.0, 0.0], [0.0, 0.5]]))
    0.25*x0**2 + x1**2 - 0.5*x0 + 0.25
    """
    m = np.atleast_1d(np.asarray(mean, dtype=np.float64))
    S = np.atleast_2d(np.asarray(covariance, dtype=np.float64))
    if m.ndim != 1 or S.shape != (len(m), len(m)):
        raise InputError(
            f"a covariance of shape ({len(m)}, {len(m)})", f"shape {S.shape}", "give a row for each variable"
        )
    if not (np.isfinite(m).all() and np.isfinite(S).all()):
        raise InputError("a mean and covariance that are finite", "inf or nan", "look at where they are from")
    if not np.allclose(S, S.T, rtol=1e-10, atol=0) or not _is_positive(S):
        least = float(np.linalg.eigvalsh((S + S.T) / 2).min())
        raise InputError(
            "a covariance that is symmetric and positive definite",
            f"one whose least eigenvalue is {least:.3g}"
            if np.allclose(S, S.T)
            else "one that is not symmetric",
            "add a small multiple of the identity, or drop variables that others determine",
        )
    A = np.linalg.inv((S + S.T) / 2)
    A = (A + A.T) / 2
    b = A @ m
    found: dict[Factors, float] = {(): float(m @ b) / 2}
    for i in range(len(m)):
        found[((i, 2),)] = float(A[i, i]) / 2
        found[((i, 1),)] = -float(b[i])
        for j in range(i + 1, len(m)):
            found[(i, 1), (j, 1)] = float(A[i, j])
    names = [f"x{i}" for i in range(len(m))] if variables is None else variables
    return Polynomial.of_factors(names, found)


def gaussian_log_partition(polynomial: Polynomial) -> float:
    """The logarithm of Z = ∫ e^(−H) dⁿx of a quadratic H = ½ xᵀAx + bᵀx + c: ½ [n ln 2π − ln det A + bᵀA⁻¹b] − c.

    Raises
    ------
    InputError
        If the degree is not 2, or A is not positive definite: then there is no such integral.

    Examples
    --------
    >>> H = Polynomial.parse("x**2/2 + y**2/2 - 3*y")
    >>> abs(gaussian_log_partition(H) - math.log(2 * math.pi) - 4.5) < 1e-14
    True
    """
    n = len(polynomial.variables)
    if polynomial.degree > 2:
        raise InputError("a polynomial of degree 2", f"degree {polynomial.degree}", "pass log_partitions=…")
    A, b, c = np.zeros((n, n)), np.zeros(n), 0.0
    for factors, value in zip(polynomial.factors, polynomial.coefficients.tolist(), strict=True):
        sites = [i for i, e in factors for _ in range(e)]
        if len(sites) == 2:
            A[sites[0], sites[1]] += value
            A[sites[1], sites[0]] += value
        elif sites:
            b[sites[0]] += value
        else:
            c = value
    if not _is_positive(A):
        least = float(np.linalg.eigvalsh(A).min())
        raise InputError(
            "a quadratic form that is positive definite, so that ∫ e^(−H) is finite",
            f"one whose least eigenvalue is {least:.3g}",
            "look at its signs: H grows where x is improbable",
        )
    L = np.linalg.cholesky(A)
    half = np.linalg.solve(L, b)
    return float(n * math.log(2 * math.pi) / 2 - np.log(np.diagonal(L)).sum() + half @ half / 2 - c)


def _is_positive(matrix: Floats) -> bool:
    """Whether it is positive definite, beyond rounding."""
    diagonal = np.diagonal(matrix)
    if not (diagonal > 0).all():
        return False
    scale = np.sqrt(diagonal)
    return float(np.linalg.eigvalsh(matrix / np.outer(scale, scale)).min()) > 1e-13 * len(matrix)

"""Posteriors of classes from first principles: enumeration in loops, scipy's densities, integrals on tensor grids."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

Floats = NDArray[np.float64]


def bayes(log_densities: Sequence[Floats], priors: Sequence[float]) -> Floats:
    """p(y|x) from ln p(x|y), (…, classes)."""
    joint = np.stack([d + math.log(p) for d, p in zip(log_densities, priors, strict=True)], -1)
    return np.exp(joint - logsumexp(joint, axis=-1, keepdims=True))


def torus_states(sides: int) -> Floats:
    """All configurations of sides × sides spins, row by row."""
    return np.array(list(itertools.product([1.0, -1.0], repeat=sides * sides)))


def torus_bonds(spins: Floats, sides: int) -> Floats:
    """Σ s s′ over all bonds, each site with the ones to its right and below."""
    total = np.zeros(len(spins))
    for i, j in itertools.product(range(sides), repeat=2):
        here = spins[:, i * sides + j]
        total += here * spins[:, i * sides + (j + 1) % sides]
        total += here * spins[:, ((i + 1) % sides) * sides + j]
    return total


def magnets(sides: int, temperatures: Sequence[float], priors: Sequence[float]) -> tuple[Floats, Floats]:
    """All configurations of an Ising torus, and p(y|s) of magnets at some temperatures, by enumeration."""
    spins = torus_states(sides)
    bonds = torus_bonds(spins, sides)
    return spins, bayes([bonds / T - logsumexp(bonds / T) for T in temperatures], priors)


def strip_log_partition(sides: int, T: float) -> float:
    """ln Z of a torus of sides × sides spins by its transfer matrix of 2^sides rows."""
    rows = np.array(list(itertools.product([1.0, -1.0], repeat=sides)))
    inside = (rows * np.roll(rows, 1, 1)).sum(1)
    matrix = np.exp((inside[:, None] / 2 + rows @ rows.T + inside / 2) / T)
    values = np.linalg.eigvalsh(matrix)
    return float(sides * math.log(values[-1]) + math.log(((values / values[-1]) ** sides).sum()))


def normals(
    x: Floats, means: Sequence[Floats], covariances: Sequence[Floats], priors: Sequence[float]
) -> Floats:
    """p(y|x) of normal classes, by scipy."""
    return bayes(
        [multivariate_normal(m, S).logpdf(x) for m, S in zip(means, covariances, strict=True)], priors
    )


def action(fields: Floats, mass: float, coupling: float) -> Floats:
    """S of φ⁴ on a ring, ½(Δφ)² + ½m²φ² + gφ⁴ site by site, of rows (…, n)."""
    total = np.zeros(fields.shape[:-1])
    n = fields.shape[-1]
    for r in range(n):
        here, next_one = fields[..., r], fields[..., (r + 1) % n]
        total += (next_one - here) ** 2 / 2 + mass * here**2 / 2 + coupling * here**4
    return total


def ring_log_partition(
    n: int, mass: float, coupling: float, *, reach: float = 5.0, points: int = 100
) -> float:
    """ln ∫ e^(−S) dⁿφ by Gauss and Legendre's rule on a tensor grid."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    grid = np.stack(np.meshgrid(*[reach * nodes] * n, indexing="ij"), -1)
    log_weights = sum(np.meshgrid(*[np.log(reach * weights)] * n, indexing="ij"))
    return float(logsumexp(log_weights - action(grid, mass, coupling)))

"""The best product that a hidden layer of given size can be: its outer weights projected out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.numerics.seeding import stream_seed
from lensmaker.numerics.smooth_functions import SmoothFunction, smooth_function
from lensmaker.phenomena.flattening.plan import Case

NODES = {1: 24, 2: 10, 3: 7, 4: 5}
"""Of Gauss and Legendre's rule along each axis, by n."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """What the fits of one size came to.

    Attributes
    ----------
    units
        m.
    errors
        Of each start: root mean square over the cube of what is missed, over that of the product.
    largest
        The largest miss of the best start at the nodes; the product is at most 1.
    """

    units: int
    errors: tuple[float, ...]
    largest: float

    @property
    def best(self) -> float:
        """Of all starts."""
        return min(self.errors)


def fitted(case: Case, units: int, starts: int) -> Fit:
    """Σ v_j σ(w_j·x + b_j) fitted to ∏x_i over [−1, 1]^n by variable projection, each start from weights of its own.

    For given w and b the best v is a linear least-squares problem; what it leaves is minimised over w and b by
    trust-region least squares with Kaufman's Jacobian, which leaves out how the projection's own basis turns.

    Source: G. H. Golub, V. Pereyra, SIAM J. Numer. Anal. 10 (1973) 413; L. Kaufman, BIT 15 (1975) 49.
    """
    σ = smooth_function(case.activation)
    x, root = _nodes(case.factors)
    found = [_start(case, σ, units, x, root, seed) for seed in range(starts)]
    best = min(found)
    return Fit(units, tuple(error for error, _ in found), best[1])


def _nodes(n: int) -> tuple[Array, Array]:
    """Places, (k^n, n), and the roots of their weights, which sum up to 1."""
    place, weight = np.polynomial.legendre.leggauss(NODES.get(n, 4))
    x = np.stack(np.meshgrid(*[place] * n, indexing="ij"), -1).reshape(-1, n)
    w = np.stack(np.meshgrid(*[weight / 2] * n, indexing="ij"), -1).reshape(-1, n).prod(1)
    return x, np.sqrt(w)


def _start(
    case: Case, σ: SmoothFunction, units: int, x: Array, root: Array, seed: int
) -> tuple[float, float]:
    """Relative root mean square, and largest miss."""
    from scipy.optimize import least_squares

    n, y = case.factors, x.prod(1)
    inputs = np.c_[x, np.ones(len(x))] if case.biases else x
    draw = np.random.default_rng(stream_seed(f"fits of {case.words}, {units}", seed))
    first = draw.normal(size=(units, inputs.shape[1])) * 10 ** draw.uniform(-1.0, 0.3)

    def projected(p: Array) -> tuple[Array, Array, Array]:
        """The basis of the hidden layer, the slopes of its units, and its best read-out."""
        z = torch.from_numpy(inputs @ p.reshape(units, -1).T + case.shift).requires_grad_()
        h = σ(z)
        (slope,) = torch.autograd.grad(h.sum(), z)
        columns = h.detach().numpy()
        if case.biases:
            columns = np.c_[columns, np.ones(len(x))]
        u, s, vt = np.linalg.svd(columns * root[:, None], full_matrices=False)
        kept = s > 1e-14 * s[0]
        u = u[:, kept]
        v = vt[kept].T @ ((u.T @ (y * root)) / s[kept])
        return u, slope.numpy(), v[:units]

    def left(p: Array) -> Array:
        u, _, _ = projected(p)
        return root * y - u @ (u.T @ (root * y))

    def jacobian(p: Array) -> Array:
        u, slope, v = projected(p)
        columns = (slope * v * root[:, None])[:, :, None] * inputs[:, None, :]
        flat = columns.reshape(len(x), -1)
        return -(flat - u @ (u.T @ flat))

    tolerance = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15, "max_nfev": 400}
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            done = least_squares(left, first.ravel(), jac=jacobian, **tolerance)
        except (ValueError, np.linalg.LinAlgError):  # weights that ran away
            return 1.0, 1.0
    missed = left(done.x)
    if not np.isfinite(missed).all():
        return 1.0, 1.0
    return float(np.linalg.norm(missed)) * math.sqrt(3.0) ** n, float(np.abs(missed / root).max())

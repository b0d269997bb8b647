"""Metric, drift and potential of a medium, with their errors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lensmaker.core import Convergence, Measurement, Where, quantity
from lensmaker.instruments.scattering.windows import matrix, offsets
from lensmaker.systems.fields.equations import Grid

Values = NDArray[np.float64]

AXES = "xyz"

METRIC, DRIFT, POTENTIAL = "medium_metric", "medium_drift", "medium_potential"


@dataclass(frozen=True, eq=False)
class MediumReading:
    """Coefficients of ∂_t φ = ½ g^{ij} ∂_i∂_j φ + A^i ∂_i φ + V φ that were read off a medium.

    Attributes
    ----------
    grid
        Of the fields that were seen.
    values, errors
        V, A^i and g^{ij} for i ≤ j, (quantities, points); one point where the medium is alike everywhere.
    covariance
        Of the values, (quantities, quantities), where there is one point; None else.
    misfit
        Root mean square of what the fit leaves, relative to what the field changes by.
    groups
        Of trajectories, that the errors rest on.
    instrument, convergence
        Who read, and what to do.
    """

    grid: Grid
    values: Values
    errors: Values
    covariance: Values | None
    misfit: float
    groups: int
    instrument: str
    convergence: Convergence

    @property
    def potential(self) -> Values:
        """V, (points,), 1/time."""
        return np.asarray(self.values[0])

    @property
    def drift(self) -> Values:
        """A^i, (axes, points), length/time: a bump moves by −A."""
        return np.asarray(self.values[1 : 1 + self.grid.axes])

    @property
    def metric(self) -> Values:
        """g^{ij}, (axes, axes, points), length²/time."""
        d = self.grid.axes
        found = np.zeros((d, d, self.values.shape[1]))
        for (i, j), row in zip(pairs(d), self.values[1 + d :], strict=True):
            found[i, j] = found[j, i] = row
        return found

    def measurements(self) -> list[Measurement]:
        """One for each coefficient, at each point where they differ."""
        d, (count, points) = self.grid.axes, self.values.shape
        names = [(POTENTIAL, "")] + [(DRIFT, AXES[i]) for i in range(d)]
        names += [(METRIC, AXES[i] + AXES[j]) for i, j in pairs(d)]
        places: list[tuple[tuple[str, float], ...]] = [()]
        if points > 1:
            at = [c.flatten().tolist() for c in self.grid.coordinates]
            places = [tuple(zip(AXES, where, strict=False)) for where in zip(*at, strict=True)]
        return [
            Measurement(
                quantity(names[q][0]),
                Where(names[q][1], coordinates=places[p]) if names[q][1] or places[p] else Where("medium"),
                float(self.values[q, p]),
                float(self.errors[q, p]),
                self.instrument,
                self.groups,
                self.convergence if math.isfinite(self.values[q, p]) else Convergence.NOT_FINITE,
            )
            for q in range(count)
            for p in range(points)
        ]


def pairs(axes: int) -> list[tuple[int, int]]:
    """The axes of g^{ij}, i ≤ j."""
    return [(i, j) for i in range(axes) for j in range(i, axes)]


def cumulants(kernels: Values, grid: Grid, reach: int, time: float) -> Values:
    r"""V, A^i and g^{ij} of kernels (…, taps) that act once in a time: (…, quantities).

        V τ = ln m₀,   A τ = h m₁/m₀,   g τ = h² (m₂/m₀ − m₁m₁ᵀ/m₀²)

    They are the derivatives of ln K(k) at k = 0, and add up over layers. Not a number where m₀ ≤ 0.

    Examples
    --------
    >>> cumulants(np.array([0.25, 0.5, 0.25]), Grid((8,), (1.0,)), 1, 0.5).tolist()
    [0.0, 0.0, 1.0]
    """
    z = np.array(offsets(grid.axes, reach), dtype=np.float64) * np.array(grid.spacing)
    m0 = kernels.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        m1 = kernels @ z / m0[..., None]
        m2 = np.einsum("...t,ti,tj->...ij", kernels, z, z) / m0[..., None, None]
        second = m2 - m1[..., :, None] * m1[..., None, :]
        upper = [second[..., i, j] for i, j in pairs(grid.axes)]
        found = np.stack([np.log(np.where(m0 > 0, m0, np.nan)), *np.moveaxis(m1, -1, 0), *upper], -1)
    return np.asarray(np.where(m0[..., None] > 0, found, np.nan) / time)


def local_coefficients(kernels: Tensor, grid: Grid, reach: int, time: float) -> Values:
    r"""V, A^i and g^{ij} at each point, of kernels (points, taps) that act once in a time: (quantities, points).

    The layer is a matrix G = e^{τL}; its logarithm L is read on the longest waves of the grid, of wavenumbers κ_i:

        V(x) = L 1,   A^i(x) = L sin κ_i(y − x)/κ_i,   g^{ii}(x) = L 2(1 − cos κ_i(y − x))/κ_i²,   at y = x,

    and g^{ij} from the product of two sines. Exact for an operator of second order on waves that the grid carries; of
    differences of neighbours, up to (κh)²/12.

    Examples
    --------
    >>> import torch
    >>> kernel = torch.tensor([0.05, 0.9, 0.05], dtype=torch.float64).expand(16, 3)
    >>> found = local_coefficients(kernel, Grid((16,), (1.0,)), 1, 1.0)
    >>> bool(abs(found[2] - 0.1).max() < 0.002)
    True
    """
    layer = matrix(kernels, grid, reach).numpy()
    values, vectors = np.linalg.eig(layer)
    if not np.abs(values).min() > 0:
        return np.full((1 + grid.axes + len(pairs(grid.axes)), grid.points), np.nan)
    logs = np.log(values.astype(complex)) / time

    def act(function: Values) -> Values:
        return np.asarray((vectors @ (logs * np.linalg.solve(vectors, function.astype(complex)))).real)

    waves = []
    for axis, x in enumerate(grid.coordinates):
        κ = 2 * math.pi / (grid.shape[axis] * grid.spacing[axis])
        phase = κ * x.flatten().numpy()
        waves.append((κ, np.cos(phase), np.sin(phase)))
    constant = act(np.ones(grid.points))
    drift: list[Values] = []
    second: list[Values] = []
    for κ, c, s in waves:
        drift.append((c * act(s) - s * act(c)) / κ)
    for i, j in pairs(grid.axes):
        (κ, c, s), (κj, cj, sj) = waves[i], waves[j]
        if i == j:
            second.append(2 * (constant - c * act(c) - s * act(s)) / κ**2)
        else:
            product = c * (cj * act(s * sj) - sj * act(s * cj)) - s * (cj * act(c * sj) - sj * act(c * cj))
            second.append(product / (κ * κj))
    return np.stack([constant, *drift, *second])


def spread(values: Sequence[Values]) -> Values:
    """Jackknife errors of values that leave a group out each."""
    found = np.stack(values)
    n = len(found)
    away = found - found.mean(0)
    return np.asarray(np.sqrt((n - 1) / n * (away**2).sum(0)))

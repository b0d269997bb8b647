"""Coefficients of the gradients of a field, off samples of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from lensmaker.core import Convergence, InputError, Measurement, Reference, Table
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.fields.cubic_polynomial import Floats, along, monomials
from lensmaker.instruments.fields.whittle import MISFIT_Z, Fit, fit
from lensmaker.systems.fields import AveragedFields, momenta

DIRECTIONS = {"axis": (1.0, 0.0), "diagonal": (0.5, 0.5)}
"""Squares of the components of their unit vectors."""

CHUNK = 2**22
"""Numbers that are transformed at once."""


@dataclass(frozen=True)
class FieldSpectrum(Instrument):
    r"""y_i of 1/P(q) = Σ_i y_i |q|^(2i) + …, by maximum likelihood of the waves up to q_max.

        −ln L = ½ Σ_q M [ln P(q) + I(q)/P(q)],   I(q) the mean of |φ_q|²/N² over M independent fields

    which is exact for Gaussian fields on a torus: its waves are independent. Fitted is the polynomial of q_x² and q_y²
    with the symmetries of the square up to the order `order` + 1; the last order is fitted and not told, since it takes
    up what is beyond. Errors are Fisher's, and of chance alone: where a smaller q_max moves the numbers by more, it was
    too large. The fields' own means are in the wave q = 0: do not take them off.

    Parameters
    ----------
    order
        The highest i that is told.
    q_max
        Largest |q|, in radians a site of these fields; up to π.

    Raises
    ------
    InputError
        If the order is below 0, or q_max not between 0 and π.

    Examples
    --------
    >>> from lensmaker.systems.fields import BlockAverage, GaussianField
    >>> field = BlockAverage(GaussianField(32, (0.5, 1.0)), 1)
    >>> found = FieldSpectrum(order=1, q_max=2.0).measure(field.sample(500, torch.Generator().manual_seed(0)))
    >>> [abs(m.value - y) < 3 * m.error < 0.06 for m, y in zip(found, (0.5, 1.0))]
    [True, True]
    """

    order: int = 1
    q_max: float = 1.0

    name = "field_spectrum"
    summary = "Coefficients of the gradients of a Gaussian field, by maximum likelihood of its long waves."
    quantities = ("gradient_coefficient",)
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "whittle1954",
            "P. Whittle",
            "On stationary processes in the plane",
            1954,
            "Biometrika 41, 434",
        ),
    )

    def __post_init__(self) -> None:
        if self.order < 0:
            raise InputError("an order of 0 or more", f"{self.order}", "y₀ is of order 0")
        if not 0 < self.q_max <= math.pi:
            raise InputError("a largest |q| between 0 and π", f"{self.q_max}", "1 leaves six waves a length")

    def measure(self, system: AveragedFields) -> Table[Measurement]:
        found, samples, highest = self._fit(system.fields), len(system.fields), self.order + 1
        state = _state(found)
        measured = []
        for direction, (x, y) in DIRECTIONS.items():
            for i in range(0 if direction == "axis" else 2, self.order + 1):
                weights = along(x, y, i, highest)
                value = float(weights @ found.parameters)
                error = float(weights @ found.covariance @ weights) ** 0.5
                at = system.where(direction, i)
                measured.append(self.measurement("gradient_coefficient", at, value, error, samples, state))
        return Table(measured)

    def _fit(self, fields: Tensor) -> Fit:
        side = fields.shape[-1]
        q = momenta(side).numpy()
        x, y = (part.ravel() for part in np.broadcast_arrays(q[:, None] ** 2, q[None] ** 2))
        n = np.arange(side)
        own = n[:, None] * side + n
        mirrored = (-n % side)[:, None] * side + (-n % side)
        kept = (x + y <= self.q_max**2 * (1 + 1e-12)) & (own <= mirrored).ravel()
        shape = len(fields) * np.where((own == mirrored).ravel(), 0.5, 1.0)
        terms = monomials(x[kept], y[kept], self.order + 1)
        if np.linalg.matrix_rank(terms / np.abs(terms).max(0).clip(1e-300)) < terms.shape[1]:
            raise InputError(
                f"waves that tell {terms.shape[1]} coefficients apart",
                f"{len(terms)} with |q| ≤ {self.q_max:g} on {side} × {side} sites",
                "raise q_max, lower the order or take larger fields",
            )
        return fit(_power(fields).ravel()[kept], terms, shape[kept])


def _power(fields: Tensor) -> Floats:
    """I(q), (N, N)."""
    sites = fields.shape[-1] ** 2
    total = torch.zeros(fields.shape[1:], dtype=torch.float64, device=fields.device)
    for part in fields.split(max(1, CHUNK // sites)):
        waves = torch.fft.fft2(part.double())
        total += (waves.real**2 + waves.imag**2).sum(0)
    return np.asarray((total / (sites * len(fields))).cpu().numpy())


def _state(found: Fit) -> Convergence:
    if not found.converged:
        return Convergence.ITERATION_LIMIT
    return Convergence.MISFIT if found.misfit > MISFIT_Z else Convergence.CONVERGED

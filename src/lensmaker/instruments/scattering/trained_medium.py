"""A network of some layers, trained to do what an unknown medium does; and the medium that it became."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from lensmaker.core import Convergence, InputError, Measurement, Reference, Table
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.scattering.inferred_layer import LEAST_GROUPS, InferredLayer
from lensmaker.instruments.scattering.medium_reading import (
    DRIFT,
    METRIC,
    POTENTIAL,
    MediumReading,
    Values,
    cumulants,
    local_coefficients,
)
from lensmaker.instruments.scattering.windows import Alike, applied, check_reach
from lensmaker.numerics.grouped_fits import gauss_newton
from lensmaker.systems.fields.recording import Recording

MOST_WEIGHTS = 400
"""That are trained at once: each step has a table of their squares for each group of trajectories."""


class Activation(Enum):
    """f of each layer."""

    NONE = "f(x) = x"
    TANH = "f(x) = tanh x"

    def __call__(self, x: Tensor) -> Tensor:
        return torch.tanh(x) if self is Activation.TANH else x


@dataclass(frozen=True)
class TrainedMedium(Instrument):
    r"""A convolutional network φ → f(Σ_z w(z) φ(x + z)) of L layers with the same weights, trained on pairs of looks.

    Training is least squares by Gauss and Newton's steps, from the identity. It ends at a minimum of the loss, not
    somewhere on the way, so that the spread of its weights is known: errors are what leaving out groups of trajectories
    moves them by, to first order. The medium is read off the weights, L times in an interval: by the cumulants of a
    kernel, or by the logarithm of a layer. The slope of f at 0 is 1: what is read is the medium of small fields.

    Noise in the looks that go in pulls at it as at least squares: see `InferredLayer`.

    Parameters
    ----------
    layers
        L in an interval.
    reach
        Taps at each side; the network sees L times as far.
    alike, activation
        Of the kernels, and f.

    Examples
    --------
    >>> from lensmaker.systems.fields.equations import Grid
    >>> from lensmaker.systems.fields.recording import white_starts
    >>> w = torch.tensor([0.1, 0.7, 0.2], dtype=torch.float64)
    >>> x = white_starts(Grid((16,), (1.0,)), 20, torch.Generator().manual_seed(0))
    >>> y = applied(w, applied(w, x, 1, 1).tanh(), 1, 1).tanh()
    >>> seen = Recording(Grid((16,), (1.0,)), 2.0, torch.stack([x, y], 1))
    >>> TrainedMedium(layers=2, activation=Activation.TANH).read(seen).values[:, 0].round(6).tolist()
    [0.0, 0.1, 0.29]
    """

    layers: int = 4
    reach: int = 1
    alike: Alike = Alike.EVERYWHERE
    activation: Activation = Activation.NONE

    name = "trained_medium"
    summary = "Metric, drift and potential of an unknown medium, from a convolutional network trained on it."
    quantities = (METRIC, DRIFT, POTENTIAL)
    references: ClassVar[tuple[Reference, ...]] = InferredLayer.references

    def measure(self, system: Recording) -> Table[Measurement]:
        return Table(self.read(system).measurements())

    def read(self, recording: Recording) -> MediumReading:
        """Train, and read.

        Raises
        ------
        InputError
            If there are too few trajectories, no layers, too many weights, or kernels wider than the grid.
        """
        grid = recording.grid
        check_reach(grid, self.reach)
        taps = (2 * self.reach + 1) ** grid.axes
        shape = (taps,) if self.alike is Alike.EVERYWHERE else (grid.points, taps)
        weights = int(np.prod(shape))
        if self.layers < 1 or weights > MOST_WEIGHTS or recording.trajectories < LEAST_GROUPS:
            raise InputError(
                f"a layer or more, at most {MOST_WEIGHTS} weights, and {LEAST_GROUPS} trajectories",
                f"{self.layers}, {weights} and {recording.trajectories}",
                "take fewer taps, or record more",
            )
        before = recording.fields[:, :-1].flatten(0, 1)
        after = recording.fields[:, 1:].flatten(0, 1)
        pairs = recording.looks - 1
        groups = [
            g * pairs for g in np.diff(np.arange(LEAST_GROUPS + 1) * recording.trajectories // LEAST_GROUPS)
        ]
        width = max(groups) * grid.points

        def residuals(θ: Values) -> Values:
            missed = (self.output(torch.from_numpy(θ).reshape(shape), before) - after).flatten(1)
            rows = [part.flatten() for part in missed.split(groups)]
            return np.stack([torch.nn.functional.pad(r, (0, width - len(r))).numpy() for r in rows])

        start = np.zeros(shape)
        start[..., taps // 2] = 1.0
        fit = gauss_newton(residuals, start.ravel())
        time = recording.interval / self.layers
        values = self._coefficients(fit.values, recording, time)
        slopes = np.stack(
            [
                (
                    self._coefficients(fit.values + δ, recording, time)
                    - self._coefficients(fit.values - δ, recording, time)
                )
                / 2e-5
                for δ in 1e-5 * np.eye(weights)
            ],
            -1,
        )
        spread = np.einsum("qxp,pr,qxr->qx", slopes, fit.covariance, slopes)
        covariance = slopes[:, 0] @ fit.covariance @ slopes[:, 0].T if values.shape[1] == 1 else None
        change = float((after - before).square().sum())
        misfit = float(np.sqrt((fit.residuals**2).sum() / max(change, 1e-300)))
        state = Convergence.CONVERGED if fit.converged else Convergence.ITERATION_LIMIT
        errors = np.sqrt(np.clip(spread, 0, None))
        return MediumReading(grid, values, errors, covariance, misfit, LEAST_GROUPS, self.name, state)

    def output(self, weights: Tensor, fields: Tensor) -> Tensor:
        """Of all layers."""
        for _ in range(self.layers):
            fields = self.activation(applied(weights, fields, self._axes(fields), self.reach))
        return fields

    def _axes(self, fields: Tensor) -> int:
        return fields.ndim - 1

    def _coefficients(self, θ: Values, recording: Recording, time: float) -> Values:
        if self.alike is Alike.EVERYWHERE:
            return cumulants(θ, recording.grid, self.reach, time)[:, None]
        kernels = torch.from_numpy(θ).reshape(recording.grid.points, -1)
        return local_coefficients(kernels, recording.grid, self.reach, time)

"""The medium that is alike everywhere, from what each wave is multiplied by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.core import Convergence, InputError, Measurement, Reference, Table
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.scattering.inferred_layer import LEAST_GROUPS
from lensmaker.instruments.scattering.medium_reading import (
    DRIFT,
    METRIC,
    POTENTIAL,
    MediumReading,
    Values,
    pairs,
)
from lensmaker.systems.fields.recording import Recording

Waves = NDArray[np.complex128]

FALSE_ALARM = 1e-3
"""Chance that a medium of second order is called a misfit."""


ROUNDING = 1e-13
"""Of products of waves, relative to their largest."""


class Columns(Enum):
    """What a look is weighed with."""

    LEAST_SQUARES = "the look before; noise there pulls K towards 0"
    INSTRUMENTAL = "the look before that one: noise of different looks is independent"


@dataclass(frozen=True)
class InferredSymbol(Instrument):
    r"""Metric, drift and potential of a medium that is alike everywhere, by K(k) = exp τ(V + i A·k − ½ k·g·k).

    Each wave is multiplied by K(k) from look to look. With C₁ = φ̂(t + τ) ζ̂* and C₀ = φ̂(t) ζ̂*, where ζ is φ(t) or, as
    instrument, φ(t − τ), coefficients are those with the least Σ_k |Σ_n (C₁ − K(k) C₀)|²/s²(k), s² the mean square of
    one trajectory's term: few numbers from all waves, where `InferredLayer` has a kernel that is free. With the earlier
    look as instrument, noise of the looks moves nothing on average. Waves up to `most` are used.

    Errors are those of leaving trajectories out. Where the sum is larger than chance makes it, the medium is not of
    second order, or not alike everywhere: `MISFIT`.

    Parameters
    ----------
    columns
        ζ.
    most
        Largest |k_i| h, at most π.

    Examples
    --------
    >>> from lensmaker.systems.fields.equations import Grid, advection_diffusion
    >>> from lensmaker.systems.fields.recording import recorded, white_starts
    >>> grid = Grid((16, 16), (1.0, 1.0))
    >>> starts = white_starts(grid, 30, torch.Generator().manual_seed(0))
    >>> medium = advection_diffusion(grid, velocity=(0.3, -0.2), diffusivity=[[0.2, 0.1], [0.1, 0.4]])
    >>> found = InferredSymbol(Columns.LEAST_SQUARES).read(recorded(medium, starts, 1.0, 2))
    >>> (found.values[:, 0].round(6) + 0.0).tolist()
    [0.0, -0.3, 0.2, 0.4, 0.2, 0.8]
    """

    columns: Columns = Columns.INSTRUMENTAL
    most: float = 2.0

    name = "inferred_symbol"
    summary = "Metric, drift and potential of a uniform unknown medium, from what it multiplies each wave by."
    quantities = (METRIC, DRIFT, POTENTIAL)
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "hansen1982",
            "L. P. Hansen",
            "Large Sample Properties of Generalized Method of Moments Estimators",
            1982,
            "Econometrica 50, 1029",
            "",
        ),
    )

    def measure(self, system: Recording) -> Table[Measurement]:
        return Table(self.read(system).measurements())

    def read(self, recording: Recording) -> MediumReading:
        """The coefficients.

        Raises
        ------
        InputError
            If there are too few looks, trajectories or waves.
        """
        first = 1 if self.columns is Columns.INSTRUMENTAL else 0
        if recording.looks < 2 + first or recording.trajectories < LEAST_GROUPS:
            raise InputError(
                f"{2 + first} looks or more of {LEAST_GROUPS} trajectories or more",
                f"{recording.looks} of {recording.trajectories}",
                "record more, or take least squares",
            )
        k, after, before = self._spectra(recording, first)
        design = self._design(k, recording.grid.axes) * recording.interval
        if len(k) < design.shape[1]:
            raise InputError(f"{design.shape[1]} waves or more", f"{len(k)}", "raise `most`")
        θ = self._start(k, after.sum(0), before.sum(0), recording)
        n = len(after)
        rounding = n * (ROUNDING * np.abs(after).max()) ** 2
        for _ in range(3):  # weights, then coefficients
            weights = 1 / ((np.abs(after - np.exp(design @ θ) * before) ** 2).sum(0) + rounding)
            θ, converged = _solved(θ, design, after.sum(0), before.sum(0), weights)
        K, root = np.exp(design @ θ), np.sqrt(weights)
        terms = (after - K * before) * root
        each = np.concatenate([terms.real, terms.imag], 1)
        slope = -design * (K * before.sum(0) * root)[:, None]
        pull = np.linalg.pinv(np.concatenate([slope.real, slope.imag]))
        moved = (each - each.mean(0)) @ pull.T
        floor = np.tile(weights * rounding, 2)
        covariance = n / (n - 1) * moved.T @ moved + (pull * floor) @ pull.T
        left, spread = each.sum(0), (each**2).sum(0) + floor
        state = self._state(left**2 / spread, design.shape[1], converged)
        misfit = float(np.abs(left).max())
        errors = np.sqrt(np.diagonal(covariance))
        return MediumReading(
            recording.grid, θ[:, None], errors[:, None], covariance, misfit, n, self.name, state
        )

    def _spectra(self, recording: Recording, first: int) -> tuple[Values, Waves, Waves]:
        """Wave vectors (K, d), one of each pair ±k, and C₁ and C₀ of each trajectory, (N, K)."""
        grid = recording.grid
        waves = torch.fft.fftn(recording.fields, dim=tuple(range(2, 2 + grid.axes))).flatten(2).numpy()
        phases = [2 * math.pi * np.fft.fftfreq(n) for n in grid.shape]
        kh = np.stack([p.ravel() for p in np.meshgrid(*phases, indexing="ij")], -1)
        whole = np.rint(kh * np.array(grid.shape) / (2 * math.pi))
        first_one = np.take_along_axis(whole, np.argmax(whole != 0, 1)[:, None], 1)[:, 0]
        used = (first_one >= 0) & (np.abs(kh) <= min(self.most, math.pi - 1e-9) + 1e-12).all(1)
        waves = waves[:, :, used]
        seen = waves[:, : waves.shape[1] - 1 - first].conj() if first else waves[:, :-1].conj()
        after = (waves[:, 1 + first :] * seen).sum(1)
        before = (waves[:, first:-1] * seen).sum(1)
        return kh[used] / np.array(grid.spacing), after, before

    @staticmethod
    def _design(k: Values, axes: int) -> Waves:
        """Columns of V, A^i and g^{ij} in ln K/τ."""
        second = np.stack([-(0.5 if i == j else 1.0) * k[:, i] * k[:, j] for i, j in pairs(axes)], -1)
        return np.concatenate([np.ones((len(k), 1)), 1j * k, second], 1)

    def _start(self, k: Values, after: Waves, before: Waves, recording: Recording) -> Values:
        """From the longest waves, whose phases have not gone round."""
        size = np.abs(
            k * np.array(recording.grid.spacing) * np.array(recording.grid.shape) / (2 * math.pi)
        ).max(1)
        long = size < 1.5
        design = self._design(k[long], recording.grid.axes)
        logs = np.log(np.where(before[long] == 0, 1, after[long] / before[long]) + 0j) / recording.interval
        both = np.concatenate([design.real, design.imag])
        return np.asarray(np.linalg.lstsq(both, np.concatenate([logs.real, logs.imag]), rcond=None)[0])

    @staticmethod
    def _state(squares: Values, coefficients: int, converged: bool) -> Convergence:
        """By the sum of squares of deviations in units of their own spread; of the mean wave there is no sine."""
        from scipy.stats import chi2

        if not converged:
            return Convergence.ITERATION_LIMIT
        counted = squares > 0
        free = int(counted.sum()) - coefficients
        total = float(squares.sum())
        return (
            Convergence.MISFIT if free > 0 and total > chi2.isf(FALSE_ALARM, free) else Convergence.CONVERGED
        )


def _solved(θ: Values, design: Waves, after: Waves, before: Waves, weights: Values) -> tuple[Values, bool]:
    """The least Σ w |C₁ − e^{design·θ} C₀|², by damped steps."""
    root = np.sqrt(weights)

    def missed(θ: Values) -> Waves:
        with np.errstate(over="ignore"):
            return np.asarray(
                root
                * (after - np.exp(np.clip((design @ θ).real, -700, 300) + 1j * (design @ θ).imag) * before)
            )

    r = missed(θ)
    size, damping = float((np.abs(r) ** 2).sum()), 0.0
    for _ in range(100):
        J = design * (r - root * after)[:, None]
        H, g = (J.conj().T @ J).real, (J.conj().T @ r).real
        Δ = -np.linalg.lstsq(H + damping * np.diag(np.diagonal(H)), g, rcond=1e-14)[0]
        if abs(float(g @ Δ)) <= 1e-12 * size + 1e-300:
            return θ, True
        new = missed(θ + Δ)
        if (total := float((np.abs(new) ** 2).sum())) < size:
            θ, r, size, damping = θ + Δ, new, total, damping / 10
        elif damping > 1e8:
            return θ, abs(float(g @ Δ)) <= 1e-6 * size
        else:
            damping = max(10 * damping, 1e-3)
    return θ, False

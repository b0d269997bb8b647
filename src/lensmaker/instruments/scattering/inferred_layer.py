"""The kernel of an unknown linear layer from what goes in and what comes out, and the medium that it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from lensmaker.core import Convergence, InputError, Measurement, Reference, Table
from lensmaker.core.bibliography import LONG_2018
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.scattering.medium_reading import (
    DRIFT,
    METRIC,
    POTENTIAL,
    MediumReading,
    Values,
    cumulants,
    local_coefficients,
    spread,
)
from lensmaker.instruments.scattering.windows import Alike, check_reach, windows
from lensmaker.numerics.grouped_fits import covariance_of, leave_out
from lensmaker.systems.fields.recording import Recording

LEAST_GROUPS = 20
"""Groups of trajectories that errors rest on; each point's kernel has this many, of trajectories in a row."""

MOST_POINTS = 1024
"""That may have kernels of their own: the layer is a matrix on them."""

CONDITION = 1e12
"""Of the normal matrix: beyond, the inputs do not tell the taps apart."""


@dataclass(frozen=True)
class InferredLayer(Instrument):
    r"""A linear layer φ(t + τ, x) = Σ_z w(z) φ(t, x + z), fitted; and metric, drift and potential of its equation.

    With X the windows of φ(t) and y = φ(t + τ), w = (XᵀX − nσ²)⁻¹Xᵀy for n rows. Noise of size σ in φ(t) makes plain
    least squares too small by a factor S/(S + σ²), and worse so for short waves: a false diffusion. Where σ is known,
    its share of XᵀX is taken off, which is right on average for many rows as long as the signal S of each wave is well
    above it. Where it is not known, `InferredSymbol` needs it not, for a medium that is alike everywhere.

    One kernel is read by its cumulants, which are exact for any kernel that the taps hold. A kernel for each point is
    read off the logarithm of the layer. Errors are those of leaving out one trajectory after the other (of kernels at
    points: one of 20 groups): they hold for residuals that are correlated within a trajectory.

    Parameters
    ----------
    reach
        Taps at each side.
    alike
        One kernel, or one for each point.
    noise
        σ, the standard deviation of independent noise at each point and look; 0 for none.

    Examples
    --------
    >>> from lensmaker.systems.fields.equations import Grid, advection_diffusion
    >>> from lensmaker.systems.fields.recording import recorded, white_starts
    >>> grid = Grid((32,), (1.0,))
    >>> starts = white_starts(grid, 40, torch.Generator().manual_seed(0), smooth=0.5)
    >>> seen = recorded(advection_diffusion(grid, velocity=(0.5,), diffusivity=0.7), starts, 1.0, 2)
    >>> found = InferredLayer(reach=9).read(seen)
    >>> found.drift.round(3).tolist(), found.metric.round(2).tolist()
    ([[-0.5]], [[[1.4]]])
    """

    reach: int = 5
    alike: Alike = Alike.EVERYWHERE
    noise: float = 0.0

    name = "inferred_layer"
    summary = "Metric, drift and potential of an unknown linear medium, from a kernel fitted to its input and output."
    quantities = (METRIC, DRIFT, POTENTIAL)
    references: ClassVar[tuple[Reference, ...]] = (
        LONG_2018,
        Reference(
            "efron1982",
            "B. Efron",
            "The Jackknife, the Bootstrap and Other Resampling Plans",
            1982,
            "SIAM",
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
            If the kernel is wider than the grid, there is no such noise, or too few trajectories or too many points.
        """
        grid = recording.grid
        check_reach(grid, self.reach)
        if not 0 <= self.noise < float(recording.fields.std()):
            raise InputError(
                "noise from 0 to the size of the fields", f"{self.noise:g}", "pass its standard deviation"
            )
        if recording.trajectories < LEAST_GROUPS:
            raise InputError(
                f"{LEAST_GROUPS} trajectories or more, that errors rest on",
                f"{recording.trajectories}",
                "record more",
            )
        return self._everywhere(recording) if self.alike is Alike.EVERYWHERE else self._at_points(recording)

    def kernels(self, recording: Recording) -> tuple[Values, Values]:
        """Weights w of all trajectories, and without each group in turn: (…, taps) and (groups, …, taps)."""
        normal, right, _ = self._normal(recording)
        return leave_out(normal, right)

    def _columns(self, fields: Tensor, axes: int) -> tuple[Tensor, Tensor]:
        return windows(fields[:, :-1], axes, self.reach), fields[:, 1:].flatten(2)

    def _normal(self, recording: Recording) -> tuple[Values, Values, bool]:
        """XᵀX − nσ² and Xᵀy of each group, and whether they tell the taps apart."""
        axes, points = recording.grid.axes, recording.grid.points
        everywhere = self.alike is Alike.EVERYWHERE
        taps = (2 * self.reach + 1) ** axes
        groups = recording.trajectories if everywhere else LEAST_GROUPS
        where = np.arange(recording.trajectories) * groups // recording.trajectories
        shape = (groups,) if everywhere else (groups, points)
        normal, right = torch.zeros(*shape, taps, taps).double(), torch.zeros(*shape, taps).double()
        sums = "nlxp,nlxq->npq" if everywhere else "nlxp,nlxq->nxpq"
        part = max(1, 2**24 // (points * taps * recording.looks))
        at = torch.from_numpy(where)
        for some, index in zip(recording.fields.split(part), at.split(part), strict=True):
            X, y = self._columns(some, axes)
            noise = (
                self.noise**2
                * (X[0, ..., 0].numel() if everywhere else X.shape[1])
                * torch.eye(taps).double()
            )
            normal.index_add_(0, index, torch.einsum(sums, X, X) - noise)
            right.index_add_(0, index, torch.einsum(sums[:-1].replace("nlxq", "nlx"), X, y))
        total = normal.sum(0)
        told = bool((torch.linalg.cond(total) < CONDITION).all())
        return normal.numpy(), right.numpy(), told

    def _misfit(self, recording: Recording, kernel: Values) -> float:
        X, y = self._columns(recording.fields[:200], recording.grid.axes)
        w = torch.from_numpy(kernel)
        missed = y - (X @ w if w.ndim == 1 else (X * w).sum(-1))
        change = y - X[..., X.shape[-1] // 2]
        return float((missed.square().mean() / change.square().mean().clamp(min=1e-300)).sqrt())

    def _everywhere(self, recording: Recording) -> MediumReading:
        grid, τ = recording.grid, recording.interval
        normal, right, told = self._normal(recording)
        whole, without = leave_out(normal, right)
        values = cumulants(whole, grid, self.reach, τ)
        covariance = covariance_of(cumulants(without, grid, self.reach, τ))
        state = Convergence.CONVERGED if told else Convergence.INDISTINCT
        errors = np.sqrt(np.diagonal(covariance))
        return MediumReading(
            grid,
            values[:, None],
            errors[:, None],
            covariance,
            self._misfit(recording, whole),
            len(normal),
            self.name,
            state,
        )

    def _at_points(self, recording: Recording) -> MediumReading:
        grid, τ = recording.grid, recording.interval
        taps = (2 * self.reach + 1) ** grid.axes
        rows = recording.trajectories * (recording.looks - 1) * (LEAST_GROUPS - 1) // LEAST_GROUPS
        if grid.points > MOST_POINTS or rows < 2 * taps:
            raise InputError(
                f"at most {MOST_POINTS} points, and twice as many pairs of looks as the {taps} taps",
                f"{grid.points} points and {rows} pairs",
                "take a smaller reach, more trajectories, or one kernel for all points",
            )
        normal, right, told = self._normal(recording)
        whole, without = leave_out(normal, right)
        values = local_coefficients(torch.from_numpy(whole), grid, self.reach, τ)
        others = [local_coefficients(torch.from_numpy(w), grid, self.reach, τ) for w in without]
        state = Convergence.CONVERGED if told else Convergence.INDISTINCT
        return MediumReading(
            grid, values, spread(others), None, self._misfit(recording, whole), LEAST_GROUPS, self.name, state
        )

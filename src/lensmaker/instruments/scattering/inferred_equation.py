"""The coefficients of a field equation, from trajectories, by solving it from their first looks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from lensmaker.core import Convergence, InputError, Measurement, Reference, Table, Where
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.scattering.medium_reading import DRIFT, METRIC, POTENTIAL
from lensmaker.numerics.grouped_fits import GroupedFit, Values, gauss_newton
from lensmaker.numerics.resampling import Estimate
from lensmaker.systems.fields.recording import Recording

SELF_ADVECTION = "self_advection"

LEAST = 5
"""Trajectories that errors rest on."""

COURANT = 0.5
"""Points of the finer grid that the field moves by in a step."""


class Term(Enum):
    """A term of ∂_t φ, by the quantity that is its coefficient."""

    SELF_ADVECTION = SELF_ADVECTION
    METRIC = METRIC
    DRIFT = DRIFT
    POTENTIAL = POTENTIAL

    @property
    def where(self) -> Where:
        """Which component."""
        return Where({"medium_metric": "xx", "medium_potential": "medium"}.get(self.value, "x"))


@dataclass(frozen=True, eq=False)
class EquationFit:
    """What was found.

    Attributes
    ----------
    terms
        Term → coefficient, with its error.
    fit
        Of the coefficients in that order.
    refinement
        What twice as many points and steps would move each coefficient by; contained in the errors.
    misfit
        Root mean square of what is left, relative to what the fields change by.
    """

    terms: Mapping[Term, Estimate]
    fit: GroupedFit
    refinement: Values
    misfit: float


@dataclass(frozen=True)
class InferredEquation(Instrument):
    r"""Coefficients of ∂_t φ = c φ ∂φ + ½ g ∂²φ + A ∂φ + V φ on a line, by solving it from each first look.

    A solver of so many steps is a deep network whose layers share their few weights; it is trained by Gauss and
    Newton's steps. The field goes on between the points of the recording as the sum of its waves, on a grid that is
    `refine` times finer, where products of waves have room: what falls between the points is not lost, and coefficients
    are right where differences of looks, or derivatives on the points, would not be. It asks for first looks whose
    waves are all on the recording's grid, and that have no noise.

    Errors are from leaving trajectories out, and from what twice the points and steps would change.

    Parameters
    ----------
    terms
        That are fitted; others are 0.
    refine
        Points for each one of the recording.

    Examples
    --------
    >>> from lensmaker.systems.fields.equations import Grid, advection_diffusion
    >>> from lensmaker.systems.fields.recording import recorded, white_starts
    >>> grid = Grid((32,), (1.0,))
    >>> starts = white_starts(grid, 10, torch.Generator().manual_seed(0))
    >>> seen = recorded(advection_diffusion(grid, velocity=(0.5,), diffusivity=0.7), starts, 1.0, 3)
    >>> found = InferredEquation((Term.METRIC, Term.DRIFT), refine=1).fit(seen)
    >>> [round(e.value, 6) for e in found.terms.values()]
    [1.4, -0.5]
    """

    terms: tuple[Term, ...] = (Term.SELF_ADVECTION, Term.METRIC, Term.DRIFT, Term.POTENTIAL)
    refine: int = 8

    name = "inferred_equation"
    summary = "Coefficients of an unknown field equation on a line, by solving it from the first looks to the others."
    quantities = (SELF_ADVECTION, METRIC, DRIFT, POTENTIAL)
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "bock1983",
            "H. G. Bock",
            "Recent advances in parameter identification techniques for O.D.E.",
            1983,
            "Numerical Treatment of Inverse Problems, Birkhäuser, 95",
            "",
        ),
    )

    def __post_init__(self) -> None:
        if not self.terms or len(set(self.terms)) < len(self.terms) or self.refine < 1:
            raise InputError(
                "different terms, and a refinement from 1", f"{self.terms}, {self.refine}", "leave them out"
            )

    def measure(self, system: Recording) -> Table[Measurement]:
        found = self.fit(system)
        state = Convergence.CONVERGED if found.fit.converged else Convergence.ITERATION_LIMIT
        return Table(
            [
                self.measurement(term.value, term.where, *estimate, system.trajectories, state)
                for term, estimate in found.terms.items()
            ]
        )

    def fit(self, recording: Recording) -> EquationFit:
        """The coefficients.

        Raises
        ------
        InputError
            If the recording is not on a line, or there are too few trajectories.
        """
        if recording.grid.axes != 1:
            raise InputError("a recording on a line", f"{recording.grid}", "take InferredLayer")
        if recording.trajectories < LEAST:
            raise InputError(f"{LEAST} trajectories or more", f"{recording.trajectories}", "record more")
        seen = recording.fields[:, 1:].flatten(1).numpy()

        def residuals(θ: Values, refine: int = self.refine) -> Values:
            found = self.solved(θ, recording, refine).flatten(1).numpy()
            return np.nan_to_num(found - seen, nan=1e6, posinf=1e6, neginf=-1e6)

        start = np.array([0.01 * recording.grid.spacing[0] ** 2 * (t is Term.METRIC) for t in self.terms])
        fit = gauss_newton(residuals, start)
        finer = residuals(fit.values, 2 * self.refine) - fit.residuals
        refinement = fit.pull @ finer.ravel()
        errors = np.hypot(fit.errors, refinement)
        change = recording.fields[:, 1:] - recording.fields[:, :1]
        misfit = math.sqrt(float((fit.residuals**2).mean()) / max(float(change.square().mean()), 1e-300))
        pairs = zip(self.terms, fit.values, errors, strict=True)
        return EquationFit({t: Estimate(float(v), float(e)) for t, v, e in pairs}, fit, refinement, misfit)

    def solved(self, θ: Values, recording: Recording, refine: int) -> Tensor:
        """φ at all looks but the first, (trajectories, looks − 1, points), by Runge and Kutta's fourth order."""
        (n,), (h,) = recording.grid.shape, recording.grid.spacing
        value = dict.fromkeys(Term, 0.0) | dict(zip(self.terms, map(float, θ), strict=True))
        points = n * refine
        k = 2 * torch.pi * torch.fft.rfftfreq(points, h / refine, dtype=torch.float64)
        waves = torch.zeros(recording.trajectories, len(k), dtype=torch.complex128)
        coarse = torch.fft.rfft(recording.fields[:, 0]) * refine
        if n % 2 == 0 and refine > 1:
            coarse[:, -1] /= 2  # the shortest wave goes up as well as down the line
        waves[:, : coarse.shape[1]] = coarse
        symbol = torch.complex(value[Term.POTENTIAL] - value[Term.METRIC] * k**2 / 2, value[Term.DRIFT] * k)
        if n % 2 == 0 and refine == 1:
            symbol[-1] = symbol[-1].real + 0j
        c, τ = value[Term.SELF_ADVECTION], recording.interval
        fastest = float(recording.fields.abs().max()) * max(abs(c), 1.0)
        steps = (
            max(1, math.ceil(τ * fastest * refine / (COURANT * h)))
            if Term.SELF_ADVECTION in self.terms
            else 1
        )
        step = τ / steps
        slope = 0.5j * c * k * (torch.arange(len(k)) < points / 3)

        def rate(waves: Tensor) -> Tensor:
            field = torch.fft.irfft(waves, n=points)
            return slope * torch.fft.rfft(field * field)

        half = torch.exp(symbol * (step / 2))
        whole, looks = half * half, []
        for _ in range(recording.looks - 1):
            for _ in range(steps):
                if c == 0:
                    waves = whole * waves
                    continue
                a = rate(waves) * step
                b = rate(half * (waves + a / 2)) * step
                d = rate(half * waves + b / 2) * step
                e = rate(whole * waves + half * d) * step
                waves = whole * (waves + a / 6) + half * (b + d) / 3 + e / 6
            looks.append(torch.fft.irfft(waves, n=points)[:, ::refine])
        return torch.stack(looks, 1)

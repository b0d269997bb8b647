"""Media that are known, what comes out of them, and what is read of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensmaker.instruments.scattering import Alike, Columns, InferredLayer, InferredSymbol, TrainedMedium
from lensmaker.instruments.scattering.windows import applied
from lensmaker.numerics.seeding import stream
from lensmaker.phenomena.inverse_scattering.plan import Plan
from lensmaker.systems.fields.equations import Grid, advection_diffusion
from lensmaker.systems.fields.recording import Recording, recorded, white_starts

NAMES = ("potential", "drift", "metric")

Values = NDArray[np.float64]

OTHERS = 50
"""Media that were not there, for each that was."""


def uniform(plan: Plan, seed: int) -> dict[str, Any]:
    """Slopes of what is read on what is there, over media that are alike everywhere, and the spread of z."""
    generator = stream("uniform media", seed)
    grid = Grid((plan.points,), (0.5,))
    found: dict[str, list[Values]] = {}
    truths: list[Values] = []
    for _ in range(plan.media):
        V, u, D = _drawn(generator)
        truths.append(np.array([V, -u, 2 * D]))
        medium = advection_diffusion(grid, velocity=(u,), diffusivity=D, potential=V)
        clean = recorded(medium, white_starts(grid, plan.trajectories, generator), 1.0, plan.looks)
        noisy = clean.noisy(plan.noise, generator)
        earlier = InferredSymbol().read(noisy)
        _add(found, "earlier look", earlier.values[:, 0])
        _add(found, "z", (earlier.values[:, 0] - truths[-1]) / earlier.errors[:, 0])
        _add(found, "least squares", InferredSymbol(Columns.LEAST_SQUARES).read(noisy).values[:, 0])
        _add(found, "backwards", InferredSymbol().read(noisy.backwards()).values[:, 0])
        _add(found, "network", TrainedMedium(plan.layers, reach=2).read(clean.first(30, 2)).values[:, 0])
    truth = np.array(truths)
    slopes = {
        name: dict(zip(NAMES, _slopes(np.array(read), truth), strict=True))
        for name, read in found.items()
        if name != "z"
    }
    return slopes | {"z": dict(zip(NAMES, np.square(found["z"]).mean(0).tolist(), strict=True))}


def told(plan: Plan, seed: int) -> dict[str, float]:
    """Share of the variance of looks that were held out, which a network tells that was trained on others."""
    generator = stream("networks that tell", seed)
    grid = Grid((plan.points,), (0.5,))
    V, u, D = _drawn(generator)
    medium = advection_diffusion(grid, velocity=(u,), diffusivity=D, potential=V)
    clean = recorded(medium, white_starts(grid, 2 * plan.trajectories, generator), 1.0, 2)
    half, test = clean.first(plan.trajectories), clean.fields[plan.trajectories :]
    return {
        "pairs": _share(half, test),
        "shuffled pairs": _share(half.shuffled(generator), test),
    }


def inhomogeneous(plan: Plan, seed: int) -> dict[str, Any]:
    """A medium that differs from point to point: what is there and what is read, and slopes of the one on the other.

    As control, the mean slope on media that were not there.
    """
    generator = stream("media that differ from point to point", seed)
    grid = Grid((plan.points,), (0.5,))
    V, u, D = _profile(grid, seed)
    medium = advection_diffusion(grid, velocity=(u,), diffusivity=D, potential=V)
    starts = white_starts(grid, plan.inhomogeneous, generator, smooth=0.5)
    seen = recorded(medium, starts, 1.0, 2)
    reading = InferredLayer(reach=8, alike=Alike.NOWHERE).read(seen)
    truth = np.stack([V.numpy(), -u.numpy(), 2 * D.numpy()])
    others = []
    for another in range(OTHERS):
        V, u, D = _profile(grid, 1000 + OTHERS * seed + another)
        other = np.stack([V.numpy(), -u.numpy(), 2 * D.numpy()])
        others.append(_deviations(reading.values, other))
    return {
        "truth": truth.tolist(),
        "read": reading.values.tolist(),
        "errors": reading.errors.tolist(),
        "slopes": dict(zip(NAMES, _deviations(reading.values, truth), strict=True)),
        "another medium": dict(zip(NAMES, np.mean(others, 0).tolist(), strict=True)),
    }


def _drawn(generator: torch.Generator) -> tuple[float, float, float]:
    """V in ±0.1, u in ±0.4, D in 0.1 … 0.3."""
    a, b, c = torch.rand(3, generator=generator, dtype=torch.float64).tolist()
    return 0.2 * a - 0.1, 0.8 * b - 0.4, 0.1 + 0.2 * c


def _profile(grid: Grid, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """The same, along the line: a mean and the two longest waves with random phases."""
    generator = stream("profiles", seed)
    x = 2 * math.pi * grid.positions(0) / (grid.points * grid.spacing[0])

    def wavy(middle: float, size: float) -> Tensor:
        phases = 2 * math.pi * torch.rand(2, generator=generator, dtype=torch.float64)
        return middle + size * (torch.cos(x + phases[0]) + 0.5 * torch.cos(2 * x + phases[1]))

    return wavy(0.0, 0.06), wavy(0.1, 0.1), wavy(0.25, 0.06)


def _add(found: dict[str, list[Values]], name: str, values: Values) -> None:
    found.setdefault(name, []).append(values)


def _slopes(read: Values, truth: Values) -> list[float]:
    """Through the origin, for each column."""
    return [float(s) for s in (read * truth).sum(0) / (truth**2).sum(0)]


def _deviations(read: Values, truth: Values) -> list[float]:
    """Of deviations from the mean along the line, for each row."""
    away = truth - truth.mean(1, keepdims=True)
    return [float(s) for s in (read * away).sum(1) / (away**2).sum(1)]


def _share(trained_on: Recording, test: Tensor) -> float:
    """1 − Σ(φ − φ̂)²/Σφ² of the second look, by a kernel of eleven taps."""
    instrument = InferredLayer(reach=5)
    kernel = torch.from_numpy(instrument.kernels(trained_on)[0])
    missed = test[:, 1] - applied(kernel, test[:, 0], 1, instrument.reach)
    return 1 - float(missed.square().sum() / test[:, 1].square().sum())

"""Coefficients by solving: Cole and Hopf's solution of Burgers' equation, the recorded data, and planted wrongs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lensmaker.core import InputError
from lensmaker.data import burgers
from lensmaker.instruments.scattering import InferredEquation, Term
from lensmaker.systems.fields.equations import Grid
from lensmaker.systems.fields.recording import Recording

BOTH = (Term.SELF_ADVECTION, Term.METRIC)


def cole_hopf(ν: float, amplitudes: np.ndarray, times: list[float], points: int) -> Recording:
    """u = −2ν θ_x/θ with θ_t = ν θ_xx, θ = 1 + a e^{−νt} cos x + b e^{−4νt} sin 2x."""
    grid = Grid.of_length((points,), (2 * math.pi,))
    x = grid.positions(0).numpy()
    looks = []
    for t in times:
        a = amplitudes[:, :1] * math.exp(-ν * t)
        b = amplitudes[:, 1:] * math.exp(-4 * ν * t)
        θ = 1 + a * np.cos(x) + b * np.sin(2 * x)
        looks.append(-2 * ν * (-a * np.sin(x) + 2 * b * np.cos(2 * x)) / θ)
    return Recording(grid, times[1] - times[0], torch.from_numpy(np.stack(looks, 1)))


def amplitudes(n: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.2, 0.2, size=(n, 2))


def test_burgers_equation_from_its_closed_solution() -> None:
    recording = cole_hopf(0.5, amplitudes(12), [0.0, 0.3, 0.6], 32)
    found = InferredEquation(refine=2).fit(recording)
    values = {t: e.value for t, e in found.terms.items()}
    assert found.fit.converged
    assert values[Term.SELF_ADVECTION] == pytest.approx(-1, abs=1e-6)
    assert values[Term.METRIC] == pytest.approx(1.0, abs=1e-6)
    assert values[Term.DRIFT] == pytest.approx(0, abs=1e-6)
    assert values[Term.POTENTIAL] == pytest.approx(0, abs=1e-6)
    assert found.misfit < 1e-6


def test_time_in_another_unit_scales_both() -> None:
    """Looks that are called 5 % longer apart: both coefficients 5 % smaller."""
    right = cole_hopf(0.5, amplitudes(12), [0.0, 0.3, 0.6], 32)
    found = InferredEquation(BOTH, refine=2).fit(Recording(right.grid, 0.3 * 1.05, right.fields))
    assert found.terms[Term.SELF_ADVECTION].value == pytest.approx(-1 / 1.05, abs=1e-6)
    assert found.terms[Term.METRIC].value == pytest.approx(1 / 1.05, abs=1e-6)


def test_recorded_burgers_has_the_viscosity_that_its_file_states() -> None:
    """Errors within four of their own, and small: 1e-4 of the advection, 1e-3 of the viscosity."""
    data = burgers()
    waves = torch.fft.rfft(data.fields[:, 0]).abs()
    resolved = waves[:, 7] < 1e-3 * waves.amax(1)
    recording = Recording(Grid((16,), (data.spacing,)), data.interval, data.fields[resolved][:40, :4])
    found = InferredEquation(BOTH, refine=4).fit(recording)
    advection, metric = found.terms[Term.SELF_ADVECTION], found.terms[Term.METRIC]
    assert abs(advection.value + 1) < 4 * advection.error < 8e-4
    assert abs(metric.value - 2 * data.viscosity) < 4 * metric.error < 2e-4


def test_a_coarse_grid_shows_in_the_refinement() -> None:
    """With no room for products of waves the solver is off by many errors of the trajectories, and says by how much."""
    recording = cole_hopf(0.05, 2.2 * amplitudes(12), [0.0, 2.0, 4.0], 16)
    coarse = InferredEquation(BOTH, refine=1).fit(recording)
    off = abs(coarse.terms[Term.SELF_ADVECTION].value + 1)
    assert off > 4 * coarse.fit.errors[0]
    assert off < 2 * coarse.terms[Term.SELF_ADVECTION].error


def test_bad_input() -> None:
    line = cole_hopf(0.5, amplitudes(6), [0.0, 0.3], 16)
    with pytest.raises(InputError, match="different terms"):
        InferredEquation((Term.METRIC, Term.METRIC))
    with pytest.raises(InputError, match="5 trajectories or more, but got 4"):
        InferredEquation().fit(line.first(4))
    square = Recording(Grid((4, 4), (1.0, 1.0)), 1.0, torch.zeros(6, 2, 4, 4))
    with pytest.raises(InputError, match="a recording on a line"):
        InferredEquation().fit(square)

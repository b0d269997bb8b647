"""Kernels of unknown layers: recovered exactly, their media against solutions, noise and coverage, planted errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.linalg import expm

from lensmaker.core import Convergence, InputError
from lensmaker.instruments.scattering import Alike, InferredLayer
from lensmaker.instruments.scattering.medium_reading import cumulants, local_coefficients
from lensmaker.instruments.scattering.windows import matrix
from lensmaker.systems.fields.equations import Boundary, Grid, advection_diffusion
from lensmaker.systems.fields.recording import Recording, recorded, white_starts

LINE = Grid((24,), (0.5,))


def white(grid: Grid, n: int, seed: int) -> torch.Tensor:
    return torch.randn(n, *grid.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def seen_through(kernel: np.ndarray, n: int = 30, seed: int = 0) -> Recording:
    """A kernel of odd size on a periodic square or line, by an explicit sum."""
    grid = Grid((24,), (0.5,)) if kernel.ndim == 1 else Grid((9, 7), (1.0, 0.5))
    x = white(grid, n, seed)
    y = torch.zeros_like(x)
    reach = kernel.shape[0] // 2
    for index, w in np.ndenumerate(kernel):
        for at in np.ndindex(*grid.shape):
            source = tuple((a + i - reach) % s for a, i, s in zip(at, index, grid.shape, strict=True))
            y[(slice(None), *at)] += float(w) * x[(slice(None), *source)]
    return Recording(grid, 2.0, torch.stack([x, y], 1))


@pytest.mark.parametrize("shape", [(5,), (3, 3)])
def test_a_kernel_is_recovered(shape: tuple[int, ...]) -> None:
    kernel = np.random.default_rng(1).normal(size=shape)
    recording = seen_through(kernel)
    whole, without = InferredLayer(reach=shape[0] // 2).kernels(recording)
    assert np.allclose(whole, kernel.ravel(), atol=1e-12)
    assert np.allclose(without, kernel.ravel(), atol=1e-12)


def test_moments_by_hand() -> None:
    """w = (1, 2, 5)/10 ahead by one: m₀ = 0.8, mean 0.5, second moment 0.75."""
    found = cumulants(np.array([0.1, 0.2, 0.5]), Grid((8,), (0.5,)), 1, 2.0)
    assert found.tolist() == pytest.approx([math.log(0.8) / 2, 0.5 * 0.5 / 2, 0.25 * (0.75 - 0.25) / 2])
    assert np.isnan(cumulants(np.array([0.1, -0.3, 0.1]), Grid((8,), (0.5,)), 1, 2.0)).all()


def test_drift_points_where_it_should_on_each_axis() -> None:
    """A kernel that looks ahead on the first axis: the bump moves back, and A is the first axis's alone."""
    kernel = np.zeros((3, 3))
    kernel[2, 1] = 1.0
    found = InferredLayer(reach=1).read(seen_through(kernel))
    assert found.drift[:, 0] == pytest.approx([1.0 / 2, 0.0], abs=1e-12)
    kernel = np.zeros((3, 3))
    kernel[1, 2] = 1.0
    found = InferredLayer(reach=1).read(seen_through(kernel))
    assert found.drift[:, 0] == pytest.approx([0.0, 0.5 / 2], abs=1e-12)


def test_a_medium_that_is_solved_is_read_off_its_kernel() -> None:
    grid = Grid((32,), (0.5,))
    equation = advection_diffusion(grid, velocity=(0.3,), diffusivity=0.3, potential=-0.1)
    recording = recorded(equation, white_starts(grid, 30, torch.Generator().manual_seed(0)), 1.0, 2)
    found = InferredLayer(reach=8).read(recording)
    assert found.values[:, 0] == pytest.approx([-0.1, -0.3, 0.6], abs=2e-3)
    assert found.convergence is Convergence.CONVERGED


def medium_on_a_line() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    k = 2 * torch.pi / (LINE.points * 0.5)
    x = LINE.positions(0)
    return 0.3 + 0.1 * torch.sin(k * x), 0.3 + 0.05 * torch.cos(k * x), -0.1 + 0.05 * torch.sin(2 * k * x)


def generator_matrix() -> np.ndarray:
    """−u ∂ + D ∂² + V from a dense Fourier matrix, written out."""
    u, D, V = (t.numpy() for t in medium_on_a_line())
    n, h = 24, 0.5
    k = 2 * math.pi * np.fft.fftfreq(n, h)
    F = np.fft.fft(np.eye(n), axis=0)
    first = np.fft.ifft((1j * k * (np.abs(k) < math.pi / h - 1e-9))[:, None] * F, axis=0).real
    second = np.fft.ifft((-(k**2))[:, None] * F, axis=0).real
    return -u[:, None] * first + D[:, None] * second + np.diag(V)


def test_the_logarithm_of_a_layer_is_its_field_equation() -> None:
    """A layer e^{τL} with a tap at each point, put in as a kernel: coefficients to rounding."""
    u, D, V = (t.numpy() for t in medium_on_a_line())
    layer = expm(0.7 * generator_matrix())
    grid = Grid((25,), (1.0,))
    assert matrix(torch.eye(25).double(), grid, 12).shape == (25, 25)
    reach = 12
    kernels = np.zeros((24, 25))
    for z in range(-reach, reach):
        kernels[:, z + reach] = layer[np.arange(24), (np.arange(24) + z) % 24]
    found = local_coefficients(torch.from_numpy(kernels), LINE, reach, 0.7)
    assert np.allclose(found, [V, -u, 2 * D], atol=1e-6)


def test_a_medium_that_differs_from_point_to_point() -> None:
    u, D, V = (t.numpy() for t in medium_on_a_line())
    x = white_starts(LINE, 150, torch.Generator().manual_seed(0), smooth=0.3)
    y = x @ torch.from_numpy(expm(generator_matrix())).T
    found = InferredLayer(reach=6, alike=Alike.NOWHERE).read(Recording(LINE, 1.0, torch.stack([x, y], 1)))
    assert np.abs(found.potential - V).max() < 0.003
    assert np.abs(found.drift[0] + u).max() < 0.003
    assert np.abs(found.metric[0, 0] - 2 * D).max() < 0.012
    z = (found.values - np.stack([V, -u, 2 * D])) / found.errors
    assert np.square(z).mean() < 4


def kernels_with_noise(seeds: int, told: float) -> tuple[np.ndarray, np.ndarray]:
    kernel = np.array([0.1, 0.6, 0.2])
    values, z = [], []
    for seed in range(seeds):
        g = torch.Generator().manual_seed(1000 + seed)
        found = InferredLayer(reach=1, noise=told).read(seen_on_a_line(kernel, seed).noisy(0.3, g))
        truth = np.array([math.log(0.9), 1 / 9, 3 / 9 - 1 / 81])
        values.append(found.values[:, 0])
        z.append((found.values[:, 0] - truth) / found.errors[:, 0])
    return np.array(values), np.array(z)


def seen_on_a_line(kernel: np.ndarray, seed: int) -> Recording:
    grid = Grid((16,), (1.0,))
    x = white(grid, 60, seed)
    y = sum(float(w) * torch.roll(x, -z, -1) for w, z in zip(kernel, (-1, 0, 1), strict=True))
    return Recording(grid, 1.0, torch.stack([x, y], 1))


def test_known_noise_is_taken_off_and_errors_cover() -> None:
    """150 recordings of 60: |mean z| < 4/√150, mean z² within four deviations of 59/57."""
    _, z = kernels_with_noise(150, 0.3)
    assert np.abs(z.mean(0)).max() < 4 / math.sqrt(150) + 0.1
    squares = np.square(z)
    assert np.abs(squares.mean(0) - 59 / 57).max() < 4 * float(squares.std(0).max()) / math.sqrt(150)


def test_noise_that_is_not_told_pulls_the_kernel_down() -> None:
    """By S/(S + σ²) = 1/1.09 of white inputs: the potential falls by ln 1.09."""
    values, z = kernels_with_noise(40, 0.0)
    assert values[:, 0].mean() == pytest.approx(math.log(0.9) - math.log(1.09), abs=0.01)
    assert np.square(z[:, 0]).mean() > 10


def test_what_does_not_tell_taps_apart_is_said() -> None:
    x = torch.cos(LINE.positions(0) * 2 * torch.pi / 12)
    starts = torch.stack([torch.roll(x, s) for s in range(24)])
    found = InferredLayer(reach=3).read(Recording(LINE, 1.0, torch.stack([starts, starts.roll(1, -1)], 1)))
    assert found.convergence is Convergence.INDISTINCT


def test_bad_input() -> None:
    recording = seen_through(np.array([0.2, 0.5, 0.3]))
    with pytest.raises(InputError, match="a reach from 1 to 11 points, but got 12"):
        InferredLayer(reach=12).read(recording)
    with pytest.raises(InputError, match="20 trajectories or more"):
        InferredLayer(reach=1).read(recording.first(19))
    with pytest.raises(InputError, match="noise from 0 to the size of the fields"):
        InferredLayer(reach=1, noise=9.0).read(recording)
    with pytest.raises(InputError, match="twice as many pairs of looks as the 21 taps"):
        InferredLayer(reach=10, alike=Alike.NOWHERE).read(recording)
    with pytest.raises(InputError, match="a periodic grid"):
        Recording(Grid((8,), (1.0,), Boundary.ZERO), 1.0, torch.zeros(2, 2, 8))
    with pytest.raises(InputError, match="with two looks or more"):
        Recording(Grid((8,), (1.0,)), 1.0, torch.zeros(2, 1, 8))
    with pytest.raises(InputError, match="finite fields"):
        Recording(Grid((8,), (1.0,)), 1.0, torch.full((2, 2, 8), torch.nan))
    with pytest.raises(InputError, match="a positive interval"):
        Recording(Grid((8,), (1.0,)), 0.0, torch.zeros(2, 2, 8))

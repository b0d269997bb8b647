"""Networks that are trained on what a medium does: those of a network, alike and not, with tanh; and their errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import conv1d, pad

from lensmaker.core import Convergence, InputError
from lensmaker.instruments.scattering import Activation, Alike, TrainedMedium
from lensmaker.systems.fields.equations import Grid
from lensmaker.systems.fields.recording import Recording, white_starts

GRID = Grid((16,), (0.5,))


def network(x: torch.Tensor, kernel: list[float], layers: int, tanh: bool) -> torch.Tensor:
    """By torch's own convolution."""
    weight = torch.tensor(kernel, dtype=torch.float64)[None, None]
    for _ in range(layers):
        x = conv1d(pad(x[:, None], (1, 1), mode="circular"), weight)[:, 0]
        x = x.tanh() if tanh else x
    return x


def seen(kernel: list[float], layers: int, tanh: bool = False, n: int = 25, seed: int = 0) -> Recording:
    x = white_starts(GRID, n, torch.Generator().manual_seed(seed), smooth=0.5)
    return Recording(GRID, 3.0, torch.stack([x, network(x, kernel, layers, tanh)], 1))


def truth(kernel: list[float], layers: int) -> list[float]:
    m0 = sum(kernel)
    m1, m2 = (kernel[2] - kernel[0]) / m0, (kernel[2] + kernel[0]) / m0
    return [math.log(m0) * layers / 3, 0.5 * m1 * layers / 3, 0.25 * (m2 - m1**2) * layers / 3]


@pytest.mark.parametrize("activation", Activation)
def test_a_deep_network_is_recovered(activation: Activation) -> None:
    kernel = [0.1, 0.65, 0.2]
    recording = seen(kernel, 3, activation is Activation.TANH)
    found = TrainedMedium(layers=3, activation=activation).read(recording)
    assert found.convergence is Convergence.CONVERGED
    assert found.values[:, 0] == pytest.approx(truth(kernel, 3), abs=1e-8)
    assert found.misfit < 1e-8


def test_the_wrong_activation_does_not_fit() -> None:
    recording = seen([0.1, 0.65, 0.2], 3, tanh=True)
    assert TrainedMedium(layers=3).read(recording).misfit > 0.05


def test_layers_that_differ_from_point_to_point() -> None:
    """Two layers; the matrix of one of them is known, and the drift read at its slopes."""
    kernels = torch.tensor([0.15, 0.7, 0.15], dtype=torch.float64).repeat(16, 1)
    kernels[:, 2] += 0.05 * torch.sin(2 * torch.pi * torch.arange(16) / 16)
    layer = torch.zeros(16, 16, dtype=torch.float64)
    for i in range(16):
        for z in (-1, 0, 1):
            layer[i, (i + z) % 16] += kernels[i, z + 1]
    x = white_starts(GRID, 40, torch.Generator().manual_seed(1), smooth=0.3)
    recording = Recording(GRID, 2.0, torch.stack([x, x @ (layer @ layer).T], 1))
    instrument = TrainedMedium(layers=2, alike=Alike.NOWHERE)
    found = instrument.read(recording)
    assert found.misfit < 1e-6
    logs = torch.from_numpy(np.real(_log(layer.numpy())))
    assert found.potential == pytest.approx(logs.sum(1).numpy(), abs=1e-6)


def _log(layer: np.ndarray) -> np.ndarray:
    from scipy.linalg import logm

    return np.asarray(logm(layer))


def test_errors_cover_noise_of_what_comes_out() -> None:
    """60 recordings with noise in the last look alone: mean z² of Student's t with 19, within four deviations."""
    kernel, z = [0.1, 0.65, 0.2], []
    for seed in range(60):
        recording = seen(kernel, 2, n=40, seed=seed)
        noise = torch.randn(40, 16, generator=torch.Generator().manual_seed(1000 + seed), dtype=torch.float64)
        fields = recording.fields.clone()
        fields[:, 1] += 0.1 * noise
        found = TrainedMedium(layers=2).read(Recording(GRID, 3.0, fields))
        z.append((found.values[:, 0] - truth(kernel, 2)) / found.errors[:, 0])
    squares = np.square(z)
    assert np.abs(squares.mean(0) - 19 / 17).max() < 4 * float(squares.std(0).max()) / math.sqrt(60)


def test_bad_input() -> None:
    with pytest.raises(InputError, match="at most 400 weights"):
        TrainedMedium(layers=0).read(seen([0.1, 0.8, 0.1], 1))

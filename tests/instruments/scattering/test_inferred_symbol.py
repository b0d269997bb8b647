"""What waves are multiplied by: closed solutions, noise with the earlier look as instrument, coverage, misfits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lensmaker.core import Convergence, InputError
from lensmaker.instruments.scattering import Columns, InferredSymbol
from lensmaker.systems.fields.equations import Grid
from lensmaker.systems.fields.recording import Recording, white_starts

TRUTH = np.array([-0.1, -0.3, 0.4])
GRID = Grid((32,), (0.5,))


def moved(n: int, seed: int, looks: int = 4, fourth: float = 0.0) -> Recording:
    """Each wave times exp t(V + iAk − g k²/2 − fourth k⁴), written out."""
    x = white_starts(GRID, n, torch.Generator().manual_seed(seed)).numpy()
    k = 2 * math.pi * np.fft.fftfreq(32, 0.5)
    k[16] = 0
    V, A, g = TRUTH
    symbol = V + 1j * A * k - g * k**2 / 2 - fourth * k**4
    fields = [np.fft.ifft(np.fft.fft(x) * np.exp(j * symbol)).real for j in range(looks)]
    return Recording(GRID, 1.0, torch.from_numpy(np.stack(fields, 1)))


@pytest.mark.parametrize("columns", Columns)
def test_without_noise_to_rounding(columns: Columns) -> None:
    found = InferredSymbol(columns).read(moved(30, 0))
    assert found.values[:, 0] == pytest.approx(TRUTH, abs=1e-10)
    assert found.convergence is Convergence.CONVERGED


def test_fast_drift_whose_phases_go_round() -> None:
    """A shift by 5 points a look: the shortest wave used turns by 10 rad."""
    x = white_starts(GRID, 30, torch.Generator().manual_seed(0))
    found = InferredSymbol(Columns.LEAST_SQUARES).read(
        Recording(GRID, 1.0, torch.stack([x, x.roll(5, -1)], 1))
    )
    assert found.values[:, 0] == pytest.approx([0, -2.5, 0], abs=1e-10)


def noisy(columns: Columns, seeds: int) -> tuple[np.ndarray, list[Convergence]]:
    z, states = [], []
    for seed in range(seeds):
        recording = moved(60, seed).noisy(0.3, torch.Generator().manual_seed(1000 + seed))
        found = InferredSymbol(columns).read(recording)
        z.append((found.values[:, 0] - TRUTH) / found.errors[:, 0])
        states.append(found.convergence)
    return np.array(z), states


def test_noise_moves_nothing_with_an_earlier_look_and_errors_cover() -> None:
    """400 recordings: |mean z| < 4/√400; mean z² 59/57 within four deviations; misfits at most 5."""
    z, states = noisy(Columns.INSTRUMENTAL, 400)
    assert np.abs(z.mean(0)).max() < 4 / math.sqrt(400)
    squares = np.square(z).mean(1)
    assert abs(squares.mean() - 59 / 57) < 4 * squares.std() / math.sqrt(400)
    assert states.count(Convergence.MISFIT) <= 5


def test_noise_biases_least_squares_and_that_is_why() -> None:
    z, _ = noisy(Columns.LEAST_SQUARES, 20)
    assert z.mean(0)[0] < -2
    assert z.mean(0)[2] > 2


def test_a_medium_of_fourth_order_is_a_misfit() -> None:
    g = torch.Generator().manual_seed(5)
    assert InferredSymbol(Columns.LEAST_SQUARES).read(moved(60, 0, 2, 0.02)).convergence is Convergence.MISFIT
    found = InferredSymbol(Columns.LEAST_SQUARES, most=0.5).read(moved(60, 0, 2, 1e-6).noisy(1e-3, g))
    assert found.convergence is Convergence.CONVERGED


def test_bad_input() -> None:
    with pytest.raises(InputError, match="3 looks or more of 20 trajectories"):
        InferredSymbol().read(moved(30, 0, 2))
    with pytest.raises(InputError, match="3 waves or more, but got 1"):
        InferredSymbol(most=0.01).read(moved(30, 0, 3))

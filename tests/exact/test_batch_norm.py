from __future__ import annotations

import numpy as np
import pytest

from exact import batch_norm


def test_large_batch_limit() -> None:
    assert batch_norm.gradient_growth(10**8) == pytest.approx(batch_norm.LARGE_BATCH_GROWTH, rel=1e-7)
    assert pytest.approx(1.467, abs=5e-4) == batch_norm.LARGE_BATCH_GROWTH


@pytest.mark.parametrize(("batch", "units"), [(12, 1000), (32, 1000)])
def test_growth_is_that_of_wide_networks(batch: int, units: int) -> None:
    """Back-propagation by hand through 14 layers of linear, batch norm, ReLU; the first four settle."""
    rng = np.random.default_rng(batch)
    depth, growths = 14, []
    for _ in range(4):
        x, tape = rng.normal(size=(batch, units)), []
        for _ in range(depth):
            W = rng.normal(0, 1 / np.sqrt(units), (units, units))
            h = x @ W
            centred = h - h.mean(0)
            spread = np.sqrt((centred**2).mean(0))
            y = centred / spread
            tape.append((W, y, spread))
            x = np.maximum(y, 0)
        gradient, squares = rng.normal(size=x.shape), []
        for W, y, spread in reversed(tape):
            dy = gradient * (y > 0)
            dh = (dy - dy.mean(0) - y * (dy * y).mean(0)) / spread
            gradient = dh @ W.T
            squares.append((gradient**2).mean())
        growths.append((np.log(squares[-2]) - np.log(squares[2])) / (depth - 4))
    error = np.std(growths, ddof=1) / 2
    assert error < 0.01
    assert np.mean(growths) == pytest.approx(np.log(batch_norm.gradient_growth(batch)), abs=4 * error)

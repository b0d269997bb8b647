"""The example of networks made from field equations prints what it measures, and draws it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from test_examples import example


@pytest.mark.slow
def test_a_lens_focuses_fronts_travel_norms_drift_and_depth_has_a_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = example("field_networks").main(tmp_path / "made" / "figure.png")
    assert (tmp_path / "made" / "figure.png").stat().st_size > 30_000
    _, _, waves = found["lens"]
    assert float(waves[-1].max()) > 1.5 * float(waves[0].max())
    row, column = divmod(int(waves[-1].argmax()), 96)
    assert abs(column - 48) <= 1  # on the axis of the lens
    assert row > 50  # where it ends, at x = 0.5
    assert found["front"]["error"] < 1e-5
    for scheme, power in (("EULER", 1), ("RK2", 3), ("RK4", 5)):
        by = found["norms"][scheme]
        assert math.log2(by[32] / by[64]) == pytest.approx(power, abs=0.1)
    depth = found["depth"]
    assert abs(depth["predicted"].value - depth["gap"].value) < 2 * depth["predicted"].error
    assert "8 residual layers: order 0.99" in capsys.readouterr().out

"""`examples/field_gallery.py` prints what its page says, and draws."""

from __future__ import annotations

from pathlib import Path

import pytest

from test_examples import example


@pytest.mark.slow
def test_the_geometry_of_a_trained_network_by_depth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = example("field_gallery").main(samples=1, figures=tmp_path)
    assert [row[0] for row in rows] == [1, 2, 4, 8, 16, 32]
    assert sum(row[1] for row in rows) == 18
    assert [row[2] for row in rows] == pytest.approx([0.751, 0.471, 0.637, 0.662, 0.705, 0.784], abs=0.001)
    movement, anisotropy = [row[3] for row in rows], [row[4] for row in rows]
    assert movement[1] > 4 * movement[-1]
    assert anisotropy[1] > 20 * anisotropy[-1]
    widths = [row[-2] for row in rows]
    assert widths == sorted(widths)
    assert all(0.7 < row[-1] < 1.4 for row in rows)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["field-gallery-spread.svg", "field-gallery.svg"]
    assert "by the spacing of the grid" in capsys.readouterr().out

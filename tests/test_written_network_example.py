"""The example of the tutorial on polynomials: its figures have the curves that it says, known by hand in part."""

from __future__ import annotations

from pathlib import Path

import pytest

from test_examples import example


def test_gates_and_plans_are_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = example("written_network").main(tmp_path / "made", points=21, per_octave=1)
    least = {name: tuple(min(e for _, e in curve) for curve in both) for name, both in found.items()}
    steepest, best = least["tanh at b = 0.658"], least["tanh at its best b"]
    assert all(measured == pytest.approx(predicted, rel=0.8) for predicted, measured in least.values())
    assert steepest[1] > 100 * best[1], "the best bias is not where tanh bends most"
    assert f"tanh at its best b: at best {best[0]:.1e} predicted" in capsys.readouterr().out
    gate = (tmp_path / "made" / "gate.svg").read_text(encoding="utf-8")
    assert gate.count("<circle") == 3 * (20 + 1)  # of each gate the points, and one beside its name
    assert "tanh at its best b, measured" in gate
    assert "hidden units" in (tmp_path / "made" / "plan.svg").read_text(encoding="utf-8")
    assert "largest error" in (tmp_path / "made" / "digits.svg").read_text(encoding="utf-8")
    # at a corner uv (u² + v²) = 2, and GELU⁗ = −2 GELU″ at 0: truncation is λ² · 2/6 · 2
    for curve in found["GELU at b = 0"]:
        errors = dict(curve)
        assert errors[2.0**-6] == pytest.approx(2 / 3 * 2.0**-12, rel=0.01)

"""The example of the flow: what it prints is what it measures, with fewer data than --quick."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from lensmaker.phenomena.equality import Equality
from lensmaker.phenomena.rbm_flow import CriticalFlow
from lensmaker.report.numbers import number
from test_examples import example


@pytest.mark.slow
def test_a_small_flow_is_told_and_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    small = replace(
        CriticalFlow.quick().plan,
        hidden=(4,),
        probe=4,
        alone=(1.8,),
        rows=1250,
        epochs=2,
        other_epochs=(),
        other_cd=(),
        seeds=1,
        configurations=100,
        doublings=3,
        calibration=500,
    )
    folder = tmp_path / "made" / "flow"
    outcome = example("rbm_flow").main(folder, CriticalFlow(small))
    printed = capsys.readouterr().out
    equalities = [f for f in outcome.findings if isinstance(f, Equality)]
    assert [len(f.values) + len(f.unsettled) for f in equalities] == [1, 1, 1, 1, 1, 2]
    for finding in equalities:
        for value, error in finding.values.values():
            assert number(value) in printed
            assert math.isinf(error)  # of one seed it is not known
    assert {point["k"] for panel in outcome.pictures["flow"]["panels"] for point in panel["rows"]} >= {
        0,
        1,
        2,
        4,
        8,
    }
    assert printed.count("undecided") == len(outcome.findings)
    for name in ("flow.html", "fixed-points.html"):
        assert "Plotly.newPlot" in (folder / name).read_text(encoding="utf-8")


def test_it_takes_what_the_command_line_says() -> None:
    """The study as it stands, and the small one: fewer machines, each of the same kinds of data."""
    run = example("rbm_flow")
    assert run.CriticalFlow is CriticalFlow
    whole, quick = CriticalFlow().plan, CriticalFlow.quick().plan
    assert len(list(quick.trainings)) < len(list(whole.trainings)) / 2
    assert {s.data.name for s in quick.settings} == {s.data.name for s in whole.settings}

"""The example of the flow: what it prints is what it measures, with fewer data than --quick."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from test_examples import example


@pytest.mark.slow
def test_a_small_flow_is_told_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = example("rbm_flow")
    path = tmp_path / "made" / "flow.html"
    groups = run.main(path, [4], 1, 2, 1, run.Effort(1250, 100, 3, 500))
    assert [key[:2] for key in groups] == [(run.MANY, 4), (run.ONE, 4)]
    printed = capsys.readouterr().out
    for rows in groups.values():
        value, error = run.over_seeds(rows, "energy")
        assert f"{value:.3f}"[:4] in printed
        assert math.isinf(error)  # of one seed it is not known
        assert {point["k"] for point in rows[0].trail} == {0, 1, 2, 4, 8}
    assert printed.count("supported") == 2
    assert "Plotly.newPlot" in path.read_text(encoding="utf-8")


def test_the_temperature_of_the_training_data_is_that_of_the_mixture() -> None:
    """At T_c it is T_c to 2 %, and half of the frozen rows are up."""
    run = example("rbm_flow")
    data = run.training_sets(2500)
    frozen = data[run.MANY][:100].double().mean(1)
    assert (float(frozen.abs().min()), float(frozen.sum())) == (1.0, 0.0)
    energy = run.energies(run.ising(run.square(run.SIDE)), data[run.ONE].numpy()).mean() / run.SIDE**2
    scale = run.energy_thermometer(run.ising(run.square(run.SIDE)), points=30)
    assert scale.read(float(energy)).temperature == pytest.approx(run.T_C, rel=0.02)

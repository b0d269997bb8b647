"""The examples do what they say: `make demo`, and the collapse of finite-size scaling."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_corrected_network_learns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = example("demo").main(tmp_path / "made" / "report.html")
    assert before < 0.2  # one class of ten: chance
    assert after > 0.9
    printed = capsys.readouterr().out
    assert "depth gain" in printed
    assert f"The same training now gives {after:.1%}" in printed
    page = (tmp_path / "made" / "report.html").read_text(encoding="utf-8")
    assert page.rstrip().endswith("</html>")
    assert "depth gain" in page


@pytest.mark.slow
def test_curves_of_several_sizes_fall_on_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Small tori, whose corrections to scaling are seen: to a few percent. A second run reads what the first kept."""
    run, path = example("finite_size_scaling").main, tmp_path / "made" / "collapse.html"
    found = run(path, [6, 8, 12], 800)
    assert found["collapse"]["binder"]["T_c"].value == pytest.approx(2.2692, rel=0.02)
    assert found["collapse"]["binder"]["inverse_nu"].value == pytest.approx(1, rel=0.1)
    assert found["collapse"]["magnetisation"]["power"].value == pytest.approx(-0.125, rel=0.2)
    assert found["collapse"]["square"]["power"].value == pytest.approx(1.75, rel=0.05)
    assert found["at T_c"]["binder"][0] == pytest.approx(0.6107, rel=0.03)
    assert "The figure" in capsys.readouterr().out
    assert "Plotly.newPlot" in path.read_text(encoding="utf-8")
    assert run(path, [6, 8, 12], 800) == found


def test_couplings_flow_away_from_the_critical_temperature(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a small torus: from the first block spins on, the coupling grows below T_c and falls above it."""
    path = tmp_path / "made" / "flow.html"
    flows = example("flow_diagram").main(path, 16, 600, 2)["flows"]
    first, second = ([flow["points"][n][0] for flow in flows] for n in (1, 2))
    assert first == sorted(first, reverse=True)
    assert second[-1] < first[-1]
    assert not second[0] < first[0]  # or it has left the figure
    assert "= T_c" in flows[2]["label"]
    assert all(abs(flow["points"][0][2]) < 5 * flow["points"][0][3] for flow in flows)
    printed = capsys.readouterr().out
    assert "K diagonal" in printed
    assert "y_h" in printed
    assert path.with_suffix(".svg").read_text(encoding="utf-8").startswith("<svg")
    assert "Where the couplings of block spins flow" in path.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_floors_of_gates_are_as_low_as_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    rows = example("compile_polynomial").main(101)
    best = [row for row in rows if row["where"] == "best"]
    assert len(best) == 10
    assert all(not row["measured"] > row["asked"] for row in best)
    assert all(0.3 < row["measured"] / row["predicted"] < 2 for row in rows)
    assert all(row["measured"] < row["bound"] for row in rows)
    assert "φ⁴ on 32 × 32: 8192 neurons from 101 parameters" in capsys.readouterr().out


def test_fields_are_classified_by_integrated_partition_functions(capsys: pytest.CaptureFixture[str]) -> None:
    """The integral on a ring is the exact one, and posteriors of a torus are as often right as they say."""
    found = example("classify_fields").main(side=4, chains=40, sweeps=500)
    assert abs(found["ring"] - found["ring_exact"]) < 4 * found["ring_error"] < 0.08
    assert abs(found["accuracy"] - found["predicted"]) < 4 * found["difference_error"] < 0.1
    assert found["measured"] < 1e-12
    assert "posteriors are known to" in capsys.readouterr().out

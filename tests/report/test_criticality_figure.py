from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lensmaker.report import criticality_plot
from lensmaker.report.criticality_figure import criticality_figure, criticality_html

CURVE = {"x": [0.1, 0.2, 0.3], "y": [1.1, 1.2, 1.3]}
EMPTY: dict[str, list[float]] = {"x": [], "y": []}
FULL = {
    "activation": "tanh",
    "sigma_w": 1.2,
    "sigma_b": 0.2,
    "critical_sigma_w": 1.2,
    "phase": "critical",
    "universality": "vanishing",
    "explanation": "At the critical point q* = 0 is approached.",
    "notes": [],
    "predictions": [
        {"quantity": "fixed_point_q", "value": 0.25},
        {"quantity": "fixed_point_c", "value": 0.15},
    ],
    "line": CURVE,
    "q_map": {"x": [0.1, 0.2, 0.3], "y": [0.2, 0.3, 0.4]},
    "c_map": {"x": [0.0, 0.5, 1.0], "y": [0.3, 0.6, 1.0]},
    "xi_q": {"x": [1.0, 1.2, 1.4], "y": [2.0, None, 3.0]},
    "xi_c": {"x": [1.0, 1.2, 1.4], "y": [5.0, 50.0, 4.0]},
}
BARE = FULL | {
    "critical_sigma_w": None,
    "notes": ["no finite fixed point"],
    "predictions": [
        {"quantity": "fixed_point_q", "value": None},
        {"quantity": "fixed_point_c", "value": None},
    ],
    "line": EMPTY,
    "c_map": EMPTY,
    "xi_q": {"x": [1.0], "y": [None]},
    "xi_c": {"x": [1.0], "y": [None]},
}


def curves(data: dict[str, Any]) -> dict[str, tuple[list[float], list[float], str]]:
    """Name → x, y and panel, of the named traces."""
    plain = json.loads(criticality_figure(data).to_json(engine="json"))
    return {t["name"]: (t["x"], t["y"], t["xaxis"]) for t in plain["data"] if "name" in t}


@pytest.mark.parametrize(
    ("name", "key", "axis"),
    [
        ("χ₁ = 1", "line", "x"),
        ("V(q)", "q_map", "x2"),
        ("C(c)", "c_map", "x3"),
        ("ξ_q", "xi_q", "x4"),
        ("ξ_c", "xi_c", "x4"),
    ],
)
def test_each_curve_is_drawn_in_its_panel(name: str, key: str, axis: str) -> None:
    assert curves(FULL)[name] == (FULL[key]["x"], FULL[key]["y"], axis)


def test_the_layer_is_marked_on_the_line() -> None:
    assert curves(FULL)["here"] == ([0.2], [1.2], "x")
    texts = [a.text for a in criticality_figure(FULL).layout.annotations]
    assert not any(text.startswith("no ") for text in texts)


def test_empty_panels_say_why() -> None:
    texts = {a.text: a.xref for a in criticality_figure(BARE).layout.annotations}
    assert texts["no critical line"] == "x domain"
    assert texts["no correlation map: q has no finite fixed point above 0"] == "x3 domain"
    assert texts["no depth scales"] == "x4 domain"
    assert "no finite fixed point" in criticality_figure(BARE).layout.title.text


@pytest.mark.parametrize("data", [FULL, BARE], ids=["full", "bare"])
def test_page_opens_offline_without_complaint(
    chromium: Any, tmp_path: Path, data: dict[str, Any], wait_for: Callable[[Any, str], None]
) -> None:
    path = tmp_path / "criticality.html"
    path.write_text(criticality_html(data), encoding="utf-8")
    chromium.get_log("browser"), chromium.get_log("performance")
    chromium.get(path.as_uri())
    wait_for(chromium, "document.querySelectorAll('.subplot').length >= 3")
    assert [e for e in chromium.get_log("browser") if e["level"] in ("SEVERE", "WARNING")] == []
    sent = [json.loads(e["message"])["message"] for e in chromium.get_log("performance")]
    urls = [m["params"]["request"]["url"] for m in sent if m["method"] == "Network.requestWillBeSent"]
    assert [u for u in urls if u.startswith("http")] == []
    assert chromium.title == "Criticality of tanh"


@pytest.fixture
def wait_for() -> Callable[[Any, str], None]:
    import time

    def wait(browser: Any, condition: str) -> None:
        end = time.monotonic() + 30
        while not browser.execute_script(f"return {condition}"):
            assert time.monotonic() < end, f"never came true: {condition}"
            time.sleep(0.05)

    return wait


def plot(data: dict[str, Any], width: int = 60) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width).print(criticality_plot(data))
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [50, 60, 120])
def test_the_terminal_shows_where_the_layer_stands(width: int) -> None:
    """The line goes from (0.1, 1.1) to (0.3, 1.3), σ_b from 0 to 0.5; the layer lies above it, in the chaos."""
    lines = plot(FULL | {"sigma_w": 1.3, "sigma_b": 0.1}, width)
    assert max(map(len, lines)) <= width
    assert "\x1b" not in "".join(lines)
    inside = [line.partition("┤" if "┤" in line else "│")[2] for line in lines if "│" in line]
    room = len(inside[0]) - 1
    curve = [
        (row, line.index(c)) for row, line in enumerate(inside) for c in line if "⠀" < c <= "⣿" and row > 1
    ]
    assert curve[0][1] > curve[-1][1], "it rises"
    assert curve[-1][1] / room == pytest.approx(0.2, abs=0.05)
    (layer,) = [(row, line.index("o")) for row, line in enumerate(inside) if "o" in line]
    assert layer[0] <= curve[0][0]
    assert layer[1] / room == pytest.approx(0.2, abs=0.05)


def test_without_a_critical_line_the_terminal_shows_none() -> None:
    assert plot(BARE) == []

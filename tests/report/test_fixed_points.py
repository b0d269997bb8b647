"""The figure of fixed points: which point is where, of which curve, in which panel."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from lensmaker.report.fixed_points_figure import fixed_points_figure, fixed_points_html


def point(x: float, T: float, error: float = 0.01) -> dict[str, float]:
    return {"x": x, "T": T, "error": error}


DATA: dict[str, Any] = {
    "panels": [
        {
            "by": "hidden units",
            "given": "20 epochs, CD-1",
            "curves": {"T = 0 … 6": [point(64, 2.0), point(16, 2.4)], "T = 1.8": [point(64, 1.8)]},
        },
        {"by": "epochs", "given": "64 units, CD-1", "curves": {"T = 0 … 6": [point(64, 2.0)], "T = 1.8": []}},
        {"by": "k of CD", "given": "none of it at rest", "curves": {"T = 0 … 6": [], "T = 1.8": []}},
    ],
    "levels": {"T_c": 2.269},
    "seeds": 8,
}


def plain(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fixed_points_figure(data).to_json(engine="json"))
    return found


def test_curves_are_those_of_their_data_by_rising_units() -> None:
    figure = plain(DATA)
    curves = {(t["xaxis"], t["name"]): t for t in figure["data"]}
    assert curves["x", "T = 0 … 6"]["x"] == [4, 6]
    assert curves["x", "T = 0 … 6"]["y"] == [2.4, 2.0]
    assert curves["x", "T = 1.8"]["y"] == [1.8]
    assert curves["x2", "T = 0 … 6"]["x"] == [6]
    assert curves["x3", "T = 0 … 6"]["y"] == []
    assert figure["layout"]["xaxis"]["ticktext"] == ["16", "64"]
    titles = [figure["layout"][axis]["title"]["text"] for axis in ("xaxis", "xaxis2", "xaxis3")]
    assert titles == ["hidden units", "epochs", "k of CD"]
    colours = {name: {t["line"]["color"] for (_, n), t in curves.items() if n == name} for _, name in curves}
    assert {len(one) for one in colours.values()} == {1}
    assert colours["T = 1.8"] != colours["T = 0 … 6"]
    assert [t["name"] for t in figure["data"] if t["showlegend"]] == ["T = 0 … 6", "T = 1.8"]


def test_levels_cross_every_panel() -> None:
    lines = {s["xref"]: (s["y0"], s["y1"]) for s in plain(DATA)["layout"]["shapes"]}
    assert lines == dict.fromkeys(("x domain", "x2 domain", "x3 domain"), (2.269, 2.269))


@pytest.mark.parametrize("error", [float("inf"), float("nan")])
def test_an_error_that_is_not_known_is_not_drawn(error: float) -> None:
    curves = {"T = 1.8": [point(64, 1.8, error)]}
    figure = plain({"panels": [{"by": "hidden units", "given": "", "curves": curves}]})
    assert figure["data"][0]["error_y"]["array"] == [None]


def test_the_page_says_what_is_drawn_and_opens_offline() -> None:
    page = fixed_points_html(DATA, "Where <machines> rest")
    assert "Where &lt;machines&gt; rest" in page
    assert "means of 8 trainings each" in page
    assert "T_c at 2.269" in page
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=\"https?:", page)

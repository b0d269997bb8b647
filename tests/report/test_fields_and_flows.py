"""Receptive fields and flows as figures: which field is where, in which colour, and which point is on which curve."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lensmaker.report.machine_flow_figure import flow_figure, flow_html
from lensmaker.report.receptive_fields import receptive_fields


def layer(*sites: tuple[int, int, float], side: int = 5) -> NDArray[np.float64]:
    """A field for each site (row, column, weight)."""
    fields = np.zeros((len(sites), side, side))
    for field, (r, c, w) in zip(fields, sites, strict=True):
        field[r, c] = w
    return fields


def inked(picture: NDArray[np.uint8]) -> list[tuple[list[int], str]]:
    """Sites that are not white, and their colour."""
    found = np.argwhere((picture != 255).any(-1))
    return [(at.tolist(), "orange" if picture[*at, 0] > picture[*at, 2] else "blue") for at in found]


def test_a_row_for_each_layer_and_the_largest_norm_first() -> None:
    layers = [layer((0, 1, 1.0), (4, 4, -3.0), (2, 3, 2.0)), layer((1, 0, -5.0))]
    mosaic = receptive_fields({"machine": "M", "layers": layers})
    assert (mosaic.columns, len(mosaic.pictures), list(mosaic.row_names)) == (3, 6, ["layer 1", "layer 2"])
    assert [inked(p) for p in mosaic.pictures] == [
        [([4, 4], "blue")],
        [([2, 3], "orange")],
        [([0, 1], "orange")],
        [([1, 0], "blue")],
        [],
        [],
    ]
    assert "Layer 1: all 3 units, largest norm 3. Layer 2: all 1 units, largest norm 5." in mosaic.caption


def test_the_middle_is_the_peak_where_that_is_asked() -> None:
    field = layer((4, 0, -2.0))
    field[0, 0, 0] = 1.0  # below the peak, over the edge of the torus
    mosaic = receptive_fields({"machine": "M", "layers": [field], "centred": True, "numbers": ["f = .84"]})
    assert inked(mosaic.pictures[0]) == [([2, 2], "blue"), ([3, 2], "orange")]
    assert "largest norm 2.24; f = .84." in mosaic.caption


def test_of_many_fields_some_are_shown() -> None:
    mosaic = receptive_fields({"machine": "M", "layers": [np.ones((30, 4, 4)), np.zeros((2, 4, 4))]})
    assert (len(mosaic.pictures), list(mosaic.row_names)) == (36, ["layer 1", "", "layer 2"])
    assert "24 of 30 units" in mosaic.caption


def rows(start: float, *temperatures: float) -> list[dict[str, Any]]:
    moments = (0, 1, 2, 4)
    return [
        {"start": start, "k": k, "temperature": T, "error": 0.1}
        for k, T in zip(moments, temperatures, strict=False)
    ]


def test_curves_of_a_flow_are_those_of_their_starts() -> None:
    one = {
        "title": "64 hidden",
        "rows": rows(1.0, 1.0, 1.5, 2.0) + rows(6.0, 6.0, 4.0, 2.2),
        "fixed": (2.1, 0.05),
    }
    one["rows"][-1] |= {"in_scale": False}
    two = {"title": "16 hidden", "rows": rows(1.0, 1.0, 1.2), "fixed": None}
    figure = flow_figure({"panels": [one, two], "levels": {"T_c": 2.269}, "reads": "T_E"})
    plain = json.loads(figure.to_json(engine="json"))
    curves = {(t["xaxis"], t["name"]): t for t in plain["data"] if t["y"]}
    assert set(curves) == {("x", "from T = 1"), ("x", "from T = 6"), ("x2", "from T = 1")}
    assert curves["x", "from T = 6"]["y"] == [6.0, 4.0, 2.2]
    assert curves["x", "from T = 6"]["x"] == [-1, 0, 1]
    assert curves["x", "from T = 6"]["marker"]["symbol"] == ["circle", "circle", "circle-open"]
    lines = [(s["xref"], s["y0"], s["y1"]) for s in plain["layout"]["shapes"]]
    assert sorted(lines) == [("x domain", 2.1, 2.1), ("x domain", 2.269, 2.269), ("x2 domain", 2.269, 2.269)]
    words = {a["text"] for a in plain["layout"]["annotations"]}
    assert {"64 hidden: T* = 2.100 ± 0.050", "16 hidden: no one fixed point", "T_c"} <= words


def test_the_page_of_a_flow_opens_offline() -> None:
    page = flow_html({"panels": [{"title": "M", "rows": rows(2.0, 2.0, 2.1), "fixed": None}]}, "A < B")
    assert "A &lt; B" in page
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=\"https?:", page)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_not_drawn(value: float) -> None:
    panel = {"title": "M", "rows": rows(2.0, 2.0, value, 2.2), "fixed": None}
    panel["rows"][0]["error"] = value
    curve = json.loads(flow_figure({"panels": [panel]}).to_json(engine="json"))["data"][0]
    assert (curve["y"], curve["error_y"]["array"]) == ([2.0, 2.2], [None, 0.1])

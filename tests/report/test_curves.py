"""Charts: where lines and points stand, and what is left out."""

from __future__ import annotations

import math
import re

import pytest

from lensmaker.report.curves import HEIGHT, LEFT, curves_html, curves_svg


def chart(
    points: list[tuple[float, float]], kind: str = "points", log: tuple[bool, bool] = (False, True)
) -> str:
    series = [{"label": "a < b", "kind": kind, "points": points}]
    return curves_svg({"title": "T", "caption": "C", "axes": ("x", "y"), "log": log, "series": series})


def places(svg: str) -> list[tuple[float, float]]:
    return [(float(a), float(b)) for a, b in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', svg)][:-1]


def test_points_stand_where_their_logarithms_are() -> None:
    found = places(chart([(1, 1e-8), (2, 1e-4), (3, 1.0)]))
    assert found[1][0] == pytest.approx((found[0][0] + found[2][0]) / 2, abs=0.2)
    assert found[1][1] == pytest.approx((found[0][1] + found[2][1]) / 2, abs=0.2)
    assert found[0][1] > found[2][1], "upwards"
    assert found[0][0] < found[2][0]
    assert all(x > LEFT and y < HEIGHT for x, y in found)


def test_what_cannot_be_drawn_is_left_out() -> None:
    assert len(places(chart([(1, 1e-8), (2, 0.0), (3, math.nan), (4, math.inf), (5, 1.0)]))) == 2
    assert "<svg" in chart([])
    assert "<svg" in chart([(1, 5.0)], "line")


def test_lines_and_the_page() -> None:
    dashed = chart([(1, 0.1), (2, 0.2)], "dashed")
    assert dashed.count("stroke-dasharray") == 2  # the line, and its sample beside the name
    assert "a &lt; b" in dashed
    one = {"title": "T & U", "caption": "C", "axes": ("x", "y"), "log": (False, False), "series": []}
    page = curves_html(one, one | {"title": "V", "caption": "W"})
    assert page.count('aria-label="T &amp; U"') == 1
    assert page.count('aria-label="V"') == 1
    assert "T &amp; U" in page
    assert "W" in page

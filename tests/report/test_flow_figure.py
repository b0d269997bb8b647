"""The flow diagram: which coupling is where, where a flow ends, and that the page opens offline."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

import pytest

from lensmaker.report.flow_figure import flow_html, flow_svg


def data(*flows: list[tuple[float, float, float, float]]) -> dict[str, Any]:
    return {
        "title": "Flows",
        "caption": "of <two> couplings",
        "axes": ("K of neighbours", "K of diagonals"),
        "flows": [{"label": f"flow {k}", "points": points} for k, points in enumerate(flows)],
    }


def dots(svg: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', svg)]


def test_a_larger_coupling_is_further_to_the_right_and_further_up() -> None:
    one, two, three = dots(
        flow_svg(data([(0.1, 0.01, 0.0, 0.01), (0.3, 0.01, 0.1, 0.01), (0.5, 0.01, 0.2, 0.01)]))
    )
    assert one[0] < two[0] < three[0]
    assert one[1] > two[1] > three[1]
    assert two[0] - one[0] == pytest.approx(three[0] - two[0], abs=0.11)
    assert two[1] - one[1] == pytest.approx(three[1] - two[1], abs=0.11)


def test_arrows_lead_from_level_to_level() -> None:
    svg = flow_svg(data([(0.4, 0.01, 0.0, 0.01), (0.3, 0.01, 0.1, 0.01)], [(0.5, 0.0, 0.0, 0.0)]))
    (start, end, _) = dots(svg)
    (arrow,) = re.findall(
        r'd="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)" stroke="#\w+" stroke-width="1.6" marker-end', svg
    )
    assert tuple(map(float, arrow)) == (*start, *end)


def test_bars_are_as_long_as_the_errors() -> None:
    """The distance of two points that are 0.2 apart, and bars of ± 0.1 and ± 0.05."""
    svg = flow_svg(data([(0.2, 0.1, 0.0, 0.05), (0.4, 0.0, 0.2, 0.0)]))
    (x0, y0), (x1, y1) = dots(svg)
    across, up = map(float, re.findall(r"h([\d.]+)M[\d.]+ [\d.]+v([\d.]+)", svg)[0])
    assert across == pytest.approx(x1 - x0, abs=0.2)
    assert up == pytest.approx((y0 - y1) / 2, abs=0.2)


def test_a_flow_ends_before_what_is_not_finite() -> None:
    nowhere = (math.nan,) * 4
    svg = flow_svg(data([(0.4, 0.01, 0.0, 0.01), nowhere, (0.3, 0.01, 0.1, 0.01)], [nowhere]))
    assert len(dots(svg)) == 1
    assert "nan" not in svg
    assert "flow 0" in svg
    assert "flow 1" not in svg


def test_names_do_not_cover_each_other() -> None:
    svg = flow_svg(data(*[[(0.4 + k / 1000, 0.001, 0.1, 0.001)] for k in range(5)]))
    heights = sorted(float(y) for y in re.findall(r'y="([\d.]+)" fill="#\w+" font-weight="600"', svg))
    assert len(heights) == 5
    assert min(b - a for a, b in itertools.pairwise(heights)) > 15


def test_the_page_opens_offline_and_escapes_what_it_is_told() -> None:
    page = flow_html(data([(0.4, 0.01, 0.0, 0.01)]))
    assert "of &lt;two&gt; couplings" in page
    assert "<title>Flows</title>" in page
    assert not re.findall(r'(?:src|href)="https?:', page)

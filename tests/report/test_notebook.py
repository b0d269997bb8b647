"""The notebook's fragment: light, without script, escaped, and its drawing well-formed."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from lensmaker.core import BenchRecord, Table, Training
from lensmaker.report import to_notebook_html
from report.records import collapsing_mlp, long_transformer, residual_network


@pytest.mark.parametrize("make", [collapsing_mlp, residual_network, long_transformer])
def test_is_a_light_fragment_without_script(make) -> None:
    html = to_notebook_html(make())
    assert len(html) < 150_000
    assert "<script" not in html
    assert "<style" not in html
    assert not re.search(r"(src|href)=", html)


def test_findings_and_names_are_escaped_text() -> None:
    html = to_notebook_html(long_transformer())
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "GPT&lt;T&gt;(50 layers &amp; 768 wide)" in html


def test_the_drawing_shows_each_measured_point_at_its_height() -> None:
    record = collapsing_mlp()
    svg = ET.fromstring(re.search(r"<svg.*</svg>", to_notebook_html(record), re.DOTALL)[0])
    panels = svg.findall("g")
    assert [p.find("text").text.split()[0] for p in panels] == ["second", "correlation", "chi", "gradient"]
    points = re.findall(r"M([\d.]+) ([\d.]+)h0", panels[3].findall("path")[-2].get("d"))
    assert len(points) == 33
    heights = [float(y) for _, y in points]
    gradients = [c.measurement.value for c in record.comparisons if c.quantity.name == "gradient"]
    assert sorted(range(33), key=lambda i: -heights[i]) == sorted(range(33), key=gradients.__getitem__)
    assert [float(x) for x, _ in points] == sorted(float(x) for x, _ in points)


def test_outside_stretches_are_shaded() -> None:
    svg = ET.fromstring(re.search(r"<svg.*</svg>", to_notebook_html(long_transformer()), re.DOTALL)[0])
    assert [len(p.findall("rect")) for p in svg.findall("g")] == [2, 2, 2, 2]


def test_a_record_without_rays_has_no_drawing() -> None:
    html = to_notebook_html(BenchRecord("net", "x", Training.FRESH, "said so", Table(), Table()))
    assert "<svg" not in html
    assert "nothing was both predicted and measured" in html

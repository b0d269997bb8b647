"""The geometry as it is drawn: right way up, to scale, in words, in JSON, and on the page."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import pytest

from lensmaker.core import BenchRecord, LayerGeometry, PointSpreadRecord, Table, Where
from lensmaker.report import from_json, to_html, to_json, to_notebook_html
from lensmaker.report.geometry_figure import ABOVE, BELOW, CELL, STEP, geometry_svg, plane_of, shade
from lensmaker.report.geometry_page import geometry_figures
from lensmaker.report.geometry_table import ARROWS, bar, geometry_lines, movement
from lensmaker.report.geometry_words import angle, cells, summary_of_geometry, told
from lensmaker.report.spread_figure import PREDICTED, spread_svg
from report.page import Page
from report.records import residual_network

TALL = ((4.0, 0.0), (0.0, 1.0))
"""Rows twice as far as columns."""


def layer(**changes: Any) -> LayerGeometry:
    """A convolution that moves bumps to the right, on a grid of two pixels."""
    given: dict[str, Any] = {
        "where": Where("conv", operation="conv2d"),
        "kind": "diffusive",
        "meaning": "a bump widens by more than it moves",
        "spacing": (2.0, 2.0),
        "gain": 2.0,
        "potential": 1.0,
        "drift": (0.0, -1.0),
        "metric": TALL,
        "curvature": 0.0,
        "wavelength": 9.0,
        "share": 0.25,
    }
    return LayerGeometry(**{**given, **changes})


def spread(rows: float, columns: float, drift: tuple[float, float], outside: str = "") -> PointSpreadRecord:
    return PointSpreadRecord(drift, ((rows, 0.0), (0.0, columns)), 0.1, outside)


def ellipses(svg: str) -> list[tuple[float, float, float]]:
    """Half-axes of each ellipse to the right and down, and its turn."""
    found = re.findall(r'rx="([\d.]+)" ry="([\d.]+)"[^>]*transform="rotate\((-?[\d.]+) ', svg)
    return [(float(a), float(b), float(t)) for a, b, t in found]


def extents(svg: str) -> list[tuple[float, float]]:
    """How far each ellipse reaches to the right and down."""
    return [
        (
            math.hypot(a * math.cos(math.radians(t)), b * math.sin(math.radians(t))),
            math.hypot(a * math.sin(math.radians(t)), b * math.cos(math.radians(t))),
        )
        for a, b, t in ellipses(svg)
    ]


def arrows(svg: str) -> list[tuple[float, float]]:
    """Each drift as a vector to the right and down."""
    found = re.findall(r'class="drift" d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)', svg)
    return [(float(c) - float(a), float(d) - float(b)) for a, b, c, d in found]


# -- cells ------------------------------------------------------------------------------------------


def test_rows_are_drawn_downwards_and_to_scale() -> None:
    ((right, down), *_) = extents(geometry_svg([layer()]))
    assert right == pytest.approx(STEP * 0.5, abs=0.02)  # √1 pixel on a grid of two
    assert down == pytest.approx(STEP * 1.0, abs=0.02)


@pytest.mark.parametrize(
    ("drift", "expected"),
    [((0.0, -1.0), (1, 0)), ((0.0, 1.0), (-1, 0)), ((-1.0, 0.0), (0, 1)), ((1.0, 0.5), (-0.5, -1))],
)
def test_the_arrow_is_where_a_bump_moves(drift: tuple[float, float], expected: tuple[float, float]) -> None:
    (arrow, _legend) = arrows(geometry_svg([layer(drift=drift)]))
    assert arrow == pytest.approx([STEP * e / 2 for e in expected], abs=0.02)


def test_a_diagonal_metric_turns_from_the_columns_to_the_rows() -> None:
    leaning = layer(metric=((2.5, 1.5), (1.5, 2.5)))  # along (1, 1): right and down
    (a, b, turn), *_ = ellipses(geometry_svg([leaning]))
    assert (a, b) == pytest.approx((STEP * 1.0, STEP * 0.5), abs=0.02)
    assert turn % 180 == pytest.approx(45)
    assert angle(leaning) == "45°"
    assert angle(layer(metric=((2.5, -1.5), (-1.5, 2.5)))) == "-45°"
    assert (angle(layer()), angle(layer(metric=((1.0, 0.0), (0.0, 4.0))))) == ("90°", "0°")


def test_what_is_too_large_for_its_cell_is_shrunk_and_says_so() -> None:
    svg = geometry_svg([layer(metric=((400.0, 0.0), (0.0, 100.0)), drift=(0.0, -2.0))])
    ((right, down), *_) = extents(svg)
    assert down == pytest.approx(CELL / 2 - 3, abs=0.02)
    assert down / right == pytest.approx(2, abs=0.01)
    factor = 10 * STEP / (CELL / 2 - 3)
    assert f">÷{factor:.1f}<" in svg
    assert arrows(svg)[0][0] == pytest.approx(STEP / factor, abs=0.02)
    assert not re.search(r">÷\d", geometry_svg([layer()]))


def test_an_indefinite_metric_is_dashed() -> None:
    assert geometry_svg([layer()]).count("stroke-dasharray") == 1  # the legend's
    assert geometry_svg([layer(metric=((-1.0, 0.0), (0.0, 2.0)))]).count("stroke-dasharray") == 2


def test_layers_without_a_metric_and_of_one_and_three_axes() -> None:
    assert "m₀ = 0" in geometry_svg([layer(metric=(), drift=())])
    line = layer(spacing=(1.0,), metric=((0.5,),), drift=(0.25,))
    assert plane_of(line) == (((0.5, 0.0), (0.0, 0.0)), (-0.25, 0.0))
    ((right, down), *_) = extents(geometry_svg([line]))
    assert right == pytest.approx(STEP * math.sqrt(0.5), abs=0.02)
    assert down < 1
    video = layer(
        spacing=(9.0, 1.0, 1.0), metric=((5.0, 0, 0), (0, 1.0, 0), (0, 0, 0.25)), drift=(7.0, 0.1, 0.2)
    )
    assert plane_of(video) == (((0.25, 0.0), (0.0, 1.0)), (-0.2, -0.1))
    assert angle(video) == angle(line) == "—"
    assert geometry_svg([]) == spread_svg([layer()]) == ""


def test_potential_is_colour_and_validity_a_bar() -> None:
    assert shade(3.0) == (ABOVE, pytest.approx(0.85 * 0.75))
    assert shade(-1.0) == (BELOW, pytest.approx(0.85 * 0.5))
    assert f'fill="{BELOW}" fill-opacity="0.425"' in geometry_svg([layer(potential=-1.0)])
    assert f'width="{CELL * 0.25:.2f}"' in geometry_svg([layer()])
    assert "nan" not in geometry_svg([layer(potential=math.nan, share=math.nan, curvature=math.nan)])


def test_names_are_escaped() -> None:
    svg = geometry_svg([layer(where=Where("<script>"))])
    assert "<script>" not in svg
    assert "&lt;script&gt;" in svg


# -- point spreads ----------------------------------------------------------------------------------


def test_point_spreads_are_drawn_downwards_about_their_centroids() -> None:
    wide = spread(1.0, 9.0, (4.0, 0.0))
    svg = spread_svg([layer(predicted_spread=wide, measured_spread=spread(4.0, 4.0, (0.0, -4.0)))])
    predicted, twice, measured, _ = extents(svg)
    assert predicted[0] / predicted[1] == pytest.approx(3, abs=0.02)
    assert twice == pytest.approx([2 * v for v in predicted], abs=0.02)
    assert measured[0] == pytest.approx(measured[1])
    scale = measured[0] / 2
    places = [(float(x), float(y)) for x, y in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', svg)]
    (cross,) = re.findall(r'<path d="M([\d.]+) ([\d.]+)h10', svg)
    middle = float(cross[0]) + 5, float(cross[1])
    assert [c - m for c, m in zip(places[0], middle, strict=True)] == pytest.approx([0, 4 * scale], abs=0.05)
    assert [c - m for c, m in zip(places[1], middle, strict=True)] == pytest.approx([-4 * scale, 0], abs=0.05)
    (bar_, pixels) = re.findall(
        r"h([\d.]+)\" stroke=\"currentColor\" stroke-width=\"2\"/><text[^>]*>([\d.]+) px", svg
    )[0]
    assert float(bar_) / float(pixels) == pytest.approx(scale, rel=1e-2)


def test_outside_the_regime_is_said() -> None:
    far = spread(4.0, 4.0, (0.0, 0.0), "it reaches beyond the border")
    one = layer(predicted_spread=far, measured_spread=spread(4.0, 4.0, (0.0, 0.0)))
    assert "outside the regime</text>" in spread_svg([one])
    assert cells(one)[-2:] == ["(2)", "2"]
    assert "predicted 2, where it reaches beyond the border." in summary_of_geometry([one])


def test_at_most_four_panels_and_every_width_in_the_curve() -> None:
    many = [
        layer(predicted_spread=spread(n, n, (0.0, 0.0)), measured_spread=spread(n, n, (0.0, 0.0)))
        for n in range(1, 11)
    ]
    svg = spread_svg(many)
    assert svg.count(" px predicted</tspan>") == 4
    assert "10 conv" in svg
    (line,) = re.findall(rf'<polyline points="([^"]+)" fill="none" stroke="{PREDICTED}"', svg)
    heights = [float(p.split(",")[1]) for p in line.split()]
    assert len(heights) == 10
    assert heights == sorted(heights, reverse=True)


def test_figures_of_their_own_stand_on_paper() -> None:
    found = geometry_figures([layer()])
    assert list(found) == ["fields.svg"]
    assert found["fields.svg"].startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert 'fill="#ffffff"/>' in found["fields.svg"]


# -- words ------------------------------------------------------------------------------------------


def test_the_terminal_points_where_a_bump_moves() -> None:
    around = [
        (0.0, -1.0),
        (-1.0, -1.0),
        (-1.0, 0.0),
        (-1.0, 1.0),
        (0.0, 1.0),
        (1.0, 1.0),
        (1.0, 0.0),
        (1.0, -1.0),
    ]
    assert [movement(layer(drift=a))[0] for a in around] == list(ARROWS)
    assert movement(layer(drift=(0.0, -1.0))) == "→ 0.5"
    assert (movement(layer(drift=(0.0, 0.0))), movement(layer(drift=(), metric=()))) == ("·", "—")
    assert (bar(0.0), bar(1.0), bar(math.nan)) == ("░" * 10 + " 0 %", "█" * 10 + " 100 %", "—")


@pytest.mark.parametrize("width", [60, 80, 110, 160])
def test_lines_fit_the_terminal(width: int) -> None:
    layers = [
        layer(
            where=Where(f"features.{i}.block.convolution", operation="conv2d"),
            kind="local" if i % 3 else "diffusive",
        )
        for i in range(40)
    ]
    lines = geometry_lines(layers, width, most=5).plain.splitlines()
    assert all(len(line) <= width for line in lines[:-1])
    assert len(lines) == 2 + 5 + 2
    assert lines[-2] == "… 35 more: 9 that move something, 26 1 × 1"
    assert len(geometry_lines(layers, width, most=None).plain.splitlines()) == 2 + 14 + 2


def test_a_layer_in_words() -> None:
    words = told(layer(notes=("its phases differ",)))
    assert words == "N 2 · V 1 · A 0, -1 px · g 1, 4 px² · λ_v 9 px · share 25 % · its phases differ"
    assert cells(layer())[:7] == ["conv:conv2d", "diffusive", "2", "0, -1", "1, 4", "90°", "1"]


# -- records and pages ------------------------------------------------------------------------------


def record(layers: list[LayerGeometry]) -> BenchRecord:
    return dataclasses.replace(residual_network(), geometry=Table(layers))


def several() -> list[LayerGeometry]:
    """One layer of each look, at places of the record's train."""
    places = [e.where for e in residual_network().elements if e.operation == "conv2d"]
    both = {"predicted_spread": spread(4.0, 6.0, (1.0, 0.0)), "measured_spread": spread(5.0, 6.0, (0.0, 0.0))}
    looks: list[dict[str, Any]] = [
        {},
        {"kind": "local", "metric": ((0.0, 0.0), (0.0, 0.0)), "drift": (0.0, 0.0)},
        {"metric": ((-1.0, 0.5), (0.5, 2.0)), "kind": "oscillatory", **both},
        {"metric": (), "drift": (), "potential": math.nan, "wavelength": math.inf, "share": 0.0},
        {"metric": ((900.0, 0.0), (0.0, 4.0)), "kind": "anti-diffusive", **both},
    ]
    return [layer(where=places[i % len(places)], **looks[i % 5]) for i in range(24)]


def test_json_gives_the_layers_back() -> None:
    first = record(
        [
            layer(
                predicted_spread=spread(4.0, 6.0, (1.0, 0.0)),
                share=0.5,
                expected=0.1,
                measured=0.1,
                measured_error=0.01,
            )
        ]
    )
    back = from_json(to_json(first))
    assert back.geometry == first.geometry
    (missing,) = from_json(to_json(record([layer()]))).geometry
    assert math.isnan(missing.measured)
    unsure = dataclasses.replace(spread(1.0, 1.0, (0.0, 0.0)), error=math.inf)
    (one,) = from_json(to_json(record([layer(measured_spread=unsure)]))).geometry
    assert math.isnan(one.measured_spread.error)
    assert (
        dataclasses.replace(residual_network()).geometry
        == from_json(to_json(residual_network())).geometry
        == Table()
    )


def test_the_page_shows_the_layers_offline(page: Page) -> None:
    shown = record(several())
    page.open(shown)
    assert page.complaints() == []
    assert page.requests() == []
    assert page.ask("document.querySelectorAll('#geometry .layer').length") == 24
    assert page.ask("document.querySelectorAll('#geometry details tbody tr').length") == 24
    sources = page.ask("document.querySelector('#sources').textContent")
    assert "field_equation" in sources
    assert "point_spread_gradients" in sources
    page.browser.execute_script(
        "document.querySelectorAll('#geometry .layer')[2].dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    assert page.ask(
        "document.querySelector('#table tbody tr.selected, #table tbody tr[aria-selected=true]') !== null"
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_two_texts_of_a_drawing_overlap(page: Page, theme: str) -> None:
    page.open(record(several()))
    page.browser.execute_script(f"document.documentElement.dataset.theme = '{theme}'")
    overlaps = page.ask(
        "[...document.querySelectorAll('#geometry .drawing svg')].flatMap((svg) => {"
        " const boxes = [...svg.querySelectorAll('text')].map((t) => [t.textContent, t.getBoundingClientRect()]);"
        " return boxes.flatMap(([a, p], i) => boxes.slice(i + 1).filter(([, q]) => p.left < q.right - 1 && q.left <"
        " p.right - 1 && p.top < q.bottom - 2 && q.top < p.bottom - 2).map(([b]) => a + ' | ' + b)); })"
    )
    assert overlaps == []
    ink = page.ask("getComputedStyle(document.querySelector('#geometry .layer ellipse')).stroke")
    paper = page.ask("getComputedStyle(document.body).backgroundColor")
    light = [sum(map(int, re.findall(r"\d+", c)[:3])) for c in (ink, paper)]
    assert abs(light[0] - light[1]) > 500


def test_networks_without_convolutions_have_no_such_section() -> None:
    assert 'id="geometry"' not in to_html(residual_network())
    assert "Geometry" not in to_notebook_html(residual_network())
    shown = to_notebook_html(record([layer()]))
    assert "1 convolution: 1 diffusive." in shown
    assert "<script" not in shown

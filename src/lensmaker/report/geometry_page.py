"""The geometry of a network as the page and the notebook want it: drawings, rows and words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lensmaker.core import LayerGeometry
from lensmaker.report.geometry_figure import geometry_svg
from lensmaker.report.geometry_words import CAPTION, COLUMNS, cells, summary_of_geometry
from lensmaker.report.spread_figure import spread_svg
from lensmaker.report.templating import fill, template

READ_BY = [
    ("theory", "field_equation"),
    ("theory", "point_spread"),
    ("instrument", "input_spectrum"),
    ("instrument", "point_spread_gradients"),
]
"""The theories and instruments that sign the geometry in a report of an inspection."""

PAPER = "#ffffff"
"""Behind a drawing in a file of its own."""


def geometry_parts(layers: Sequence[LayerGeometry]) -> dict[str, Any]:
    """What the templates fill in; nothing where there is no convolution."""
    from markupsafe import Markup

    if not layers:
        return {}
    return {
        "summary": summary_of_geometry(layers),
        "fields": Markup(geometry_svg(layers)),
        "spreads": Markup(spread_svg(layers)),
        "columns": COLUMNS,
        "rows": [cells(layer) for layer in layers],
        "caption": CAPTION,
    }


def geometry_page(title: str, layers: Sequence[LayerGeometry]) -> str:
    """A page of HTML of its own, with both drawings and the table."""
    from markupsafe import Markup

    return fill(
        "geometry.html.j2", title=title, geometry=geometry_parts(layers), css=Markup(template("report.css"))
    )


def geometry_figures(layers: Sequence[LayerGeometry]) -> dict[str, str]:
    """Files by name: `fields.svg`, and `point-spread.svg` where it was measured."""
    found = {
        "fields.svg": geometry_svg(layers, paper=PAPER),
        "point-spread.svg": spread_svg(layers, paper=PAPER),
    }
    return {name: text + "\n" for name, text in found.items() if text}

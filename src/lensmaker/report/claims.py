"""Findings of a phenomenon as a table, and its pictures as files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from rich.table import Table

from lensmaker.report.curves import curves_html
from lensmaker.report.figure_page import mosaic_file
from lensmaker.report.heat_map import heat_map
from lensmaker.report.lists import table
from lensmaker.report.mosaic import Mosaic
from lensmaker.report.numbers import with_error
from lensmaker.report.png import diverging
from lensmaker.report.receptive_fields import receptive_fields


def claims_table(findings: Iterable[Mapping[str, Any]]) -> Table:
    """Each claim with its number, that of nothing being there, its controls and its judgement."""
    rows = []
    for f in findings:
        controls = "\n".join(f"{name} {with_error(*found)}" for name, found in f["controls"].items())
        rows.append(
            {
                "claim": f["claim"],
                "measured": with_error(f["value"], f["error"]),
                "without it": f"{f['null']:.3g} ({f['null_of']})",
                "controls": controls,
                "judgement": f["judgement"],
            }
        )
    return table(rows)


def figures_of(pictures: Mapping[str, Any], most: int = 12) -> dict[str, bytes]:
    """File name → what it holds, pages of HTML.

    Parameters
    ----------
    pictures
        `reconstructions`, name → (n, rows, columns) of ±1; variant → receptive fields of each layer,
        (units, rows, columns); and name → what `curves_svg` or `heat_map` draws.
    most
        Fields of a layer that are drawn, those of largest norm.
    """
    charts = {name: data for name, data in pictures.items() if isinstance(data, Mapping) and "series" in data}
    maps = {name: data for name, data in pictures.items() if isinstance(data, Mapping) and "cells" in data}
    drawn_otherwise = {"reconstructions", *charts, *maps}
    fields = {name: layers for name, layers in pictures.items() if name not in drawn_otherwise}
    out = {
        f"fields-{_file(name)}.html": receptive_fields({"machine": name, "layers": layers}, most)
        for name, layers in fields.items()
    }
    if "reconstructions" in pictures:
        out["reconstructions.html"] = reconstructions_mosaic(pictures["reconstructions"])
    out |= {f"{_file(name)}.html": heat_map(data) for name, data in maps.items()}
    drawn = {name: mosaic_file(mosaic, ".html") for name, mosaic in out.items()}
    return drawn | {f"{_file(name)}.html": curves_html(data).encode() for name, data in charts.items()}


def reconstructions_mosaic(kept: Mapping[str, np.ndarray]) -> Mosaic:
    """Configurations, and what codes keep of them, a row each."""
    pictures = np.concatenate([np.asarray(s, float) for s in kept.values()])
    return Mosaic(
        diverging(pictures, 1.4),
        columns=len(next(iter(kept.values()))),
        title="What a code of one bit a block keeps",
        caption="Configurations that no machine has seen, and below each what is made again of its code.",
        row_names=list(kept),
    )


def _file(name: str) -> str:
    """A name without what file systems mind."""
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())

"""Findings of a phenomenon as a table, and its pictures as files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from rich.table import Table

from lensmaker.report.figure_page import mosaic_file
from lensmaker.report.lists import table
from lensmaker.report.mosaic import Mosaic
from lensmaker.report.numbers import with_error
from lensmaker.report.png import diverging


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


def figures_of(pictures: Mapping[str, Any], most: int = 8) -> dict[str, bytes]:
    """File name → what it holds, pages of HTML.

    Parameters
    ----------
    pictures
        `reconstructions`, name → (n, rows, columns) of ±1; and variant → receptive fields of each layer,
        (units, rows, columns).
    most
        Fields of a layer that are drawn, those of largest norm.
    """
    fields = {name: layers for name, layers in pictures.items() if name != "reconstructions"}
    out = {f"fields-{_file(name)}.html": fields_mosaic(name, layers, most) for name, layers in fields.items()}
    if "reconstructions" in pictures:
        out["reconstructions.html"] = reconstructions_mosaic(pictures["reconstructions"])
    return {name: mosaic_file(mosaic, ".html") for name, mosaic in out.items()}


def fields_mosaic(name: str, layers: list[np.ndarray], most: int) -> Mosaic:
    """The receptive fields of largest norm, a row for each layer, each field in its own scale of colours."""
    rows = []
    for fields in layers:
        norms = np.linalg.norm(fields.reshape(len(fields), -1), axis=1)
        chosen = fields[np.argsort(-norms, kind="stable")[:most]]
        scaled = chosen / np.maximum(np.abs(chosen).max((1, 2), keepdims=True), 1e-300)
        rows.append(np.concatenate([scaled, np.zeros((most - len(scaled), *scaled.shape[1:]))]))
    return Mosaic(
        diverging(np.concatenate(rows), 1.0),
        columns=most,
        title=f"Receptive fields: {name}",
        caption=(
            "What hidden units see of the lattice, r = W₁ W₂ …, those of largest norm in each layer; each picture has "
            "a scale of its own. A block spin is one patch of one colour. Grey alone: there are no more units."
        ),
        row_names=[f"layer {k}" for k in range(1, len(layers) + 1)],
        legend=diverging(np.linspace(-1, 1, 121), 1.0),
        ends=("−max", "0", "max"),
    )


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

"""Findings of a phenomenon as a table, and its pictures as files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from rich.table import Table

from lensmaker.report.accuracy_figure import accuracy_html
from lensmaker.report.curves import curves_html
from lensmaker.report.figure_page import mosaic_file
from lensmaker.report.fixed_points_figure import fixed_points_html
from lensmaker.report.heat_map import heat_map
from lensmaker.report.lists import table
from lensmaker.report.machine_flow_figure import flow_html
from lensmaker.report.mosaic import Mosaic
from lensmaker.report.numbers import with_error
from lensmaker.report.png import diverging
from lensmaker.report.receptive_fields import receptive_fields


def claims_table(findings: Iterable[Mapping[str, Any]]) -> Table:
    """Each claim with its number, or numbers, what they are compared with, its controls, its judgement and why.

    Parameters
    ----------
    findings
        Of claims that a number is larger than `null`, and of claims that several `values` are the `target`.
    """
    return table(_of_equality(f) if "target" in f else _of_excess(f) for f in findings)


def _of_excess(f: Mapping[str, Any]) -> dict[str, str]:
    compared = f"{f['null']:.3g} ({f['null_of']})"
    return _row(f, with_error(f["value"], f["error"]), compared, _lines(f["controls"]))


def _of_equality(f: Mapping[str, Any]) -> dict[str, str]:
    compared = f"= {f['target']:.4g} within {f['margin']:.2g} ({f['target_of']})"
    values = [_lines(f["values"]), *(f"{name}: not converged" for name in f["unsettled"])]
    own = {name: f" (its own: {T:.4g})" for name, T in f["controls_own"].items()}
    return _row(f, "\n".join(filter(None, values)), compared, _lines(f["controls"], own))


def _row(f: Mapping[str, Any], measured: str, compared: str, controls: str) -> dict[str, str]:
    return {
        "claim": f["claim"],
        "measured": measured,
        "compared with": compared,
        "controls": controls,
        "judgement": f"{f['judgement']}: {f['reason']}",
    }


def _lines(numbers: Mapping[str, Any], more: Mapping[str, str] | None = None) -> str:
    """A line for each."""
    return "\n".join(
        f"{name}: {with_error(*found)}{(more or {}).get(name, '')}" for name, found in numbers.items()
    )


def figures_of(pictures: Mapping[str, Any], most: int = 12) -> dict[str, bytes]:
    """File name → what it holds, pages of HTML.

    Parameters
    ----------
    pictures
        `reconstructions`, name → (n, rows, columns) of ±1; `flow` and `fixed points` of machines; `accuracy`, errors
        against sizes; name → what `curves_svg` or `heat_map` draws; and variant → receptive fields of each layer,
        (units, rows, columns).
    most
        Fields of a layer that are drawn, those of largest norm.
    """
    known = {
        "reconstructions": _reconstructions,
        "flow": _flow,
        "fixed points": _fixed_points,
        "accuracy": _accuracy,
    }
    out = {}
    for name, picture in pictures.items():
        if name in known:
            out[f"{_file(name)}.html"] = known[name](picture)
        elif isinstance(picture, Mapping) and "series" in picture:
            out[f"{_file(name)}.html"] = curves_html(picture).encode()
        elif isinstance(picture, Mapping) and "cells" in picture:
            out[f"{_file(name)}.html"] = mosaic_file(heat_map(picture), ".html")
        else:
            mosaic = receptive_fields({"machine": name, "layers": picture}, most)
            out[f"fields-{_file(name)}.html"] = mosaic_file(mosaic, ".html")
    return out


def _reconstructions(kept: Mapping[str, Any]) -> bytes:
    return mosaic_file(reconstructions_mosaic(kept), ".html")


def _flow(flow: Mapping[str, Any]) -> bytes:
    return flow_html(flow, "Where machines take configurations").encode()


def _fixed_points(found: Mapping[str, Any]) -> bytes:
    return fixed_points_html(found, "Where machines come to rest").encode()


def _accuracy(found: Mapping[str, Any]) -> bytes:
    return accuracy_html(found).encode()


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

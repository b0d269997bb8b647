"""The geometry in the terminal: one line for each layer that moves something, fitted to a width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lensmaker.core import LayerGeometry, Where
from lensmaker.report.geometry_figure import plane_of
from lensmaker.report.geometry_words import angle, drift, eigenvalues, or_dash, percent, width_in_words
from lensmaker.report.numbers import number, with_error
from lensmaker.report.train_table import FAINT, MEASURED, PREDICTED, ending

if TYPE_CHECKING:
    from rich.text import Text

ARROWS = "→↘↓↙←↖↑↗"
"""Where a bump moves on the screen, by eighths of a turn from the right, rows going down."""

BAR, NARROWEST_NAME = 10, 12
STILL = 0.05
"""Of a position of the grid: a bump that moves by less has no arrow."""

_COLUMNS = ("class", "V", "move", "g₋, g₊ [px²]", "axis", "λ_v", "valid", "σ_P pred", "meas")
_DROPPED = ("axis", "V", "λ_v", "class", "valid")
"""Columns that a narrow terminal goes without, one after the other."""


def geometry_lines(layers: Sequence[LayerGeometry], width: int, *, most: int | None) -> Text:
    """Two lines of heading, one for each layer, one about those left out.

    Parameters
    ----------
    most
        Of more layers, some evenly spread in depth are shown, the last among them; None: all that move something.
    """
    from rich.text import Text

    moving = [(i, layer) for i, layer in enumerate(layers, 1) if layer.moves]
    n = len(moving) if most is None else min(most, len(moving))
    shown = [moving[(j + 1) * len(moving) // n - 1] for j in range(n)]
    rows = [(f"{i:>{len(str(len(layers)))}} ", layer, _cells(layer)) for i, layer in shown]
    columns = list(_COLUMNS)
    longest = max((len(str(_place(layer))) for _, layer, _ in rows), default=0)

    def room(name: str) -> int:
        return max([len(name), *(len(row[name][0]) for _, _, row in rows)])

    def left() -> int:
        return width - len(str(len(layers))) - 1 - sum(room(c) + 2 for c in columns)

    for name in _DROPPED:
        if left() < min(longest, NARROWEST_NAME):
            columns.remove(name)
    names = max(min(longest, left()), 7)
    margin = len(str(len(layers))) + 1 + names
    head = Text("layer".ljust(margin) + "".join("  " + c.rjust(room(c)) for c in columns), style="bold")
    lines = [head, Text("─" * len(head.plain), style=FAINT)]
    for index, layer, row in rows:
        line = Text(index, style=FAINT)
        line.append(ending(_place(layer), names).ljust(names), "default")
        for c in columns:
            words, style = row[c]
            line.append("  " + (words.ljust(room(c)) if c == "valid" else words.rjust(room(c))), style)
        lines.append(line)
    if hidden := len(layers) - len(shown):
        words = f"… {hidden} more: {len(moving) - len(shown)} that move something, {len(layers) - len(moving)} 1 × 1"
        lines.append(Text(words, style=f"italic {FAINT}"))
    lines.append(
        Text(
            "move: −A in positions of the grid; valid: share of input energy beyond λ_v; (σ_P) outside the regime",
            style=FAINT,
        )
    )
    return Text("\n", no_wrap=True, overflow="crop").join(lines)


def _place(layer: LayerGeometry) -> Where:
    """Without its operation, where it has a path."""
    return replace(layer.where, operation="") if layer.where.path else layer.where


def _cells(layer: LayerGeometry) -> dict[str, tuple[str, str]]:
    measured = layer.measured_spread
    return {
        "class": (layer.kind, ""),
        "V": (number(layer.potential, 2), ""),
        "move": (movement(layer), ""),
        "g₋, g₊ [px²]": (eigenvalues(layer), "magenta" if "-" in eigenvalues(layer) else ""),
        "axis": (angle(layer), ""),
        "λ_v": (number(layer.wavelength, 2), ""),
        "valid": (bar(layer.share), "green"),
        "σ_P pred": (width_in_words(layer.predicted_spread), PREDICTED),
        "meas": (number(measured.width) if measured else "—", MEASURED),
    }


def movement(layer: LayerGeometry) -> str:
    """An arrow and a length in positions of the grid; "·" below a twentieth of one."""
    if not layer.has_metric:
        return "—"
    _, (right, down) = plane_of(layer)
    length = math.hypot(right, down)
    if length < STILL:
        return "·"
    return f"{ARROWS[round(8 * math.atan2(down, right) / (2 * math.pi)) % 8]} {number(length, 2)}"


def bar(share: float) -> str:
    """A bar of ten, and the per cent behind it.

    Examples
    --------
    >>> bar(0.72)
    '███████░░░ 72 %'
    """
    if not math.isfinite(share):
        return "—"
    full = round(BAR * min(max(share, 0.0), 1.0))
    return "█" * full + "░" * (BAR - full) + f" {percent(share)}"


def field_rows(layers: Sequence[LayerGeometry]) -> list[dict[str, str]]:
    """Of every layer its class and its fields, by column."""
    return [
        {
            "layer": str(_place(layer)),
            "class": layer.kind,
            "N": number(layer.gain),
            "A [px]": drift(layer) if layer.moves else "—",
            "g₋, g₊ [px²]": eigenvalues(layer) if layer.moves else "—",
            "axis of g₊": angle(layer),
            "V": or_dash(layer.potential),
            "|F| [px²]": or_dash(layer.curvature),
        }
        for layer in layers
    ]


def validity_rows(layers: Sequence[LayerGeometry]) -> list[dict[str, str]]:
    """Of every layer that moves something: where that holds, and what it listens to; all beside what was measured."""
    return [
        {
            "layer": str(_place(layer)),
            "λ [px]": number(layer.wavelength),
            "share beyond λ": percent(layer.share),
            "ε₂ predicted": or_dash(layer.expected),
            "ε₂ measured": _measured(layer),
            "σ predicted": width_in_words(layer.predicted_spread),
            "σ measured": number(layer.measured_spread.width) if layer.measured_spread else "—",
        }
        for layer in layers
        if layer.moves
    ]


def _measured(layer: LayerGeometry) -> str:
    return with_error(layer.measured, layer.measured_error) if math.isfinite(layer.measured) else "—"

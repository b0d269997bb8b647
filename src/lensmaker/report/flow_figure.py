"""A renormalization flow as a figure: two couplings, and arrows from level to level."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from lensmaker.report.figure_page import figure_page
from lensmaker.report.numbers import number

WIDTH, HEIGHT, LEFT, RIGHT, TOP, FOOT = 860, 560, 74, 150, 16, 54
"""Of the drawing, and the room around its frame; at the right stand the names of the flows."""

APART = 17
"""Between two names."""

SOFT = "#5b6675"

COLOURS = ("#1a58b0", "#4a86d8", "#2a9d8f", "#e0a030", "#d9690f", "#a23b72")
"""From the first flow to the last one."""

Point = tuple[float, float, float, float]


def flow_svg(data: Mapping[str, Any]) -> str:
    """One line of arrows for each flow, from level 0 on, with the errors of both couplings as bars.

    Parameters
    ----------
    data
        `axes`, the names of both couplings; `flows`, each with a `label` and `points`: x, its error, y, its error by
        level. A flow ends before the first point that is not finite.
    """
    flows = [(str(f["label"]), _finite(f["points"])) for f in data["flows"]]
    shown = [p for _, points in flows for p in points]
    x = _scale([(p[0], p[1]) for p in shown], LEFT, WIDTH - RIGHT)
    y = _scale([(p[2], p[3]) for p in shown], HEIGHT - FOOT, TOP)
    parts = [_heads(), *_frame(x, y, data["axes"])]
    ends = []
    for k, (label, points) in enumerate(flows):
        colour = COLOURS[k * (len(COLOURS) - 1) // max(1, len(flows) - 1)]
        places = [(x[0] + x[1] * p[0], y[0] + y[1] * p[2]) for p in points]
        parts += _bars(points, x[1], y[1], places, colour)
        for (x0, y0), (x1, y1) in itertools.pairwise(places):
            parts.append(
                f'<path d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}" stroke="{colour}" stroke-width="1.6" '
                f'marker-end="url(#head)" fill="none"/>'
            )
        parts += [f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="3.2" fill="{colour}"/>' for cx, cy in places]
        if places:
            ends.append((places[-1], label, colour))
    parts += _names(ends)
    style = "text { font: 12px system-ui, 'DejaVu Sans', sans-serif }"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="{escape(str(data["title"]))}"><style>{style}</style>'
        f"{''.join(parts)}</svg>\n"
    )


def flow_html(data: Mapping[str, Any]) -> str:
    """The figure on a page, with `title` and `caption` of the data."""
    return figure_page(str(data["title"]), str(data["caption"]), flow_svg(data))


def _finite(points: Sequence[Point]) -> list[Point]:
    kept = []
    for point in points:
        if not all(map(math.isfinite, point)):
            break
        kept.append(point)
    return kept


def _scale(values: Sequence[tuple[float, float]], low: float, high: float) -> tuple[float, float]:
    """Offset and slope from a coupling to a place, a tenth of the range left free at each end; 0 is inside."""
    least = min([0.0, *(v - e for v, e in values)])
    most = max([0.0, *(v + e for v, e in values)])
    spare = 0.07 * ((most - least) or 1.0)
    slope = (high - low) / (most - least + 2 * spare)
    return low - slope * (least - spare), slope


def _frame(x: tuple[float, float], y: tuple[float, float], axes: Sequence[str]) -> Iterator[str]:
    """Lines at round couplings, their numbers, and the names of the axes."""
    bottom, right = HEIGHT - FOOT, WIDTH - RIGHT
    for at in _round((LEFT - x[0]) / x[1], (right - x[0]) / x[1]):
        place, strength = x[0] + x[1] * at, ".7" if at == 0 else ".25"
        yield f'<path d="M{place:.1f} {TOP}V{bottom}" stroke="#8a94a2" stroke-opacity="{strength}"/>'
        yield f'<text x="{place:.1f}" y="{bottom + 17}" text-anchor="middle" fill="{SOFT}">{number(at)}</text>'
    for at in _round((bottom - y[0]) / y[1], (TOP - y[0]) / y[1]):
        place, strength = y[0] + y[1] * at, ".7" if at == 0 else ".25"
        yield f'<path d="M{LEFT} {place:.1f}H{right}" stroke="#8a94a2" stroke-opacity="{strength}"/>'
        yield f'<text x="{LEFT - 8}" y="{place + 4:.1f}" text-anchor="end" fill="{SOFT}">{number(at)}</text>'
    middle = (LEFT + right) / 2, (TOP + bottom) / 2
    yield (
        f'<text x="{middle[0]}" y="{HEIGHT - 14}" text-anchor="middle" fill="{SOFT}">{escape(axes[0])}</text>'
    )
    yield (
        f'<text x="18" y="{middle[1]}" text-anchor="middle" fill="{SOFT}" '
        f'transform="rotate(-90 18 {middle[1]})">{escape(axes[1])}</text>'
    )


def _round(low: float, high: float) -> list[float]:
    """Some six round numbers within the range."""
    rough = (high - low) / 6
    unit = 10 ** math.floor(math.log10(rough))
    step = next(unit * k for k in (1, 2, 5, 10) if unit * k >= rough)
    return [round(k * step, 12) for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _bars(
    points: Sequence[Point], across: float, up: float, places: Sequence[tuple[float, float]], colour: str
) -> Iterator[str]:
    for (_, dx, _, dy), (cx, cy) in zip(points, places, strict=True):
        w, h = abs(across) * dx, abs(up) * dy
        yield (
            f'<path d="M{cx - w:.1f} {cy:.1f}h{2 * w:.1f}M{cx:.1f} {cy - h:.1f}v{2 * h:.1f}" '
            f'stroke="{colour}" stroke-opacity=".55"/>'
        )


def _heads() -> str:
    return (
        '<defs><marker id="head" viewBox="0 0 10 10" refX="12.5" refY="5" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 1L10 5L0 9Z" fill="context-stroke"/></marker></defs>'
    )


def _names(ends: Sequence[tuple[tuple[float, float], str, str]]) -> Iterator[str]:
    """Each flow's name in the right margin, from the highest end to the lowest, with a line from its end."""
    at = TOP + 10.0
    for (cx, cy), label, colour in sorted(ends, key=lambda end: (end[0][1], -end[0][0])):
        height = max(at, cy)
        at = height + APART
        x = WIDTH - RIGHT + 10
        yield (
            f'<path d="M{cx + 6:.1f} {cy:.1f}L{x - 4} {height:.1f}" stroke="{colour}" stroke-opacity=".35" '
            f'stroke-dasharray="2 3"/><text x="{x}" y="{height + 4:.1f}" fill="{colour}" '
            f'font-weight="600">{escape(label)}</text>'
        )

"""Curves and points over one axis, on scales that may be logarithmic, as SVG or a page of HTML."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from lensmaker.report.figure_page import figure_page
from lensmaker.report.numbers import number

WIDTH, HEIGHT, LEFT, RIGHT, TOP, FOOT = 940, 470, 84, 270, 14, 54
"""Of the drawing, and the room around its frame; at the right stand the names."""

SOFT = "#5b6675"

COLOURS = ("#1a58b0", "#d9690f", "#2a9d8f", "#a23b72", "#e0a030", "#5b6675", "#4a86d8", "#7a4a2b")


class _Scale:
    """From a value to a place, with marks at round values."""

    def __init__(self, values: Sequence[float], ends: tuple[float, float], log: bool) -> None:
        self.log = log
        shown = [self._of(v) for v in values]
        low, high = min(shown, default=0.0), max(shown, default=1.0)
        spare = 0.05 * ((high - low) or 1.0)
        self.low, self.high, self.ends = low - spare, high + spare, ends

    def _of(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def __call__(self, value: float) -> float:
        share = (self._of(value) - self.low) / (self.high - self.low)
        return self.ends[0] + share * (self.ends[1] - self.ends[0])

    def marks(self) -> list[float]:
        """Some seven round values."""
        if self.log:
            step = max(1, math.ceil((self.high - self.low) / 8))
            return [10.0**k for k in range(math.ceil(self.low), math.floor(self.high) + 1) if k % step == 0]
        rough = (self.high - self.low) / 7
        unit = 10 ** math.floor(math.log10(rough))
        step = next(unit * k for k in (1, 2, 5, 10) if unit * k >= rough)
        return [
            round(k * step, 12) for k in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)
        ]


def curves_svg(data: Mapping[str, Any]) -> str:
    """Each series as a line or as points.

    Parameters
    ----------
    data
        `title`; `axes`, the names of x and y; `log`, whether each is logarithmic; `series`, each with a `label`,
        `points` of x and y, and `kind`: "line", "dashed" or "points". Series of one `label` before its first comma
        share a colour. What is not finite, or not above 0 on a logarithmic axis, is left out.
    """
    log = tuple(data["log"])
    series = [(str(s["label"]), s["kind"], _drawable(s["points"], log)) for s in data["series"]]
    shown = [p for _, _, points in series for p in points]
    x = _Scale([p[0] for p in shown], (LEFT, WIDTH - RIGHT), log[0])
    y = _Scale([p[1] for p in shown], (HEIGHT - FOOT, TOP), log[1])
    families = list(dict.fromkeys(label.partition(",")[0] for label, _, _ in series))
    parts = list(_frame(x, y, data["axes"]))
    for k, (label, kind, points) in enumerate(series):
        colour = COLOURS[families.index(label.partition(",")[0]) % len(COLOURS)]
        parts += _drawn(kind, [(x(a), y(b)) for a, b in points], colour)
        parts += _name(k, label, kind, colour)
    style = "text { font: 12px system-ui, 'DejaVu Sans', sans-serif }"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="{escape(str(data["title"]))}"><style>{style}</style>'
        f"{''.join(parts)}</svg>\n"
    )


def curves_html(*figures: Mapping[str, Any]) -> str:
    """All figures on one page, with the title and caption of the first, and captions of the others below it."""
    first, *others = figures
    drawn = "".join(curves_svg(f) for f in figures)
    captions = [(str(f["title"]), str(f["caption"])) for f in others]
    return figure_page(str(first["title"]), str(first["caption"]), drawn, captions=captions)


def _drawable(points: Sequence[Sequence[float]], log: Sequence[bool]) -> list[tuple[float, float]]:
    return [
        (float(a), float(b))
        for a, b in points
        if all(math.isfinite(v) and (v > 0 or not scale) for v, scale in zip((a, b), log, strict=True))
    ]


def _frame(x: _Scale, y: _Scale, axes: Sequence[str]) -> Iterator[str]:
    bottom, right = HEIGHT - FOOT, WIDTH - RIGHT
    for at in x.marks():
        yield f'<path d="M{x(at):.1f} {TOP}V{bottom}" stroke="#8a94a2" stroke-opacity=".25"/>'
        yield f'<text x="{x(at):.1f}" y="{bottom + 17}" text-anchor="middle" fill="{SOFT}">{number(at)}</text>'
    for at in y.marks():
        yield f'<path d="M{LEFT} {y(at):.1f}H{right}" stroke="#8a94a2" stroke-opacity=".25"/>'
        yield f'<text x="{LEFT - 8}" y="{y(at) + 4:.1f}" text-anchor="end" fill="{SOFT}">{number(at)}</text>'
    middle = (LEFT + right) / 2, (TOP + bottom) / 2
    place = f'x="{middle[0]}" y="{HEIGHT - 14}"'
    yield f'<text {place} text-anchor="middle" fill="{SOFT}">{escape(axes[0])}</text>'
    yield (
        f'<text x="18" y="{middle[1]}" text-anchor="middle" fill="{SOFT}" '
        f'transform="rotate(-90 18 {middle[1]})">{escape(axes[1])}</text>'
    )


def _drawn(kind: str, places: Sequence[tuple[float, float]], colour: str) -> Iterator[str]:
    if kind == "points":
        yield from (f'<circle cx="{a:.1f}" cy="{b:.1f}" r="4" fill="{colour}"/>' for a, b in places)
    elif places:
        path = "L".join(f"{a:.1f} {b:.1f}" for a, b in places)
        dash = ' stroke-dasharray="5 4"' if kind == "dashed" else ""
        yield f'<path d="M{path}" stroke="{colour}" stroke-width="1.8" fill="none"{dash}/>'


def _name(k: int, label: str, kind: str, colour: str) -> Iterator[str]:
    left, at = WIDTH - RIGHT + 12, TOP + 12 + 19 * k
    yield from _drawn(
        kind, [(left + 8.0, at)] if kind == "points" else [(left, at), (left + 18.0, at)], colour
    )
    yield f'<text x="{left + 24}" y="{at + 4}" fill="{colour}" font-weight="600">{escape(label)}</text>'

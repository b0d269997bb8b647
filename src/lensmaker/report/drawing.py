"""The rays of a train as one static SVG: predicted band and line, measured points, findings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape

from lensmaker.core import BenchRecord, Quantity, Scale, Verdict
from lensmaker.report.facts import RAYS, Fact, interval, train
from lensmaker.report.numbers import number

WIDTH, HEAD, PANEL, LEFT, RIGHT, TITLE = 900, 8, 86, 64, 12, 18
PREDICTED, MEASURED, DEVIATING, OUTSIDE = "#4a86d8", "#e07b1f", "#d6336c", "#8a94a2"

Map = Callable[[float], float]


def rays_svg(record: BenchRecord, found: Sequence[Fact]) -> str:
    """One panel for each ray that the record has along its train; "" where it has none."""
    places = train(record)
    rays: dict[Quantity, list[Fact]] = {}
    for fact in found:
        if fact.element is not None and fact.quantity.name in RAYS:
            rays.setdefault(fact.quantity, []).append(fact)
    if not rays:
        return ""
    step = (WIDTH - LEFT - RIGHT) / len(places)
    height = len(rays) * (PANEL + TITLE) + HEAD + 34

    def x(element: float) -> float:
        return LEFT + step * (element + 0.5)

    panels = [
        f'<g transform="translate(0 {HEAD + k * (PANEL + TITLE)})">{"".join(_panel(q, rays[q], x, step))}</g>'
        for k, q in enumerate(sorted(rays, key=lambda q: RAYS.index(q.name)))
    ]
    for number_, finding in enumerate(record.findings, 1):
        if finding.where in places:
            at = x(places.index(finding.where))
            panels.append(
                f'<path d="M{at:.1f} 3V{height - 34}" stroke="{DEVIATING}" stroke-dasharray="2 3"/>'
                f'<text x="{at + 3:.1f}" y="10" fill="{DEVIATING}" font-weight="bold">{number_}</text>'
            )
    ends = _ends(str(places[0]), str(places[-1]), len(places), height)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="100%" role="img" aria-label="rays through the network" '
        'font-size="11" fill="currentColor" font-family="system-ui, sans-serif">'
        f"{''.join(panels)}{ends}</svg>"
    )


def _panel(quantity: Quantity, facts: Sequence[Fact], x: Map, step: float) -> Iterator[str]:
    log = quantity.scale is Scale.LOG

    def drawable(value: float) -> bool:
        return math.isfinite(value) and (value > 0 or not log)

    predicted = [(f, f.prediction) for f in facts if f.prediction and drawable(f.prediction.value)]
    measured = [(f, f.measurement) for f in facts if f.measurement and drawable(f.measurement.value)]
    unit = "" if quantity.unit == "1" else f" [{quantity.unit}]"
    title = f"{quantity.name.replace('_', ' ')} {quantity.symbol}{unit}" + (", logarithmic" if log else "")
    yield f'<text x="{LEFT}" y="{TITLE - 5}" font-weight="600">{escape(title)}</text>'
    values = [p.value for _, p in predicted] + [m.value for _, m in measured]
    if not values:
        return
    y = _scale(min(values), max(values), log)
    for first, last in _stretches(facts, Verdict.OUTSIDE):
        left, right = x(first) - step / 2, x(last) + step / 2
        yield (
            f'<rect x="{left:.1f}" y="{TITLE}" width="{right - left:.1f}" height="{PANEL - 10}" '
            f'fill="{OUTSIDE}" fill-opacity=".2"/>'
        )
    for value in dict.fromkeys((min(values), max(values))):
        at, words = y(value), number(value, 2)
        yield f'<path d="M{LEFT - 4} {at:.1f}H{WIDTH - RIGHT}" stroke="{OUTSIDE}" stroke-opacity=".35"/>'
        yield f'<text x="{LEFT - 7}" y="{at + 4:.1f}" text-anchor="end">{words}</text>'
    band = [(f.element, interval(p.value, p.error, quantity, 2.0)) for f, p in predicted]
    upper = " ".join(f"{x(e or 0):.1f},{y(high):.1f}" for e, (_, high) in band)
    lower = " ".join(f"{x(e or 0):.1f},{y(low):.1f}" for e, (low, _) in reversed(band))
    yield f'<polygon points="{upper} {lower}" fill="{PREDICTED}" fill-opacity=".25"/>'
    line = " ".join(f"{x(f.element or 0):.1f},{y(p.value):.1f}" for f, p in predicted)
    yield f'<polyline points="{line}" fill="none" stroke="{PREDICTED}" stroke-width="1.3"/>'
    for verdict_deviates, colour in ((False, MEASURED), (True, DEVIATING)):
        points = "".join(
            f"M{x(f.element or 0):.1f} {y(m.value):.1f}h0"
            for f, m in measured
            if (f.verdict is Verdict.DEVIATES) is verdict_deviates
        )
        size = min(max(step * 0.6, 2.4), 5.0)
        yield f'<path d="{points}" stroke="{colour}" stroke-width="{size:.1f}" stroke-linecap="round"/>'


def _scale(low: float, high: float, log: bool) -> Map:
    """From values to heights in the panel; a band that leaves the panel is cut at its edge."""

    def position(value: float) -> float:
        return math.log10(value) if log else value

    bottom, top = position(low), position(high)
    spare = max((0.3 if log else 0.02) - (top - bottom), 0.0) / 2
    bottom, top = bottom - spare, top + spare

    def y(value: float) -> float:
        share = (position(value) - bottom) / (top - bottom) if value > 0 or not log else -1.0
        return TITLE + 6 + (PANEL - 22) * (1 - min(max(share, -0.06), 1.06))

    return y


def _stretches(facts: Sequence[Fact], verdict: Verdict) -> Iterator[tuple[int, int]]:
    elements = [f.element for f in facts if f.verdict is verdict and f.element is not None]
    start = None
    for i, element in enumerate(elements):
        start = element if start is None else start
        if i + 1 == len(elements) or elements[i + 1] != element + 1:
            yield start, element
            start = None


def _ends(first: str, last: str, length: int, height: int) -> str:
    """The names of the ends of the train, and the legend between them."""
    legend = (
        f'<tspan fill="{PREDICTED}">━ predicted ± 2 errors</tspan>  '
        f'<tspan fill="{MEASURED}">● measured</tspan>  <tspan fill="{DEVIATING}">● deviates</tspan>  '
        f'<tspan fill="{OUTSIDE}">■ outside the regime</tspan>'
    )
    y = height - 20
    return (
        f'<text x="{LEFT}" y="{y}">1 {escape(first)}</text>'
        f'<text x="{WIDTH - RIGHT}" y="{y}" text-anchor="end">{length} {escape(last)}</text>'
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{height - 5}" text-anchor="middle">{legend}</text>'
    )

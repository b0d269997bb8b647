"""What layers listen to, as one static SVG: predicted ellipse beside the measured one, and widths by depth."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from lensmaker.core import LayerGeometry, PointSpreadRecord, principal_axes
from lensmaker.report.numbers import number

WIDTH, PANEL, HEAD, MOST, CURVE, LEFT = 900, 218, 34, 4, 130, 60
PREDICTED, MEASURED, OUTSIDE = "#3d82d8", "#e07b1f", "#8a94a2"

Pairs = list[tuple[int, LayerGeometry, PointSpreadRecord, PointSpreadRecord]]


def spread_svg(layers: Sequence[LayerGeometry], *, paper: str = "") -> str:
    """Ellipses of one and two widths for up to four layers, and below the width of each layer by depth.

    Parameters
    ----------
    layers
        In order; "" comes back where no layer has both spreads.
    paper
        Colour behind the drawing, and then ink is dark; "": that of the page.
    """
    pairs: Pairs = [
        (i, layer, layer.predicted_spread, layer.measured_spread)
        for i, layer in enumerate(layers, 1)
        if layer.moves and layer.predicted_spread is not None and layer.measured_spread is not None
    ]
    if not pairs:
        return ""
    n = min(MOST, len(pairs))
    shown = [pairs[(j + 1) * len(pairs) // n - 1] for j in range(n)]
    height = HEAD + PANEL + CURVE + 62
    panels = "".join(
        f'<g transform="translate({8 + k * (PANEL + 4)} 0)">{_panel(*pair)}</g>'
        for k, pair in enumerate(shown)
    )
    ink = f'<rect width="{WIDTH}" height="{height}" fill="{paper}"/>' if paper else ""
    colour = "#1b2330" if paper else "currentColor"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%" role="img" '
        f'color="{"#1b2330" if paper else "inherit"}" fill="{colour}" font-size="10.5" '
        f'font-family="system-ui, sans-serif" aria-label="point spreads, predicted and measured">{ink}{panels}'
        f'<g transform="translate(0 {HEAD + PANEL + 20})">{_curve(layers)}</g></svg>'
    )


def _panel(
    index: int, layer: LayerGeometry, predicted: PointSpreadRecord, measured: PointSpreadRecord
) -> str:
    both = (predicted, measured)
    centres = [plane_of_spread(s)[1] for s in both]
    reach = max(
        abs(c) + 2.2 * math.sqrt(max(matrix[i][i], 0.0))
        for (matrix, middle) in map(plane_of_spread, both)
        for i, c in enumerate(middle)
    )
    scale = (PANEL / 2 - 14) / (reach or 1.0)
    middle, centre = PANEL / 2, HEAD + PANEL / 2
    bar = _round(0.45 * PANEL / scale)
    name = layer.where.path or str(layer.where)
    name = name if len(name) <= 30 else "…" + name[-29:]
    parts = [
        (
            f'<rect y="{HEAD}" width="{PANEL}" height="{PANEL}" rx="3" fill="none" stroke="currentColor" '
            'stroke-opacity=".3"/>'
        ),
        f'<text y="12">{index} {escape(name)}</text>',
        f'<path d="M{middle - 5} {centre}h10M{middle} {centre - 5}v10" stroke="currentColor"/>',
    ]
    for spread, (x, y), colour, dash in zip(both, centres, (PREDICTED, MEASURED), ("", "5 3"), strict=True):
        matrix, _ = plane_of_spread(spread)
        for size, opacity in ((1, 1.0), (2, 0.55)):
            parts.append(
                _ellipse(matrix, middle + scale * x, centre + scale * y, size * scale, colour, opacity, dash)
            )
        parts.append(
            f'<circle cx="{middle + scale * x:.2f}" cy="{centre + scale * y:.2f}" r="2.4" fill="{colour}"/>'
        )
    parts.append(
        f'<path d="M8 {HEAD + PANEL - 8}h{bar * scale:.2f}" stroke="currentColor" stroke-width="2"/>'
        f'<text x="8" y="{HEAD + PANEL - 13}">{number(bar)} px</text>'
        f'<text y="26">σ <tspan fill="{PREDICTED}">{number(predicted.width)} px predicted</tspan>, '
        f'<tspan fill="{MEASURED}">{number(measured.width)} px measured</tspan></text>'
    )
    if predicted.outside:
        parts.append(f'<text x="6" y="{HEAD + 13}" fill="{OUTSIDE}">outside the regime</text>')
    words = f"{layer.where}: {predicted.outside}" if predicted.outside else str(layer.where)
    return f"<g><title>{escape(words)}</title>{''.join(parts)}</g>"


def plane_of_spread(
    spread: PointSpreadRecord,
) -> tuple[tuple[tuple[float, float], tuple[float, float]], tuple[float, float]]:
    """Covariance and centroid in (right, down), pixels; of three axes the last two, of one a line.

    Examples
    --------
    >>> plane_of_spread(PointSpreadRecord((1.0, 2.0), ((4.0, 0.5), (0.5, 9.0)), 0.0))
    (((9.0, 0.5), (0.5, 4.0)), (2.0, 1.0))
    """
    c, centre = spread.covariance, spread.drift
    right = len(c) - 1
    if right == 0:
        return ((c[0][0], 0.0), (0.0, 0.0)), (centre[0], 0.0)
    down = right - 1
    cross = c[right][down]
    return ((c[right][right], cross), (cross, c[down][down])), (centre[right], centre[down])


def _ellipse(
    matrix: tuple[tuple[float, float], ...],
    x: float,
    y: float,
    scale: float,
    colour: str,
    opacity: float,
    dash: str,
) -> str:
    (small, _), (large, (c, s)) = principal_axes(matrix)
    a, b = (max(scale * math.sqrt(max(v, 0.0)), 0.8) for v in (large, small))
    return (
        f'<ellipse cx="{x:.2f}" cy="{y:.2f}" rx="{a:.2f}" ry="{b:.2f}" fill="none" stroke="{colour}" '
        f'stroke-width="1.6" stroke-opacity="{opacity}" stroke-dasharray="{dash}" '
        f'transform="rotate({math.degrees(math.atan2(s, c)):.2f} {x:.2f} {y:.2f})"/>'
    )


def _curve(layers: Sequence[LayerGeometry]) -> str:
    """Widths by depth, on a logarithmic scale."""
    told = {
        name: [
            (i, spread.width, bool(spread.outside))
            for i, layer in enumerate(layers)
            if (spread := getattr(layer, name)) is not None and spread.width > 0
        ]
        for name in ("predicted_spread", "measured_spread")
    }
    values = [w for rows in told.values() for _, w, _ in rows]
    if not values:
        return ""
    low, high = math.log10(min(values)) - 0.05, math.log10(max(values)) + 0.05
    step = (WIDTH - LEFT - 12) / max(len(layers) - 1, 1)

    def x(i: int) -> float:
        return LEFT + step * i

    def y(width: float) -> float:
        return 18 + (CURVE - 18) * (high - math.log10(width)) / (high - low)

    predicted, measured = told["predicted_spread"], told["measured_spread"]
    grey = "".join(
        f'<rect x="{x(i) - step / 2:.1f}" y="18" width="{step:.2f}" height="{CURVE - 18}" fill="{OUTSIDE}" '
        'fill-opacity=".2"/>'
        for i, _, outside in predicted
        if outside
    )
    line = " ".join(f"{x(i):.1f},{y(w):.1f}" for i, w, _ in predicted)
    dots = "".join(f"M{x(i):.1f} {y(w):.1f}h0" for i, w, _ in measured)
    return (
        f'<text x="{LEFT}" y="10" font-weight="600">width of what the centre listens to σ_P [pixels], logarithmic, '
        f"by number of the convolution</text>{grey}{_ticks(low, high, y)}"
        f'<polyline points="{line}" fill="none" stroke="{PREDICTED}" stroke-width="1.5"/>'
        f'<path d="{dots}" stroke="{MEASURED}" stroke-width="6" stroke-linecap="round"/>'
        f'<text x="{LEFT}" y="{CURVE + 14}" text-anchor="middle">1</text>'
        f'<text x="{x(len(layers) - 1):.1f}" y="{CURVE + 14}" text-anchor="end">{len(layers)}</text>'
        f'<text x="{WIDTH / 2}" y="{CURVE + 32}" text-anchor="middle"><tspan fill="{PREDICTED}">━ predicted</tspan>   '
        f'<tspan fill="{MEASURED}">╍ ● measured</tspan>   ellipses of one and two widths about the centroid; '
        f'+ middle of the receptive field   <tspan fill="{OUTSIDE}">■ outside the regime</tspan></text>'
    )


def _ticks(low: float, high: float, y: Callable[[float], float]) -> str:
    marks = [m * 10.0**p for p in range(math.floor(low), math.ceil(high) + 1) for m in (1, 2, 5)]
    inside = [m for m in marks if low <= math.log10(m) <= high] or [10 ** ((low + high) / 2)]
    return "".join(
        f'<path d="M{LEFT - 4} {y(m):.1f}H{WIDTH - 12}" stroke="{OUTSIDE}" stroke-opacity=".35"/>'
        f'<text x="{LEFT - 7}" y="{y(m) + 4:.1f}" text-anchor="end">{number(m, 2)}</text>'
        for m in inside
    )


def _round(value: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is not larger."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(m for m in (1, 2, 5) if m * power <= value) * power

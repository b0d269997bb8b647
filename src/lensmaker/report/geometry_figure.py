"""The geometry of a convolutional network as one static SVG: a cell for each layer, in the order of depth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from lensmaker.core import LayerGeometry, principal_axes
from lensmaker.report.geometry_words import SHORT, heading, told
from lensmaker.report.numbers import number

WIDTH, LEFT, CELL, NARROW, GAP = 900, 8, 72, 12, 4
STEP = 26.0
"""Units of the drawing for one position of a layer's grid."""
LINE, NAMES, BAR = 124, 16, 6

ELLIPSE, NEGATIVE, ARROW = "currentColor", "#a566e6", "#e0245e"
BELOW, ABOVE, SHARE = "#3d82d8", "#d99a00", "#2f9e83"

Plane = tuple[tuple[float, float], tuple[float, float]]


def geometry_svg(layers: Sequence[LayerGeometry], *, paper: str = "") -> str:
    """A cell for each layer: ellipse of the metric, arrow of the drift, colour of the potential, bar of validity.

    Parameters
    ----------
    layers
        In order; "" comes back where there is none.
    paper
        Colour behind the drawing, and then ink is dark; "": that of the page.
    """
    if not layers:
        return ""
    rows = list(_rows(layers))
    height = len(rows) * LINE + 74
    body = [_row(row, k * LINE) for k, row in enumerate(rows)]
    ink = f'<rect width="{WIDTH}" height="{height}" fill="{paper}"/>' if paper else ""
    colour = "#1b2330" if paper else "currentColor"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%" role="img" '
        f'color="{"#1b2330" if paper else "inherit"}" fill="{colour}" font-size="10.5" '
        f'font-family="system-ui, sans-serif" aria-label="geometry of {len(layers)} convolutions">'
        f"{ink}{''.join(body)}{_legend(len(rows) * LINE + 8)}</svg>"
    )


def _rows(layers: Sequence[LayerGeometry]) -> Iterator[list[tuple[int, float, LayerGeometry]]]:
    """Lines of cells: number from 1, left edge, layer."""
    line: list[tuple[int, float, LayerGeometry]] = []
    at = float(LEFT)
    for i, layer in enumerate(layers, 1):
        width = CELL if layer.moves else NARROW
        if line and at + width > WIDTH - LEFT:
            yield line
            line, at = [], float(LEFT)
        line.append((i, at, layer))
        at += width + GAP
    yield line


def _row(row: Sequence[tuple[int, float, LayerGeometry]], top: float) -> str:
    first, last = row[0][2].where, row[-1][2].where
    ends = f"{row[0][0]} {first.path or first}"
    if len(row) > 1:
        ends += f" … {row[-1][0]} {last.path or last}"
    name = f'<text x="{LEFT}" y="{NAMES - 4}" fill-opacity=".75">{escape(ends)}</text>'
    cells = "".join(_cell(i, x, layer) for i, x, layer in row)
    return f'<g transform="translate(0 {top:g})">{name}{cells}</g>'


def _cell(index: int, x: float, layer: LayerGeometry) -> str:
    width = CELL if layer.moves else NARROW
    colour, opacity = shade(layer.potential)
    parts = [
        f"<title>{escape(heading(index, layer))}&#10;{escape(told(layer))}</title>",
        _box(width, colour, opacity),
        _bar(width, layer.share),
    ]
    if layer.moves:
        parts += [_grid(layer), _tensor(layer), _label(index, layer)]
    return (
        f'<g class="layer" data-layer="{index}" transform="translate({x:g} {NAMES + 2})">{"".join(parts)}</g>'
    )


def _box(width: float, colour: str, opacity: float) -> str:
    return (
        f'<rect width="{width}" height="{CELL}" rx="3" fill="{colour}" fill-opacity="{opacity:.3f}" '
        'stroke="currentColor" stroke-opacity=".3"/>'
    )


def shade(potential: float) -> tuple[str, float]:
    """Colour and opacity of a potential: |V|/(1 + |V|), which has the same meaning in every network.

    Examples
    --------
    >>> shade(-1.0)[1] == shade(1.0)[1], shade(0.0)[1], shade(float("nan"))
    (True, 0.0, ('none', 0.0))
    """
    if not math.isfinite(potential):
        return "none", 0.0
    return ABOVE if potential > 0 else BELOW, 0.85 * abs(potential) / (1 + abs(potential))


def _bar(width: float, share: float) -> str:
    track = f'<rect y="{CELL + 4}" width="{width}" height="{BAR}" fill-opacity=".16"/>'
    if not math.isfinite(share):
        return track
    filled = width * min(max(share, 0.0), 1.0)
    return f'{track}<rect y="{CELL + 4}" width="{filled:.2f}" height="{BAR}" fill="{SHARE}"/>'


def _label(index: int, layer: LayerGeometry) -> str:
    words = f"{index} {SHORT.get(layer.kind, layer.kind)}"
    return f'<text x="{CELL / 2:g}" y="{CELL + BAR + 16}" text-anchor="middle">{words}</text>'


def _grid(layer: LayerGeometry) -> str:
    """Positions of the grid about the centre; of one axis those of a line."""
    steps = (-1, 0, 1)
    middle = CELL / 2
    rows = steps if len(layer.spacing) > 1 else (0,)
    dots = "".join(f"M{middle + STEP * c:g} {middle + STEP * r:g}h0" for r in rows for c in steps)
    return f'<path d="{dots}" stroke="currentColor" stroke-opacity=".45" stroke-width="2.4" stroke-linecap="round"/>'


def plane_of(layer: LayerGeometry) -> tuple[Plane, tuple[float, float]]:
    """Metric and movement −A of a bump in (right, down), positions of the grid; of three axes the last two.

    Examples
    --------
    >>> from lensmaker.core import Where
    >>> metric, drift = ((8.0, 0.0), (0.0, 16.0)), (1.0, 2.0)
    >>> layer = LayerGeometry(Where("c"), "diffusive", "", (2.0, 4.0), 1.0, 0.0, drift, metric, 0.0, 9.0)
    >>> plane_of(layer)
    (((1.0, 0.0), (0.0, 2.0)), (-0.5, -0.5))
    """
    h, g, a = layer.spacing, layer.metric, layer.drift
    right = len(h) - 1
    if len(h) == 1:
        return ((g[0][0] / h[0] ** 2, 0.0), (0.0, 0.0)), (-a[0] / h[0], 0.0)
    down = right - 1
    cross = g[right][down] / (h[right] * h[down])
    return (
        ((g[right][right] / h[right] ** 2, cross), (cross, g[down][down] / h[down] ** 2)),
        (-a[right] / h[right], -a[down] / h[down]),
    )


def _tensor(layer: LayerGeometry) -> str:
    middle = CELL / 2
    if not layer.has_metric:
        return f'<text x="{middle:g}" y="{middle + 4:g}" text-anchor="middle">m₀ = 0</text>'
    metric, move = plane_of(layer)
    (small, _), (large, (c, s)) = principal_axes(metric)
    sizes = [math.sqrt(abs(v)) for v in (large, small)]
    room = (middle - 3) / STEP
    shrink = max(1.0, *(size / room for size in sizes), *(abs(m) / room for m in move))
    shown = f'<text x="3" y="11" font-size="9">÷{number(shrink, 2)}</text>' if shrink > 1 else ""
    a, b = (max(STEP * size / shrink, 0.8) for size in sizes)
    negative = min(small, large) < -1e-9
    look = f'stroke="{NEGATIVE}" stroke-dasharray="5 2.5"' if negative else f'stroke="{ELLIPSE}"'
    turn = math.degrees(math.atan2(s, c))
    ellipse = (
        f'<ellipse cx="{middle:g}" cy="{middle:g}" rx="{a:.2f}" ry="{b:.2f}" fill="none" {look} stroke-width="1.6" '
        f'transform="rotate({turn:.2f} {middle:g} {middle:g})"/>'
    )
    return ellipse + arrow(middle, middle, STEP * move[0] / shrink, STEP * move[1] / shrink) + shown


def arrow(x: float, y: float, right: float, down: float, colour: str = ARROW) -> str:
    """From a point by a vector; nothing where it is shorter than one unit of the drawing."""
    length = math.hypot(right, down)
    if length < 1:
        return ""
    head = min(5.0, 0.6 * length)
    u, v = right / length, down / length
    tips = [(x + right - head * (u * c + v * s), y + down - head * (v * c - u * s)) for c, s in _BARBS]
    barbs = "".join(f"M{x + right:.2f} {y + down:.2f}L{px:.2f} {py:.2f}" for px, py in tips)
    return (
        f'<path class="drift" d="M{x:.2f} {y:.2f}L{x + right:.2f} {y + down:.2f}{barbs}" fill="none" '
        f'stroke="{colour}" stroke-width="2.3" stroke-linecap="round"/>'
    )


_BARBS = ((math.cos(0.5), math.sin(0.5)), (math.cos(0.5), -math.sin(0.5)))


def _legend(top: float) -> str:
    """What the signs mean, in two lines."""
    ramp = []
    for k, v in enumerate((-4.0, -1.0, -0.25, 0.0, 0.25, 1.0, 4.0)):
        colour, opacity = shade(v)
        ramp.append(
            f'<rect x="{130 + 30 * k}" y="{top}" width="30" height="12" fill="{colour}" fill-opacity="{opacity:.3f}" '
            f'stroke="currentColor" stroke-opacity=".3"/>'
            f'<text x="{145 + 30 * k}" y="{top + 23}" text-anchor="middle">{number(v)}</text>'
        )
    second, third = top + 42, top + 60
    return (
        f'<text x="{LEFT}" y="{top + 10}">potential V = N − 1/f′</text>{"".join(ramp)}'
        f'<rect x="370" y="{top + 3}" width="40" height="{BAR}" fill-opacity=".16"/>'
        f'<rect x="370" y="{top + 3}" width="28" height="{BAR}" fill="{SHARE}"/>'
        f'<text x="418" y="{top + 10}">share of the input’s energy in waves longer than the validity wavelength</text>'
        f'<path d="M{LEFT + 3} {second - 4}h0m{STEP:g} 0h0" stroke="currentColor" stroke-width="3" '
        f'stroke-linecap="round"/><text x="{LEFT + STEP + 14:g}" y="{second}">one position of the layer’s grid</text>'
        f'{arrow(382, second - 4, STEP, 0)}<text x="418" y="{second}">−A: where, and how far, a bump moves</text>'
        f'<ellipse cx="{LEFT + 16}" cy="{third - 4}" rx="13" ry="6" fill="none" stroke="currentColor" '
        f'stroke-width="1.6"/><text x="{LEFT + STEP + 14:g}" y="{third}">√ of the metric</text>'
        f'<ellipse cx="160" cy="{third - 4}" rx="13" ry="6" fill="none" stroke="{NEGATIVE}" stroke-width="1.6" '
        f'stroke-dasharray="4 2.5"/><text x="182" y="{third}">indefinite: √|eigenvalues|</text>'
        f'<text x="370" y="{third}">÷ n: drawn n times smaller than the others; narrow cells: 1 × 1 kernels</text>'
    )

"""The geometry of a layer in words: headings, rows of a table, and one sentence for the whole network."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from lensmaker.core import LayerGeometry, PointSpreadRecord, principal_axes
from lensmaker.report.numbers import number, with_error

ROUNDING = 1e-7
"""What is less is rounding of single precision, and shown as zero."""

SHORT = {
    "diffusive": "diffusive",
    "advective": "advective",
    "anti-diffusive": "anti-diff.",
    "oscillatory": "oscillat.",
    "wave-like": "wave-like",
}
"""Classes as there is room for them in a cell."""

COLUMNS = (
    ("layer", False),
    ("class", False),
    ("N", True),
    ("drift A", True),
    ("metric g₋, g₊", True),
    ("axis of g₊", True),
    ("V", True),
    ("|F|", True),
    ("λ_v", True),
    ("share", True),
    ("ε₂ predicted", True),
    ("measured", True),
    ("σ_P predicted", True),
    ("measured", True),
)
"""Labels of the table, and whether its cells are numbers."""

CAPTION = (
    "N gain; drift A and metric g of the normalised kernel by axis, rows first, in pixels of the input; the axis of g₊ "
    "in degrees from the columns to the rows; V = N − 1/f′; |F| curvature; λ_v validity wavelength, and the share "
    "of the input’s energy in longer waves; ε₂ error of the operator of second order; σ_P width of what the centre "
    "listens to, in parentheses outside the regime of its prediction"
)


def heading(index: int, layer: LayerGeometry) -> str:
    """Number, name and class of a layer."""
    return f"{index} {layer.where}: {layer.kind}, {layer.meaning}"


def told(layer: LayerGeometry) -> str:
    """The numbers of a layer, for a reader who points at it."""
    parts = [f"N {number(layer.gain)}", f"V {or_dash(layer.potential)}"]
    if layer.has_metric and layer.moves:
        parts += [f"A {drift(layer)} px", f"g {eigenvalues(layer)} px²"]
    parts += [f"λ_v {number(layer.wavelength)} px", f"share {percent(layer.share)}"]
    if math.isfinite(layer.measured):
        parts.append(f"ε₂ {number(layer.expected)} predicted, {number(layer.measured)} measured")
    for name, spread in (("predicted", layer.predicted_spread), ("measured", layer.measured_spread)):
        if spread is not None:
            parts.append(f"σ_P {number(spread.width)} px {name}")
    return " · ".join([*parts, *layer.notes])


def drift(layer: LayerGeometry) -> str:
    """By axis; "—" without one."""
    return ", ".join(number(_rounded(a), 2) for a in layer.drift) if layer.has_metric else "—"


def eigenvalues(layer: LayerGeometry) -> str:
    """Those of the metric, ascending; "—" without one."""
    if not layer.has_metric:
        return "—"
    return ", ".join(number(_rounded(value)) for value, _ in principal_axes(layer.metric))


def _rounded(value: float) -> float:
    return 0.0 if abs(value) < ROUNDING else value


def angle(layer: LayerGeometry) -> str:
    """Of the metric's largest axis, from the columns to the rows, −90° to 90°; "—" where there is no plane."""
    if len(layer.spacing) != 2 or not layer.has_metric or not layer.moves:
        return "—"
    _, (down, right) = principal_axes(layer.metric)[-1]
    degrees = math.degrees(math.atan2(down, right))
    return f"{degrees - 180 if degrees > 90 else degrees:.0f}°"


def percent(share: float) -> str:
    """A share in per cent; "—" where it is not known.

    Examples
    --------
    >>> percent(0.9349), percent(float("nan"))
    ('93 %', '—')
    """
    return f"{100 * share:.0f} %" if math.isfinite(share) else "—"


def cells(layer: LayerGeometry) -> list[str]:
    """One row of the table."""
    return [
        str(layer.where),
        layer.kind,
        number(layer.gain),
        drift(layer) if layer.moves else "—",
        eigenvalues(layer) if layer.moves else "—",
        angle(layer),
        or_dash(layer.potential),
        or_dash(layer.curvature),
        number(layer.wavelength),
        percent(layer.share),
        or_dash(layer.expected),
        with_error(layer.measured, layer.measured_error) if math.isfinite(layer.measured) else "—",
        width_in_words(layer.predicted_spread),
        number(layer.measured_spread.width) if layer.measured_spread else "—",
    ]


def summary_of_geometry(layers: Sequence[LayerGeometry]) -> str:
    """How many layers of each class, how many moved nothing, and how the point spread grew."""
    moving = [layer for layer in layers if layer.moves]
    tally = Counter(layer.kind for layer in moving).most_common()
    parts = [f"{n} {kind}" for kind, n in tally]
    if still := len(layers) - len(moving):
        parts.append(f"{still} that move nothing")
    words = f"{len(layers)} convolution{'s' if len(layers) > 1 else ''}: {', '.join(parts)}"
    pairs = [(a, b) for x in layers if (a := x.predicted_spread) and (b := x.measured_spread)]
    if pairs:
        a, b = pairs[-1]
        words += (
            f"; the last that was looked at listens to {number(b.width)} pixels about its centre (standard deviation), "
            f"predicted {number(a.width)}"
        )
        words += f", where {a.outside}" if a.outside else ""
    return words + "."


def or_dash(value: float) -> str:
    """A number; "—" where it is none."""
    return "—" if math.isnan(value) else number(_rounded(value))


def width_in_words(spread: PointSpreadRecord | None) -> str:
    """In pixels, in parentheses outside the regime of its prediction; "—" without one."""
    if spread is None:
        return "—"
    return f"({number(spread.width)})" if spread.outside else number(spread.width)

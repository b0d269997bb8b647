"""Small pictures side by side, with rows and columns named, as SVG, PNG, or a page of HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
from numpy.typing import NDArray

from lensmaker.report.png import data_url, png

LEFT, TOP, GAP = 74, 30, 2
"""Room for the names of rows and of columns, and between pictures, in units of the drawing."""

CELL = 76.0
"""Longest side of a picture, in units of the drawing."""

FRAME = (198, 205, 214)
"""What is between pictures."""


@dataclass(frozen=True, eq=False)
class Mosaic:
    """Pictures in a grid.

    Attributes
    ----------
    pictures
        Colours, (n, height, width, 3), of the first row of the grid, then of the second one, …
    columns
        How many in a row.
    title, caption
        Above, and below.
    row_names, column_names
        Beside and above the pictures; none where empty.
    row_axis, column_axis
        What these names count.
    legend
        Colours, (width, 3), of a strip from the lowest value to the highest one.
    ends
        What stands at the ends, and in the middle, of the strip.
    """

    pictures: NDArray[np.uint8]
    columns: int
    title: str
    caption: str
    row_names: Sequence[str] = ()
    column_names: Sequence[str] = ()
    row_axis: str = ""
    column_axis: str = ""
    legend: NDArray[np.uint8] | None = None
    ends: Sequence[str] = field(default=())

    @property
    def rows(self) -> int:
        """Of the grid."""
        return -(-len(self.pictures) // self.columns)

    def pixels(self, zoom: int) -> NDArray[np.uint8]:
        """All pictures with a line between them, one value `zoom` pixels wide."""
        n, height, width, _ = self.pictures.shape
        step = height * zoom + GAP, width * zoom + GAP
        out = np.full((self.rows * step[0] + GAP, self.columns * step[1] + GAP, 3), 255, np.uint8)
        for k in range(n):
            y, x = (place * size for place, size in zip(divmod(k, self.columns), step, strict=True))
            out[y : y + step[0] + GAP, x : x + step[1] + GAP] = FRAME
        for k in range(n):
            y, x = (GAP + place * size for place, size in zip(divmod(k, self.columns), step, strict=True))
            picture = self.pictures[k].repeat(zoom, 0).repeat(zoom, 1)
            out[y : y + height * zoom, x : x + width * zoom] = picture
        return out

    def png(self) -> bytes:
        """The pictures alone, a value some pixels wide."""
        return png(self.pixels(self._zoom))

    @property
    def _zoom(self) -> int:
        return max(1, round(CELL / max(self.pictures.shape[1:3])))

    def svg(self) -> str:
        """The pictures with the names of rows and columns, and the legend."""
        pixels = self.pixels(self._zoom)
        height, width = pixels.shape[:2]
        left = LEFT if self.row_names else 2
        top = TOP + (18 if self.column_axis else 0) if self.column_names else 2
        foot = 52 if self.legend is not None else 6
        whole = max(width + left + 4, 420)
        place = f'x="{left}" y="{top}" width="{width}" height="{height}"'
        parts = [f'<image {place} href="{data_url(pixels)}" style="image-rendering: pixelated"/>']
        step = width / self.columns, height / self.rows
        for k, name in enumerate(self.column_names):
            x = left + (k + 0.5) * step[0]
            parts.append(f'<text x="{x:.1f}" y="{top - 7}" text-anchor="middle">{escape(name)}</text>')
        for k, name in enumerate(self.row_names):
            y = top + (k + 0.5) * step[1] + 4
            parts.append(f'<text x="{left - 8}" y="{y:.1f}" text-anchor="end">{escape(name)}</text>')
        if self.column_axis:
            x = left + width / 2
            parts.append(
                f'<text x="{x:.1f}" y="14" text-anchor="middle" class="axis">{escape(self.column_axis)}</text>'
            )
        if self.row_axis:
            y = top + height / 2
            turn = f'transform="rotate(-90 16 {y:.1f})"'
            parts.append(
                f'<text x="16" y="{y:.1f}" {turn} text-anchor="middle" class="axis">'
                f"{escape(self.row_axis)}</text>"
            )
        if self.legend is not None:
            parts += self._strip(left, top + height + 14)
        style = (
            "text { font: 12px system-ui, 'DejaVu Sans', sans-serif; fill: #5b6675 } .axis { fill: #1b2330 }"
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {top + height + foot}" '
            f'width="{whole}" height="{top + height + foot}" role="img" '
            f'aria-label="{escape(self.title)}"><style>{style}</style>{"".join(parts)}</svg>\n'
        )

    def _strip(self, x: float, y: float) -> list[str]:
        assert self.legend is not None
        width, last = 240, max(1, len(self.ends) - 1)
        place = f'x="{x}" y="{y}" width="{width}" height="12"'
        parts = [
            f'<image {place} preserveAspectRatio="none" href="{data_url(self.legend[None])}"/>',
            f'<rect {place} fill="none" stroke="#98a2b0"/>',
        ]
        for k, words in enumerate(self.ends):
            anchor = "start" if k == 0 else "end" if k == last else "middle"
            at = x + width * k / last
            parts.append(f'<text x="{at:.1f}" y="{y + 27}" text-anchor="{anchor}">{escape(words)}</text>')
        return parts


def wide(count: int) -> int:
    """Columns of a grid that is a little wider than high.

    Examples
    --------
    >>> wide(1), wide(16), wide(500)
    (1, 5, 26)
    """
    return max(1, round(math.sqrt(count * 4 / 3)))

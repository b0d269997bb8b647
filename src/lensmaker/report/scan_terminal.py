"""A scan over temperatures in a terminal: points, and the exact curves as dots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lensmaker.core import quantity

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

WIDTH, HEIGHT = 80, 14
"""Most columns, and lines, of one plot."""


def scan_plot(data: Mapping[str, Any]) -> ScanPlot:
    """One plot for each quantity that is shown, as a rich renderable of the console's width.

    Parameters
    ----------
    data
        What `Scan.to_dict()` gives.
    """
    return ScanPlot(data)


@dataclass(frozen=True)
class ScanPlot:
    """What `scan_plot` returns; print it with `rich.console.Console().print`."""

    data: Mapping[str, Any]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.text import Text

        for name in self.data["shown"]:
            yield Text(_drawn(self.data, name, min(options.max_width, WIDTH)), no_wrap=True)


def _drawn(data: Mapping[str, Any], name: str, width: int) -> str:
    import plotext

    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plot_size(width, HEIGHT)
    key = "o measured"
    for label, x, y in data["curves"].get(name, ())[:1]:
        plotext.plot(list(x), list(y), marker="braille")
        key += f", line {label}"
    points = [row for row in data["rows"] if row["quantity"] == name]
    plotext.scatter([r["temperature"] for r in points], [r["value"] for r in points], marker="o")
    plotext.title(f"{name.replace('_', ' ')} {quantity(name).symbol} over T: {key}")
    plot = plotext.uncolorize(plotext.build())
    plotext.clear_figure()
    return "\n".join(row.rstrip() for row in plot.splitlines())

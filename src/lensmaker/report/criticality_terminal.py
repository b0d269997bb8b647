"""The critical line in a terminal: σ_w over σ_b, and where the layer stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

WIDTH, HEIGHT = 80, 18
"""Most columns, and lines, of the plot."""


def criticality_plot(data: Mapping[str, Any]) -> CriticalityPlot:
    """The plane of biases and weights as a rich renderable, of the console's width.

    Parameters
    ----------
    data
        What `CriticalityRecord.to_dict()` gives; of it `line`, `sigma_w` and `sigma_b`.
    """
    return CriticalityPlot(data)


@dataclass(frozen=True)
class CriticalityPlot:
    """What `criticality_plot` returns; print it with `rich.console.Console().print`."""

    data: Mapping[str, Any]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.text import Text

        if drawn := _drawn(self.data, min(options.max_width, WIDTH)):
            yield Text(drawn, no_wrap=True)


def _drawn(data: Mapping[str, Any], width: int) -> str:
    """The plot as lines of text; "" where the activation has no critical line."""
    line = [(x, y) for x, y in zip(data["line"]["x"], data["line"]["y"], strict=True) if y is not None]
    if not line:
        return ""
    import plotext

    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plot_size(width, HEIGHT)
    plotext.plot(*map(list, zip(*line, strict=True)), marker="braille")
    plotext.scatter([data["sigma_b"]], [data["sigma_w"]], marker="o")
    plotext.xlim(0, max(0.5, 1.2 * data["sigma_b"], *(x for x, _ in line)))
    plotext.title("σ_w over σ_b: the critical line χ₁ = 1, and o this layer")
    plot = plotext.uncolorize(plotext.build())
    plotext.clear_figure()
    return "\n".join(row.rstrip() for row in plot.splitlines())

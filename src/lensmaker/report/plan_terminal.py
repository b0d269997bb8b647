"""The plan of a polynomial in a terminal: hidden units by depth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lensmaker.report.plan_figure import plan_charts

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

WIDTH, HEIGHT = 80, 14
"""Most columns, and lines, of one plot."""


def plan_plot(data: Mapping[str, Any]) -> PlanPlot:
    """Both charts as a rich renderable of the console's width.

    Parameters
    ----------
    data
        What `NetworkPlan.to_dict()` gives.
    """
    return PlanPlot(data)


@dataclass(frozen=True)
class PlanPlot:
    """What `plan_plot` returns; print it with `rich.console.Console().print`."""

    data: Mapping[str, Any]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.text import Text

        for chart in plan_charts(self.data):
            if drawn := _drawn(chart, min(options.max_width, WIDTH)):
                yield Text(drawn, no_wrap=True)


def _drawn(chart: Mapping[str, Any], width: int) -> str:
    """Powers of ten over layers; "" where there is but one number of layers."""
    import plotext

    points = [(x, math.log10(y)) for s in chart["series"][:1] for x, y in s["points"] if 0 < y < math.inf]
    if len({x for x, _ in points}) < 2:
        return ""
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plot_size(width, HEIGHT)
    plotext.plot([x for x, _ in points], [y for _, y in points], marker="braille")
    plotext.scatter([x for x, _ in points], [y for _, y in points], marker="o")
    plotext.xticks(sorted({x for x, _ in points}))
    plotext.title(f"log₁₀ of the {chart['axes'][1].replace('hidden', 'number of hidden')} over hidden layers")
    plot = plotext.uncolorize(plotext.build())
    plotext.clear_figure()
    return "\n".join(row.rstrip() for row in plot.splitlines())

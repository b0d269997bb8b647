"""One figure on a page of HTML that needs nothing else: no network, no server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lensmaker.report.templating import fill, template

if TYPE_CHECKING:
    from lensmaker.report.mosaic import Mosaic


def figure_page(
    title: str, caption: str, figure: str, *, captions: Sequence[tuple[str, str]] = (), script: str = ""
) -> str:
    """The page.

    Parameters
    ----------
    figure
        HTML or SVG that is taken as it is; everything else is escaped.
    captions
        Names of parts of the figure, and what is seen there.
    script
        JavaScript that the figure needs.
    """
    from markupsafe import Markup

    return fill(
        "figure.html.j2",
        title=title,
        caption=caption,
        figure=Markup(figure),
        captions=captions,
        script=Markup(script),
        css=Markup(template("report.css")),
    )


def mosaic_file(mosaic: Mosaic, suffix: str) -> bytes:
    """What a file of this kind holds: `.png` the pictures alone, `.svg` their names too, `.html` also the caption."""
    if suffix == ".png":
        return mosaic.png()
    text = mosaic.svg() if suffix == ".svg" else figure_page(mosaic.title, mosaic.caption, mosaic.svg())
    return text.encode()

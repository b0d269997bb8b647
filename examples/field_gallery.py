"""The geometry of a trained ImageNet network by depth: MobileNetV2 as a differential equation.

    python examples/field_gallery.py [--samples 4] [--figures docs/images]

Every convolution is read as a differential operator, and drawn: the metric as an ellipse, the drift as an arrow, the
potential as colour, and as a bar the share of the energy of photographs that lies in waves longer than the validity
wavelength. A second drawing has what layers listen to, predicted from second moments that add up, beside gradients.
The table has means over the layers of more than one tap by the spacing of their grid:

- size, √(tr g/2), and movement, |A|, in positions of the grid; a box of 3 × 3 has the size 0.816;
- anisotropy, (g₊ − g₋)/(|g₊| + |g₋|);
- V, the share of energy beyond λ_v, and the error of the operator of second order, predicted and measured;
- the width of what the centre listens to, measured over predicted, over the same layers.

Files: `field-gallery.svg` and `field-gallery-spread.svg`.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table as Grid
from torch import Tensor

from lensmaker.core import LayerGeometry, Table, principal_axes
from lensmaker.data import mobilenet_v2
from lensmaker.phenomena.geometry import geometry
from lensmaker.report import write_text
from lensmaker.report.geometry_page import geometry_figures
from lensmaker.systems.networks import Network

NAMES = {"fields.svg": "field-gallery.svg", "point-spread.svg": "field-gallery-spread.svg"}
HEAD = (
    "grid, px",
    "layers",
    "size",
    "movement",
    "anisotropy",
    "V",
    "share",
    "ε₂ predicted",
    "measured",
    "width, px",
    "measured/predicted",
)


def read(samples: int) -> Table[LayerGeometry]:
    """The layers of MobileNetV2 on photographs."""
    subject = mobilenet_v2()
    assert isinstance(subject.batch, Tensor)
    network = Network(subject.model, subject.batch[:samples])
    with network.held_still():
        return geometry(network, samples=samples)


def by_depth(layers: Iterable[LayerGeometry]) -> list[list[float]]:
    """One row for each spacing of the grid: means over its layers."""
    groups: dict[float, list[LayerGeometry]] = {}
    for layer in layers:
        if layer.moves:
            groups.setdefault(layer.spacing[0], []).append(layer)
    rows = []
    for spacing, group in groups.items():
        of_layers = [_numbers(layer, spacing) for layer in group]
        *means, width, ratio = np.mean(of_layers, 0).tolist()
        rows.append([spacing, float(len(group)), *means, width, math.exp(ratio)])
    return rows


def _numbers(layer: LayerGeometry, spacing: float) -> list[float]:
    (small, _), (large, _) = principal_axes(layer.metric)
    predicted, measured = layer.predicted_spread, layer.measured_spread
    assert predicted is not None
    assert measured is not None
    return [
        math.sqrt(max(small + large, 0.0) / 2) / spacing,
        math.hypot(*layer.drift) / spacing,
        (large - small) / (abs(large) + abs(small)),
        layer.potential,
        layer.share,
        layer.expected,
        layer.measured,
        measured.width,
        math.log(measured.width / predicted.width),
    ]


def main(samples: int = 4, figures: Path | None = None) -> list[list[float]]:
    """Print the table, and draw."""
    layers = read(samples)
    rows = by_depth(layers)
    grid = Grid(title=f"MobileNetV2 on {samples} photographs, by the spacing of the grid")
    for name in HEAD:
        grid.add_column(name, justify="right")
    for row in rows:
        grid.add_row(*(f"{cell:.3g}" for cell in row))
    Console(width=130).print(grid)
    if figures is not None:
        for name, text in geometry_figures(layers).items():
            write_text(figures / NAMES[name], text)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The geometry of MobileNetV2 by depth.")
    parser.add_argument("--samples", type=int, default=4, help="photographs that are looked at")
    parser.add_argument("--figures", type=Path, help="folder to draw into")
    given = parser.parse_args()
    main(given.samples, given.figures)

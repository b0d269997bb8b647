"""Trained networks as differential equations: where that may be trusted, and what their layers listen to.

    python examples/field_equation.py [--quick] [--figure point-spread.png]

1. A photograph, raw and blurred by one and two pixels, through a random 3 × 3 convolution: errors of the operators of
   order 0, 1 and 2, as expected from its spectrum and as measured.
2. The same of every convolution of MobileNetV2 (photographs), SVHNNet (digits) and a fresh residual network, the
   expected over the measured, and the share of the input's energy beyond the validity wavelength.
3. Width and drift of what the centre of each convolution listens to, measured over predicted; the figure shows squared
   gradients of four layers of MobileNetV2 with the predicted ellipse of one and two widths, and the drift.

`--quick` leaves MobileNetV2 out.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table as Grid
from torch import Tensor, nn
from torch.nn import functional as F

from lensmaker.core import compare
from lensmaker.data import mobilenet_v2, photos, svhn_net
from lensmaker.instruments.convolutions.field_law_error import FieldLawError
from lensmaker.instruments.convolutions.point_spread_gradients import PointSpreadGradients
from lensmaker.phenomena.trust import trust
from lensmaker.systems.networks import Network
from lensmaker.theories.field_equation.theory import FieldEquation
from lensmaker.theories.point_spread.theory import PointSpread

SHOWN = ("features.1.conv.0.0", "features.4.conv.1.0", "features.8.conv.1.0", "features.14.conv.1.0")


class Block(nn.Module):
    """Two convolutions and a skip."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        self.short = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Add the block to what came in."""
        y = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        return torch.relu(y + self.short(x))


def residual() -> nn.Module:
    """A residual network of thirteen convolutions, as it is drawn."""
    torch.manual_seed(0)
    sizes = [(16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)]
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), *[Block(*size) for size in sizes]).eval()


def blurred(x: Tensor, width: float) -> Tensor:
    """A Gaussian blur of the given standard deviation."""
    if not width:
        return x
    reach = math.ceil(4 * width)
    taps = torch.exp(-(torch.arange(-reach, reach + 1, dtype=x.dtype) ** 2) / (2 * width * width))
    taps = taps / taps.sum()
    x = F.conv2d(F.pad(x, (0, 0, reach, reach), mode="reflect"), taps.view(1, 1, -1, 1))
    return F.conv2d(F.pad(x, (reach, reach, 0, 0), mode="reflect"), taps.view(1, 1, 1, -1))


def photograph(console: Console) -> list[list[float]]:
    """Errors on a photograph: rows of blur, three measured, three expected, wavelength and share."""
    data = photos(224)
    cat = data.x[list(data.samples).index("chelsea")].double().mean(0)[None, None]
    torch.manual_seed(1)
    conv = nn.Conv2d(1, 8, 3, bias=False).double()
    rows = []
    for width in (0.0, 1.0, 2.0):
        field = blurred(cat, width)
        network = Network(conv, field - field.mean())
        pairs, _, _ = compare(
            FieldEquation(samples=1).predict(network), FieldLawError(samples=1).measure(network)
        )
        (row,) = trust(network, samples=1)
        measured, expected = [c.measurement.value for c in pairs], [c.prediction.value for c in pairs]
        rows.append([width, *measured, *expected, row.wavelength, row.share])
    head = ["blur", "ε₀", "ε₁", "ε₂", "ε₀ expected", "ε₁", "ε₂", "λ_v", "share beyond"]
    _print(console, "A photograph through a random convolution", head, rows)
    return rows


def networks(quick: bool) -> dict[str, Network]:
    """The networks that are read, with what they read."""
    svhn = svhn_net()
    found = {
        "svhn_net": Network(svhn.model, svhn.batch[:8]),
        "fresh ResNet": Network(residual(), photos(64).normalised().x[:8]),
    }
    if not quick:
        mobile = mobilenet_v2()
        found["mobilenet_v2"] = Network(mobile.model, mobile.batch[:8])
    return found


def errors(console: Console, subjects: dict[str, Network]) -> dict[str, list[float]]:
    """Errors of second order on what each convolution reads."""
    found = {}
    for name, network in subjects.items():
        rows = trust(network)
        measured = np.array([r.measured for r in rows])
        ratio = np.log([r.expected for r in rows]) - np.log(measured)
        share = np.array([r.share for r in rows])
        found[name] = [
            len(rows),
            sum(r.is_true for r in rows),
            measured.min(),
            measured.max(),
            math.exp(ratio.mean()),
            ratio.std(),
            share.min(),
            share.max(),
        ]
    head = [
        "",
        "layers",
        "within 10 %",
        "ε₂ from",
        "to",
        "expected/measured",
        "±",
        "share beyond λ_v from",
        "to",
    ]
    _print(console, "The operators of second order", head, [[k, *v] for k, v in found.items()])
    return found


def spreads(console: Console, subjects: dict[str, Network], figure: Path | None) -> dict[str, list[float]]:
    """Widths and drifts of point spreads."""
    found = {}
    for name, network in subjects.items():
        instrument = PointSpreadGradients(samples=8)
        predictions = PointSpread(samples=8).predict(network)
        pairs, _, _ = compare(predictions, instrument.measure(network))
        widths = [c for c in pairs if c.quantity.name == "point_spread_width"]
        ratio = np.log([c.ratio for c in widths])
        drifts = [abs(c.z_score) for c in pairs if c.quantity.name == "point_spread_drift"]
        found[name] = [
            len(widths),
            widths[0].prediction.value,
            max(c.prediction.value for c in widths),
            math.exp(ratio.mean()),
            ratio.std(),
            float(np.abs(ratio).max()),
            float(np.median(drifts)),
        ]
        if figure is not None and name == "mobilenet_v2":
            draw(figure, network, predictions, instrument)
    head = ["", "layers", "width from", "to, px", "measured/predicted", "±", "worst", "median |z| of drift"]
    _print(console, "What the centre listens to", head, [[k, *v] for k, v in found.items()])
    return found


def draw(path: Path, network: Network, predictions: Any, instrument: PointSpreadGradients) -> None:
    """Squared gradients with the predicted ellipses: four layers of a network."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt
    from matplotlib.patches import Ellipse

    shown = {where.path: (spread, middle) for where, spread, middle in instrument.spreads(network)}
    figure, axes = plt.subplots(1, len(SHOWN), figsize=(4 * len(SHOWN), 5), layout="constrained")
    for axis, path_of in zip(axes, SHOWN, strict=True):
        spread, middle = shown[path_of]
        told = {
            (p.quantity.name, *dict(p.where.coordinates).values()): p.value
            for p in predictions
            if p.where.path == path_of
        }
        drift = np.array([told["point_spread_drift", 0.0], told["point_spread_drift", 1.0]])
        width = told["point_spread_width",]
        e = [told["point_spread_ellipticity", 0.0], told["point_spread_ellipticity", 1.0]]
        covariance = width**2 * np.array([[1 + e[0], e[1]], [e[1], 1 - e[0]]])
        values, vectors = np.linalg.eigh(covariance)
        picture = np.sqrt(spread.sum(0))
        axis.imshow(picture / picture.max(), cmap="magma")
        centre = np.array(middle) + drift
        angle = math.degrees(math.atan2(vectors[0, -1], vectors[1, -1]))
        for size in (2, 4):
            axes_of = size * math.sqrt(values[-1]), size * math.sqrt(values[0])
            axis.add_patch(
                Ellipse((centre[1], centre[0]), *axes_of, angle=angle, fill=False, color="cyan", lw=1.2)
            )
        axis.plot(middle[1], middle[0], "+", color="white", ms=9)
        axis.annotate(
            "",
            (centre[1], centre[0]),
            (middle[1], middle[0]),
            arrowprops={"arrowstyle": "->", "color": "cyan"},
        )
        reach = 4.5 * width
        axis.set_xlim(max(0, centre[1] - reach), min(picture.shape[1] - 1, centre[1] + reach))
        axis.set_ylim(min(picture.shape[0] - 1, centre[0] + reach), max(0, centre[0] - reach))
        axis.set_title(
            f"{path_of}\nwidth {width:.1f} px, drift ({drift[0]:.1f}, {drift[1]:.1f})", fontsize=10
        )
        axis.set_xlabel("column, px")
    axes[0].set_ylabel("row, px")
    figure.suptitle(
        "|gradient| of the centre of a layer; predicted: ellipses of one and two widths, drift from +\n"
    )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _print(console: Console, title: str, head: list[str], rows: list[list[Any]]) -> None:
    grid = Grid(title=title)
    for name in head:
        grid.add_column(name, justify="right")
    for row in rows:
        grid.add_row(*(cell if isinstance(cell, str) else f"{cell:.3g}" for cell in row))
    console.print(grid)


def main(quick: bool = False, figure: Path | None = None) -> dict[str, Any]:
    """Print the three tables, and draw."""
    console = Console(width=130)
    subjects = networks(quick)
    return {
        "photograph": photograph(console),
        "errors": errors(console, subjects),
        "spreads": spreads(console, subjects, figure),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Trained networks as differential equations.")
    parser.add_argument("--quick", action="store_true", help="leave MobileNetV2 out")
    parser.add_argument("--figure", type=Path, help="where to draw point spreads of MobileNetV2")
    given = parser.parse_args()
    main(given.quick, given.figure)

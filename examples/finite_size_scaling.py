"""Finite-size scaling: where curves of several sizes fall on one, and the exponents that put them there.

    python examples/finite_size_scaling.py [figure.html] [--sizes 16 32 64] [--samples 8000]

The Ising model on square tori, by Swendsen–Wang. U₄, |m| and N⟨m²⟩ are measured over (T/T_c − 1) L = −1 … 1. T_c and
1/ν are found by letting the curves of U₄ fall on one, β/ν and γ/ν from those of |m| and N⟨m²⟩. Beside them stand the
exponents from T_c alone, by `CriticalExponents`, and what `CriticalPoint` predicts. What has been sampled is kept
beside the figure, and an interrupted run goes on.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from rich.console import Console
from rich.progress import track
from rich.table import Table

from lensmaker.core import Convergence, Measurement, compare
from lensmaker.instruments.spins.critical_exponents import CriticalExponents
from lensmaker.instruments.spins.ensemble import Ensemble, series_of
from lensmaker.numerics.autocorrelation import mean_of
from lensmaker.numerics.finite_size_scaling import Collapse, Curve, collapse
from lensmaker.systems.spins import Canonical, Samples, ising, sample, square
from lensmaker.systems.spins.sampling import SwendsenWang
from lensmaker.theories.spins.critical_point import CriticalPoint
from lensmaker.theories.spins.onsager import CRITICAL_TEMPERATURE as T_C

DISTANCES = np.linspace(-1, 1, 11)
"""(T/T_c − 1) L of the curves."""

TIMES_MORE = 4
"""How many times as many samples at T_c itself, where the exponents are read off."""


def sampled(size: int, temperature: float, n: int, folder: Path) -> Samples:
    """Samples of a torus; kept in the folder."""
    system = Canonical(ising(square(size)), temperature)
    path = folder / f"L{size}-T{temperature:.6f}-n{n}.zarr"
    return sample(system, n, rule=SwendsenWang(), seed=size, path=path)


def curves(sizes: list[int], n: int, folder: Path) -> dict[str, list[Curve]]:
    """U₄, |m| and N⟨m²⟩ of each size over the temperature."""
    found: dict[str, list[Curve]] = {"binder": [], "magnetisation": [], "square": []}
    for size in sizes:
        temperatures = T_C * (1 + DISTANCES / size)
        rows: dict[str, list[tuple[float, float]]] = {name: [] for name in found}
        for temperature in track(temperatures, f"L = {size}", console=Console(stderr=True), transient=True):
            samples = sampled(size, float(temperature), n, folder)
            measured = {m.quantity.name: m for m in Ensemble().measure(samples)}
            for name in ("binder", "magnetisation"):
                rows[name].append(settled(measured[name]))
            rows["square"].append(tuple(mean_of(size**2 * series_of(samples)[1] ** 2)))
        for name, row in rows.items():
            values, errors = np.array(row).T
            found[name].append(Curve(size, temperatures, values, errors))
    return found


def settled(m: Measurement) -> tuple[float, float]:
    """Value and error of a measurement that has converged."""
    if m.convergence is not Convergence.CONVERGED:
        raise SystemExit(f"{m.quantity} at {m.where}: {m.convergence.value}.")
    return m.value, m.error


def figure(found: dict[str, list[Curve]], fits: dict[str, Collapse]) -> go.Figure:
    """Above as measured, below collapsed."""
    names = {"binder": "U₄", "magnetisation": "⟨|m|⟩", "square": "N⟨m²⟩"}
    powers = {"binder": "", "magnetisation": " L<sup>β/ν</sup>", "square": " L<sup>−γ/ν</sup>"}
    titles = [*names.values(), *(f"{names[k]}{powers[k]}" for k in names)]
    made = make_subplots(2, 3, subplot_titles=titles, vertical_spacing=0.14, horizontal_spacing=0.06)
    colours = ("#3b6fb6", "#2a9d8f", "#e07b39", "#a23b72", "#666666")
    for column, name in enumerate(names, 1):
        fit = fits[name]
        for curve, colour in zip(found[name], colours, strict=False):
            style = {"color": colour, "size": 6}
            for row in (1, 2):
                scale = curve.size**-fit.power.value if row == 2 else 1.0
                x = (
                    (curve.at - fit.critical.value) * curve.size**fit.inverse_nu.value
                    if row == 2
                    else curve.at
                )
                made.add_trace(
                    go.Scatter(
                        x=x,
                        y=scale * curve.values,
                        error_y={"array": scale * curve.errors, "width": 3, "thickness": 1},
                        mode="markers" if row == 2 else "markers+lines",
                        marker=style,
                        line={"color": colour, "width": 1},
                        name=f"L = {curve.size:g}",
                        showlegend=column == row == 1,
                    ),
                    row=row,
                    col=column,
                )
        made.update_xaxes(title_text="T", row=1, col=column)
        made.update_xaxes(title_text="(T − T<sub>c</sub>) L<sup>1/ν</sup>", row=2, col=column)
    title = "Ising model on square tori: as measured, and the same points collapsed"
    made.update_layout(template="plotly_white", title=title, height=760)
    made.update_yaxes(type="log", row=1, col=3)
    return made


def main(path: Path, sizes: list[int], n: int) -> dict[str, Any]:
    """Sample, fit, print, and draw; returns the numbers."""
    console, folder = Console(), path.with_suffix(".samples")
    folder.mkdir(parents=True, exist_ok=True)
    found = curves(sizes, n, folder)
    fits = {
        "binder": collapse(found["binder"], (T_C, 1.0, 0.0)),
        "magnetisation": collapse(found["magnetisation"], (T_C, 1.0, -0.125)),
        "square": collapse(found["square"], (T_C, 1.0, 1.75)),
    }
    table = Table("collapse of", "T_c", "1/ν", "power of L", "quality")
    for name, fit in fits.items():
        known = fit.power.error > 0
        table.add_row(
            name,
            f"{fit.critical.value:.4f} ± {fit.critical.error:.4f}",
            f"{fit.inverse_nu.value:.3f} ± {fit.inverse_nu.error:.3f}",
            f"{fit.power.value:.4f} ± {fit.power.error:.4f}" if known else "0",
            f"{fit.quality:.2f}",
        )
    console.print(table)

    critical = [
        sampled(L, T_C, TIMES_MORE * n, folder)
        for L in track(sizes, "at T_c", console=Console(stderr=True), transient=True)
    ]
    measured = [*CriticalExponents().measure(critical), *Ensemble().measure(critical[-1])]
    pairs, _, _ = compare(CriticalPoint().predict(critical[-1].system), measured)
    table = Table("at T_c", "predicted", "measured", "z", "verdict")
    for pair in pairs:
        value = f"{pair.measurement.value:.5f} ± {pair.measurement.error:.5f}"
        exact = f"{pair.prediction.value:.5f} ± {pair.prediction.error:.5f}"
        table.add_row(pair.quantity.symbol, exact, value, f"{pair.z_score:.2f}", pair.verdict.value)
    console.print(table)

    figure(found, fits).write_html(path, include_plotlyjs=True)
    console.print(f"The figure: {path}")
    return {
        "collapse": {
            name: {"T_c": fit.critical, "inverse_nu": fit.inverse_nu, "power": fit.power}
            for name, fit in fits.items()
        },
        "at T_c": {p.quantity.name: (p.measurement.value, p.measurement.error) for p in pairs},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("figure", nargs="?", type=Path, default=Path("build/finite_size_scaling.html"))
    parser.add_argument("--sizes", nargs="+", type=int, default=[16, 32, 64])
    parser.add_argument("--samples", type=int, default=8000)
    asked = parser.parse_args()
    main(asked.figure, asked.sizes, asked.samples)

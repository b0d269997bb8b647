"""The flow diagram of the Ising model: couplings of block spins, from level to level, below, at and above T_c.

    python examples/flow_diagram.py [figure.html] [--size 64] [--samples 4000] [--levels 3]

Samples at several temperatures are coarse-grained by the majority rule of 2 × 2 blocks, again and again. At each level
the couplings of neighbours, of diagonals and of plaquettes are read off the block spins by pseudo-likelihood. Below T_c
they flow to strong coupling, above it to none; at T_c they stop near a fixed point that has a coupling of diagonals.
Exponents at T_c, from the linearised flow, stand beside those of the theory. `figure.svg` is the drawing alone.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from lensmaker.core import Convergence, Measurement, compare
from lensmaker.instruments.renormalization import MonteCarloRG, RenormalisedCouplings
from lensmaker.report.flow_figure import flow_html, flow_svg
from lensmaker.systems.spins import Canonical, Samples, ising, sample, square
from lensmaker.systems.spins.coarse_graining import Flow, MajorityRule, repeated
from lensmaker.systems.spins.sampling import Wolff
from lensmaker.theories.spins.critical_point import CriticalPoint
from lensmaker.theories.spins.onsager import CRITICAL_TEMPERATURE as T_C

DISTANCES = (-0.08, -0.03, 0.0, 0.03, 0.08)
"""T/T_c − 1 of the starts."""

LARGEST = 1.2
"""Coupling at which a flow is as good as at T = 0, and leaves the figure."""


def by_level(measured: Sequence[Measurement]) -> list[dict[str, Measurement]]:
    """Operator → coupling at each level; neighbours are ""."""
    levels: dict[float, dict[str, Measurement]] = {}
    for m in measured:
        levels.setdefault(dict(m.where.coordinates)["level"], {})[m.where.path] = m
    return [levels[n] for n in sorted(levels)]


def point(found: Mapping[str, Measurement]) -> tuple[float, float, float, float]:
    """Both couplings that are drawn, with errors; not a number where one is unbounded, or too large to be shown."""
    x, y = found[""], found["diagonal"]
    bounded = all(m.convergence is not Convergence.UNBOUNDED for m in (x, y)) and abs(x.value) < LARGEST
    return (x.value, x.error, y.value, y.error) if bounded else (math.nan,) * 4


def table_of(flows: Mapping[float, list[dict[str, Measurement]]]) -> Table:
    """Couplings by temperature and level."""
    table = Table("T", "level", "K neighbour", "K diagonal", "K plaquette")
    for T, levels in flows.items():
        for n, found in enumerate(levels):
            cells = [f"{m.value:.4f} ± {m.error:.4f}" for m in found.values()]
            table.add_row(f"{T:.4f}" if n == 0 else "", f"{n}", *cells, end_section=n == len(levels) - 1)
    return table


def exponents(samples: Samples, flow: Flow, console: Console) -> None:
    """Print y_t and y_h by level beside the theory."""
    pairs, _, _ = compare(
        CriticalPoint(levels=len(flow.steps)).predict(samples.system), MonteCarloRG(flow).measure(samples)
    )
    table = Table("at T_c", "level", "predicted", "measured", "verdict")
    for pair in pairs:
        m, level = pair.measurement, dict(pair.where.coordinates)["level"]
        value = f"{m.value:.4f} ± {m.error:.4f}"
        table.add_row(
            pair.quantity.symbol, f"{level}", f"{pair.prediction.value:g}", value, pair.verdict.value
        )
    console.print(table)


def main(path: Path, size: int, n: int, steps: int) -> dict[str, Any]:
    """Sample, infer, print and draw; returns what was drawn."""
    console, flow = Console(), repeated(MajorityRule(), steps)
    path.parent.mkdir(parents=True, exist_ok=True)
    flows, critical = {}, None
    for k, distance in enumerate(
        track(DISTANCES, "temperatures", console=Console(stderr=True), transient=True)
    ):
        T = T_C * (1 + distance)
        samples = sample(Canonical(ising(square(size)), T), n, rule=Wolff(), seed=k)
        flows[T] = by_level(RenormalisedCouplings(flow).measure(samples))
        critical = samples if distance == 0 else critical
    console.print(table_of(flows))
    assert critical is not None
    exponents(critical, flow, console)
    data = {
        "title": "Where the couplings of block spins flow",
        "caption": (
            f"Ising model on a torus of {size} × {size} sites, majority rule of 2 × 2 blocks, {n} samples at each "
            "temperature. Each arrow is one level; bars are standard errors. All flows start without a coupling of "
            "diagonals. The one at T_c stops near the fixed point; those below it leave to strong coupling, and end "
            f"where K reaches {LARGEST:g} or the samples no longer bound it; those above it go to 0."
        ),
        "axes": ("K of neighbours", "K of diagonals"),
        "flows": [
            {"label": f"T = {T:.3f}" + (" = T_c" if T == T_C else ""), "points": list(map(point, levels))}
            for T, levels in flows.items()
        ],
    }
    path.write_text(flow_html(data), encoding="utf-8")
    path.with_suffix(".svg").write_text(flow_svg(data), encoding="utf-8")
    console.print(f"The figure: {path}")
    return data


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("figure", nargs="?", type=Path, default=Path("build/flow_diagram.html"))
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--samples", type=int, default=4000)
    parser.add_argument("--levels", type=int, default=3)
    asked = parser.parse_args()
    main(asked.figure, asked.size, asked.samples, asked.levels)

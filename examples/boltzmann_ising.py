"""A magnet that machines learn from samples: their energy and specific heat beside the exact ones, near T_c.

    python examples/boltzmann_ising.py [figure.png] [--temperatures 1.8 2.1 2.269 2.4 3] [--samples 100000] [--effort 1]

At each temperature an Ising model on a torus of 8 × 8 is sampled, and two machines of ±1 units without biases, which
are blind to the sign, learn from the samples by persistent chains: a dense one with 64 hidden units, and one that is
blind to translations, with two kernels of 2 × 2. The latter contains the magnet: a hidden unit for each bond, with
weight w on its two ends and cosh 2w = e^{2/T}, summed over is that bond. Then chains of each machine from noise are
measured as samples of the magnet are, and compared with Kaufman's energy and specific heat of this very torus. Some six
minutes on one core.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import track
from rich.table import Table

from lensmaker.core import Convergence
from lensmaker.instruments.spins.ensemble import Ensemble, convergence_of
from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann import Convolutional, RestrictedBoltzmannMachine, Spin
from lensmaker.systems.boltzmann.phases import PersistentContrastiveDivergence
from lensmaker.systems.boltzmann.training import Schedule, Training, fit
from lensmaker.systems.spins import Canonical, Samples, ising, sample, square
from lensmaker.systems.spins.sampling.provenance import Provenance, versions
from lensmaker.theories.spins.kaufman import Kaufman

SIDE = 8
QUANTITIES = ("energy", "specific_heat")
CHAINS, BURN_IN, STEPS, THIN = 200, 1000, 500, 10
"""Of the machine when it is measured."""


class Row(NamedTuple):
    """One quantity of one machine at one temperature."""

    temperature: float
    machine: str
    quantity: str
    exact: float
    value: float
    error: float
    data_error: float

    @property
    def off(self) -> float:
        """By how much of the exact value."""
        return self.value / self.exact - 1

    @property
    def z(self) -> float:
        """Over the errors of the machine's chains and of the data it has seen."""
        return (self.value - self.exact) / math.hypot(self.error, self.data_error)


def machines() -> dict[str, tuple[RestrictedBoltzmannMachine, Training]]:
    """The machines, fresh, and how they learn with an effort of 1."""
    N = SIDE**2
    dense = RestrictedBoltzmannMachine(Spin(N), Spin(64), biased=False)
    kernels = Convolutional((SIDE, SIDE), (2, 2), filters=2)
    tied = RestrictedBoltzmannMachine(Spin(N), Spin(2 * N), kernels, biased=False)
    return {
        "dense, 64 hidden": (
            dense,
            Training(
                epochs=12,
                batch=200,
                learning_rate=Schedule(0.1, 0.0005),
                phase=PersistentContrastiveDivergence(steps=2, chains=1000),
            ),
        ),
        "2 kernels of 2 × 2": (
            tied,
            Training(
                epochs=6,
                batch=500,
                learning_rate=Schedule(0.02, 1e-5),
                phase=PersistentContrastiveDivergence(steps=5, chains=1000),
            ),
        ),
    }


def bonds(temperature: float) -> RestrictedBoltzmannMachine:
    """The machine that is the magnet: w on both ends of each bond, cosh 2w = e^{2/T}."""
    machine = machines()["2 kernels of 2 × 2"][0]
    w = math.acosh(math.exp(2 / temperature)) / 2
    across, down = [[w, w], [0, 0]], [[w, 0], [w, 0]]
    with torch.no_grad():
        machine.weights.parameter.copy_(torch.tensor([[across], [down]]))
    return machine


def samples_of(machine: RestrictedBoltzmannMachine, system: Canonical) -> Samples:
    """Chains of a machine from noise, as samples of the system that it should be."""
    generator = stream("samples of a machine", 0)
    v = machine.gibbs(machine.random(CHAINS, generator), BURN_IN, generator)
    found = []
    for _ in range(STEPS):
        v = machine.gibbs(v, THIN, generator)
        found.append(v.to(torch.int8))
    nan = math.nan
    how = Provenance("machine", 0, CHAINS, BURN_IN, THIN, False, nan, nan, nan, versions())
    return Samples(torch.cat(found), system, how)


def measured(samples: Samples) -> dict[str, tuple[float, float]]:
    """Value and error of each quantity."""
    state = convergence_of(samples)
    if state is not Convergence.CONVERGED:
        raise SystemExit(f"{samples}: {state.value}.")
    return {m.quantity.name: (m.value, m.error) for m in Ensemble().measure(samples)}


def exact(temperature: float) -> dict[str, float]:
    """Kaufman's values."""
    system = Canonical(ising(square(SIDE)), temperature)
    return {p.quantity.name: p.value for p in Kaufman().predict(system)}


def compared(temperature: float, n: int, effort: float) -> list[Row]:
    """Sample the magnet, train the machines, and measure all of them."""
    system = Canonical(ising(square(SIDE)), temperature)
    data, known = sample(system, n, seed=1), exact(temperature)
    seen = measured(data)
    rows = [Row(temperature, "data", q, known[q], *seen[q], 0.0) for q in QUANTITIES]
    for name, (machine, training) in machines().items():
        machine.initialise(seed=0, scale=0.05)
        epochs = max(1, round(effort * training.epochs * 100_000 / n))
        fit(machine, data, Training(**{**vars(training), "epochs": epochs}))
        own = measured(samples_of(machine, system))
        rows += [Row(temperature, name, q, known[q], *own[q], seen[q][1]) for q in QUANTITIES]
    return rows


def drawn(rows: list[Row]) -> Figure:
    """Points over the exact curves, and below how far they are off."""
    figure = Figure(figsize=(10, 5.4), layout="constrained")
    panels = figure.subplots(2, 2, sharex=True, height_ratios=(2, 1))
    temperatures = sorted({r.temperature for r in rows})
    grid = np.linspace(temperatures[0] - 0.1, temperatures[-1] + 0.1, 60)
    curves = [exact(float(t)) for t in grid]
    looks = {
        "data": ("o", "#666666"),
        "dense, 64 hidden": ("s", "#e07b39"),
        "2 kernels of 2 × 2": ("D", "#2a9d8f"),
    }
    for column, quantity in enumerate(QUANTITIES):
        above, below = panels[0][column], panels[1][column]
        above.plot(grid, [c[quantity] for c in curves], color="#3b6fb6", label="exact")
        below.axhline(0, color="#3b6fb6")
        for shift, (name, (marker, colour)) in zip((-0.015, 0.0, 0.015), looks.items(), strict=True):
            own = [r for r in rows if r.machine == name and r.quantity == quantity]
            t = [r.temperature for r in own]
            style = {
                "fmt": marker,
                "color": colour,
                "markersize": 5,
                "capsize": 2,
                "linewidth": 1,
                "label": name,
            }
            above.errorbar(t, [r.value for r in own], [r.error for r in own], **style)
            off = [100 * r.off for r in own]
            bars = [100 * math.hypot(r.error, r.data_error) / abs(r.exact) for r in own]
            below.errorbar([x + shift for x in t], off, bars, **style)
        above.set_title(
            {"energy": "energy a spin", "specific_heat": "specific heat a spin"}[quantity], fontsize=11
        )
        below.set_ylabel("off by, %")
        below.set_xlabel("T")
        for axes in (above, below):
            axes.grid(alpha=0.3)
    panels[0][0].legend(frameon=False)
    return figure


def main(path: Path, temperatures: Sequence[float], n: int, effort: float) -> list[Row]:
    """Compare at each temperature, print and draw; returns the rows."""
    console = Console()
    rows: list[Row] = []
    for temperature in track(temperatures, "learning", console=Console(stderr=True), transient=True):
        rows += compared(temperature, n, effort)
    table = Table("T", "machine", "quantity", "exact", "found", "z", "off by")
    for r in rows:
        found = f"{r.value:.4f} ± {r.error:.4f}"
        cells = (
            f"{r.temperature:g}",
            r.machine,
            r.quantity,
            f"{r.exact:.4f}",
            found,
            f"{r.z:+.1f}",
            f"{r.off:+.2%}",
        )
        table.add_row(*cells)
    console.print(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn(rows).savefig(path, dpi=110)
    console.print(f"The figure: {path}")
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("figure", nargs="?", type=Path, default=Path("build/boltzmann-ising.png"))
    parser.add_argument("--temperatures", nargs="+", type=float, default=[1.8, 2.1, 2.269, 2.4, 3.0])
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--effort", type=float, default=1.0, help="times as many epochs")
    asked = parser.parse_args()
    main(asked.figure, asked.temperatures, asked.samples, asked.effort)

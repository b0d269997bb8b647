"""Does a restricted Boltzmann machine that has learned Ising configurations flow to the critical temperature?

    python examples/rbm_flow.py [figure.html] [--quick] [--hidden 16 64 100 225] [--seeds 3] [--epochs 20] [--cd 1]

Machines of ±1 units learn configurations of an Ising torus of 10 × 10: of all temperatures from 0 to 6, as Iso, Shiba
and Yokoo did (Phys. Rev. E 97, 053304), or of T_c alone. Each is then iterated, v → h → v, from cold, critical and hot
configurations, and thermometers read the temperature of what comes out: the energy by Kaufman's exact one of this very
torus, |m| by calibrated samples below T_c. Printed is the fixed point against the number of hidden units, over several
seeds, beside the temperature of the data: that at which the Ising model has their mean energy, where a machine that has
learned them perfectly would end. Some eight minutes on one core; --quick takes less than one.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from lensmaker.core import Convergence, Measurement
from lensmaker.instruments.boltzmann.rbm_flow import RBMFlow
from lensmaker.instruments.boltzmann.thermometer import Thermometer
from lensmaker.phenomena.thermometers import energy_thermometer
from lensmaker.report.machine_flow_figure import flow_html
from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine, Spin
from lensmaker.systems.boltzmann.machine_flow import MachineFlow
from lensmaker.systems.boltzmann.phases import ContrastiveDivergence
from lensmaker.systems.boltzmann.training import Schedule, Training, fit
from lensmaker.systems.spins import Canonical, Samples, ising, sample, square
from lensmaker.systems.spins.energies import energies
from lensmaker.systems.spins.sampling import Wolff

SIDE = 10
T_C = 2 / math.log(1 + math.sqrt(2))
STARTS = (1.0, T_C, 6.0)
MANY, ONE = "T = 0 … 6", "T = T_c"


class Effort(NamedTuple):
    """How much is sampled, learned and iterated."""

    rows: int = 20_000
    configurations: int = 400
    doublings: int = 9
    calibration: int = 4000


QUICK = Effort(5000, 200, 6, 1000)


class Row(NamedTuple):
    """The fixed point of one machine."""

    data: str
    hidden: int
    epochs: int
    cd: int
    seed: int
    energy: Measurement
    magnetic: Measurement
    trail: list[dict[str, Any]]


def magnet(T: float, n: int, seed: int) -> Samples:
    """Samples of the torus."""
    return sample(Canonical(ising(square(SIDE)), T), n, rule=Wolff(), seed=seed)


def training_sets(n: int) -> dict[str, torch.Tensor]:
    """Rows of both kinds, about n of each; at T = 0 all spins are alike."""
    temperatures = np.linspace(0, 6, 25)
    each = n // len(temperatures)
    frozen = torch.ones(each, SIDE**2, dtype=torch.int8)
    frozen[::2] = -1
    hot = [magnet(float(T), each, seed=k).spins for k, T in enumerate(temperatures) if T]
    return {MANY: torch.cat([frozen, *hot]), ONE: magnet(T_C, n, seed=100).spins}


def thermometers(effort: Effort) -> tuple[Thermometer, Thermometer]:
    """Of the energy, exact; of |m|, by samples, which ends at T_c."""
    grid = [1.4, 1.6, 1.8, 1.95, 2.1, 2.2, T_C]
    calibrated = [magnet(T, effort.calibration, seed=200 + k) for k, T in enumerate(grid)]
    model = ising(square(SIDE))
    return energy_thermometer(model), Thermometer.from_samples(calibrated, "magnetisation", highest=T_C)


def learned(rows: torch.Tensor, hidden: int, epochs: int, cd: int, seed: int) -> RestrictedBoltzmannMachine:
    """A machine that has learned."""
    machine = RestrictedBoltzmannMachine(Spin(SIDE**2), Spin(hidden))
    machine.initialise(seed=seed, scale=0.01)
    rate = Schedule(0.05, 0.005)
    fit(machine, rows, Training(epochs, 100, rate, seed=seed, phase=ContrastiveDivergence(cd)))
    return machine


def flows(
    settings: Sequence[tuple[str, int, int, int, int]], effort: Effort, console: Console
) -> Iterator[Row | float]:
    """The temperature of the data of each kind, then the fixed point of each machine."""
    data, scales = training_sets(effort.rows), thermometers(effort)
    for rows in data.values():
        e = energies(ising(square(SIDE)), rows.numpy()) / SIDE**2
        yield scales[0].read(float(e.mean())).temperature
    starts = [magnet(T, effort.configurations, seed=300 + k) for k, T in enumerate(STARTS)]
    for kind, hidden, epochs, cd, seed in track(settings, "learning", console=console, transient=True):
        machine = learned(data[kind], hidden, epochs, cd, seed)
        found = RBMFlow(scales, effort.doublings, seed).measure(MachineFlow(machine, starts))
        ends = [m for m in found if m.where.operation == "fixed point" and not m.where.coordinates]
        by_name = {m.quantity.name: m for m in ends}
        trail = [
            {
                **dict(m.where.coordinates),
                "temperature": m.value,
                "error": m.error,
                "in_scale": m.convergence is Convergence.CONVERGED,
            }
            for m in found
            if m.where.operation == "flow" and m.quantity.name == "energy_temperature"
        ]
        yield Row(
            kind,
            hidden,
            epochs,
            cd,
            seed,
            by_name["energy_temperature"],
            by_name["magnetic_temperature"],
            trail,
        )


def over_seeds(rows: Sequence[Row], which: str) -> tuple[float, float]:
    """Mean and standard error over seeds."""
    values = np.array([getattr(row, which).value for row in rows])
    spread = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.inf
    return float(values.mean()), max(spread, getattr(rows[0], which).error / math.sqrt(len(values)))


def verdict(groups: dict[tuple[str, int, int, int], list[Row]], kind: str) -> str:
    """What the machines of one kind of data say of "flows to T_c"."""
    told = [over_seeds(rows, "energy") for (data, *_), rows in groups.items() if data == kind]
    far = [abs(value - T_C) / error for value, error in told]
    low, high = min(value for value, _ in told), max(value for value, _ in told)
    if max(far) < 3:
        return f"{kind}: supported, all fixed points are T_c = {T_C:.3f} within three standard errors."
    return (
        f"{kind}: not supported, fixed points from {low:.2f} to {high:.2f} depend on machine and training; "
        f"{sum(f < 3 for f in far)} of {len(far)} are T_c = {T_C:.3f} within three standard errors."
    )


def printed(groups: dict[tuple[str, int, int, int], list[Row]], known: dict[str, float]) -> Table:
    """The fixed points."""
    table = Table("data", "T_E of data", "hidden", "epochs", "CD", "seeds", "T_E", "T_m", "state")
    for (data, hidden, epochs, cd), rows in groups.items():
        states = sorted({row.energy.convergence.name.lower() for row in rows})
        blind = any(row.magnetic.convergence is Convergence.OUT_OF_SCALE for row in rows)
        readings = [
            f"{value:.3f} ± {error:.3f}"
            for value, error in (over_seeds(rows, "energy"), over_seeds(rows, "magnetic"))
        ]
        cells = (data, f"{known[data]:.3f}", hidden, epochs, cd, len(rows), readings[0])
        table.add_row(*map(str, cells), "≥ T_c" if blind else readings[1], ", ".join(states))
    return table


def main(
    path: Path,
    hidden: Sequence[int],
    seeds: int,
    epochs: int,
    cd: int,
    effort: Effort,
    beside: Sequence[tuple[int, int]] = (),
) -> dict[tuple[str, int, int, int], list[Row]]:
    """Train, iterate, print and draw; `beside` are further epochs and CD-k for the second size."""
    console, log = Console(), Console(stderr=True)
    settings = [(d, n, epochs, cd, s) for d in (MANY, ONE) for n in hidden for s in range(seeds)]
    probe = hidden[min(1, len(hidden) - 1)]
    settings += [(d, probe, e, k, s) for d in (MANY, ONE) for e, k in beside for s in range(seeds)]
    found = flows(settings, effort, log)
    known = {kind: float(next(found)) for kind in (MANY, ONE)}  # type: ignore[arg-type]
    groups: dict[tuple[str, int, int, int], list[Row]] = {}
    for row in found:
        assert isinstance(row, Row)
        groups.setdefault(row[:4], []).append(row)
        told = f"T_E = {row.energy.value:.3f} ± {row.energy.error:.3f}, {row.energy.convergence.name.lower()}"
        log.print(
            f"{row.data}, {row.hidden} hidden, {row.epochs} epochs, CD-{row.cd}, seed {row.seed}: {told}"
        )
    console.print(printed(groups, known))
    for kind in known:
        console.print(verdict(groups, kind))
    panels = [
        {
            "title": f"{data}, {n} hidden",
            "rows": rows[0].trail,
            "fixed": (rows[0].energy.value, rows[0].energy.error)
            if rows[0].energy.convergence is Convergence.CONVERGED
            else None,
        }
        for (data, n, e, k), rows in groups.items()
        if (e, k) == (epochs, cd)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    figure = {"panels": panels, "levels": {"T_c": T_C}, "reads": "T_E"}
    path.write_text(flow_html(figure, "Flow of machines that learned the Ising model"), encoding="utf-8")
    console.print(f"The figure: {path}")
    return groups


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("figure", nargs="?", type=Path, default=Path("build/rbm-flow.html"))
    parser.add_argument("--quick", action="store_true", help="two sizes, two seeds, few data")
    parser.add_argument("--hidden", nargs="+", type=int, default=[16, 64, 100, 225])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--cd", type=int, default=1)
    asked = parser.parse_args()
    if asked.quick:
        main(asked.figure, asked.hidden[:2], 2, min(asked.epochs, 10), asked.cd, QUICK)
    else:
        further = [(asked.epochs // 3, asked.cd), (asked.epochs * 3, asked.cd), (asked.epochs, 5 * asked.cd)]
        main(asked.figure, asked.hidden, asked.seeds, asked.epochs, asked.cd, Effort(), further)

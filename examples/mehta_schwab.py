"""Do block spins emerge in a stack of machines that learns a magnet? The figures of arXiv:1410.3831, with controls.

    python examples/mehta_schwab.py [folder] [--quick] [--seeds 5]

The Ising model on 40 × 40 sites at K = 0.408, 40,000 samples, and a stack of 1600 – 400 – 100 – 25 units by CD-1
with L1: P. Mehta, D. J. Schwab, 2014. Receptive fields of each layer are drawn beside those of four controls: the same
without L1, on shuffled sites, on spins without coupling, and random weights. Each claim is printed with its number,
what nothing would give, and what the controls give. Some hours on one core; an interrupted run goes on. --quick takes
two minutes.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import Progress

from lensmaker.phenomena.base import Outcome
from lensmaker.phenomena.block_spin import BlockSpin
from lensmaker.report.claims import claims_table

SHOWN = 6
"""Fields of a layer, those of largest norm."""


def fields_figure(pictures: dict[str, Any]) -> Figure:
    """A row for each layer of each variant."""
    variants = {name: layers for name, layers in pictures.items() if name != "reconstructions"}
    depth = len(next(iter(variants.values())))
    figure = Figure(figsize=(2.2 * len(variants), 1.65 * depth), layout="constrained")
    grid = figure.subplots(depth, len(variants), squeeze=False)
    for column, (name, layers) in zip(grid.T, variants.items(), strict=True):
        for number, (axes, fields) in enumerate(zip(column, layers, strict=True), start=1):
            largest = fields[np.argsort(-np.linalg.norm(fields.reshape(len(fields), -1), axis=1))[:SHOWN]]
            axes.imshow(tiled(largest), cmap="RdBu_r", vmin=-1, vmax=1)
            axes.set_xticks([]), axes.set_yticks([])
            if number == 1:
                axes.set_title(name, fontsize=11)
            if name == next(iter(variants)):
                axes.set_ylabel(f"layer {number}")
    return figure


def tiled(fields: np.ndarray) -> np.ndarray:
    """Fields in rows of three, each over its largest |w|, with a line between them."""
    n, height, width = fields.shape
    rows = -(-n // 3)
    out = np.full((rows * (height + 1) - 1, 3 * (width + 1) - 1), np.nan)
    for k, field in enumerate(fields):
        y, x = (k // 3) * (height + 1), (k % 3) * (width + 1)
        out[y : y + height, x : x + width] = field / max(np.abs(field).max(), 1e-300)
    return out


def reconstructions_figure(kept: dict[str, np.ndarray]) -> Figure:
    """Configurations that no machine has seen, and what codes keep of them."""
    count = len(next(iter(kept.values())))
    figure = Figure(figsize=(1.3 * count, 1.4 * len(kept)), layout="constrained")
    grid = figure.subplots(len(kept), count, squeeze=False)
    for row, (name, spins) in zip(grid, kept.items(), strict=True):
        for axes, picture in zip(row, spins, strict=True):
            axes.imshow(picture, cmap="gray_r", vmin=-1.3, vmax=1.3)
            axes.set_xticks([]), axes.set_yticks([])
        row[0].set_ylabel(name)
    return figure


def main(folder: Path, phenomenon: BlockSpin) -> Outcome:
    """Train what is missing, print each claim, and draw."""
    folder.mkdir(parents=True, exist_ok=True)
    console = Console()
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("starting", total=None)
        outcome = phenomenon.run(
            folder,
            lambda what, done, of: bar.update(task, description=what, completed=done, total=of or None),
        )
    console.print(claims_table([finding.to_dict() for finding in outcome.findings]))
    fields_figure(outcome.pictures).savefig(folder / "fields.png", dpi=110)
    reconstructions_figure(outcome.pictures["reconstructions"]).savefig(
        folder / "reconstructions.png", dpi=110
    )
    console.print(f"The figures and findings.json: {folder}")
    return outcome


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("build/mehta_schwab"))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seeds", type=int)
    given = parser.parse_args()
    chosen = BlockSpin.quick() if given.quick else BlockSpin()
    if given.seeds is not None:
        chosen = BlockSpin(replace(chosen.plan, seeds=given.seeds))
    main(given.folder, chosen)

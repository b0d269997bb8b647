"""A deep network that does not learn: inspect it, correct it, watch it learn.

Seventeen linear layers of width 128 with ReLU and PyTorch's default initialisation, on scikit-learn's real
handwritten digits. Run with `make demo` or `python examples/demo.py [report.html]`.
"""

from __future__ import annotations

import copy
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.progress import track
from torch import Tensor, nn

import lensmaker
from lensmaker.data import digits

STEPS, BATCH, RATE, MOMENTUM = 150, 256, 0.005, 0.9
TRAINING_SAMPLES = 1437


def network(seed: int = 0) -> nn.Sequential:
    """Seventeen linear layers as PyTorch initialises them."""
    layers: list[nn.Module] = []
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for width in (64, *[128] * 15):
            layers += [nn.Linear(width, 128), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(128, 10))


def data(seed: int = 0) -> tuple[Tensor, Tensor]:
    """The digits, standardised and shuffled."""
    x, y = digits().normalised().batch(1797, torch.Generator().manual_seed(seed))
    return x.flatten(1), y


def accuracy_after_training(model: nn.Module, x: Tensor, y: Tensor, what: str, seed: int = 0) -> float:
    """Test accuracy of a copy of `model` after a few steps of plain SGD."""
    model = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM)
    for _ in track(range(STEPS), f"training {what}", console=Console(stderr=True), transient=True):
        chosen = torch.randint(TRAINING_SAMPLES, (BATCH,), generator=generator)
        optimiser.zero_grad()
        F.cross_entropy(model(x[chosen]), y[chosen]).backward()
        optimiser.step()
    with torch.no_grad():
        right = model(x[TRAINING_SAMPLES:]).argmax(1) == y[TRAINING_SAMPLES:]
    return float(right.float().mean())


def main(path: Path) -> tuple[float, float]:
    """Run the demonstration and write the report; the two accuracies come back."""
    console = Console()
    model, (x, y) = network(), data()
    before = accuracy_after_training(model, x, y, "as initialised")
    console.print(f"As PyTorch initialises it: {before:.1%} right after {STEPS} steps. Inspecting…\n")

    with console.status("inspecting") as status:
        report = lensmaker.inspect(model, (x[:BATCH], y[:BATCH]), F.cross_entropy, progress=status.update)
    console.print(report)

    with console.status("measuring the corrected network"):
        report.correct()
    after = accuracy_after_training(model, x, y, "corrected")
    agree = sum(c.verdict.value == "agrees" for c in report.record.corrected)
    total = len(report.record.corrected)
    console.print(f"Corrected: {agree} of {total} predicted effects agree with the measured ones.")
    console.print(f"[bold]The same training now gives {after:.1%}[/bold] (before {before:.1%}).")

    path.parent.mkdir(parents=True, exist_ok=True)
    report.to_html(path)
    console.print(f"The report: {path}")
    return before, after


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo.html"))

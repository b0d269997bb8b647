"""What training built: trained networks from installed packages beside the null hypothesis of random weights.

    python examples/trained_networks.py [name …]

For each network one line for each quantity: how many elements agree with random weights of the same second
moments, how many deviate, and where the deviation is largest. The HTML reports go to build/.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import torch.nn.functional as F
from rich.console import Console
from rich.table import Table

import lensmaker
from lensmaker.core import Comparison, MissingDataError, Verdict
from lensmaker.data import NETWORKS, TrainedNetwork

SAMPLES = 32


def inspected(network: TrainedNetwork) -> lensmaker.Report:
    """The report on a trained network and the first samples of its batch."""
    batch, labels = network.batch, network.labels
    if not hasattr(batch, "keys") and not isinstance(batch, tuple):
        batch = batch[:SAMPLES]
        labels = None if labels is None else labels[:SAMPLES]
    if labels is None:
        return lensmaker.inspect(network.model, batch)
    return lensmaker.inspect(network.model, (batch, labels), F.cross_entropy)


def summary(report: lensmaker.Report, name: str) -> Table:
    """Agreements and deviations, quantity by quantity."""
    kinds: dict[str, list[Comparison]] = defaultdict(list)
    for comparison in report.record.comparisons:
        kinds[comparison.quantity.name].append(comparison)
    table = Table(
        "quantity", "agree", "deviate", "outside", "largest deviation", "predicted", "measured", title=name
    )
    for quantity, found in kinds.items():
        deviating = [c for c in found if c.verdict is Verdict.DEVIATES]
        outside = sum(c.verdict is Verdict.OUTSIDE for c in found)
        row = [quantity, str(len(found) - len(deviating) - outside), str(len(deviating)), str(outside)]
        if deviating:
            worst = max(deviating, key=lambda c: abs(c.z_score))
            row += [str(worst.where), f"{worst.prediction.value:.3g}", f"{worst.measurement.value:.3g}"]
        table.add_row(*row)
    return table


def main(names: list[str]) -> None:
    """Inspect the named networks, or all of them."""
    console = Console()
    for make in NETWORKS:
        if names and make.__name__ not in names:
            continue
        try:
            with console.status(f"inspecting {make.__name__}"):
                report = inspected(make())
        except MissingDataError as error:
            console.print(f"{make.__name__}: {error}")
            continue
        console.print(summary(report, make.__name__))
        console.print(f"{report.record.training.name.lower()}: {report.record.training_reason}")
        for finding in report.findings:
            console.print(f"[red]{finding.where}: {finding.cause}[/red]")
        path = Path("build") / f"{make.__name__}.html"
        path.parent.mkdir(exist_ok=True)
        report.to_html(path)
        console.print(f"{path}\n")


if __name__ == "__main__":
    main(sys.argv[1:])

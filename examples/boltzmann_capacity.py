"""How many hidden units a magnet takes: what a machine misses, counted over all 65,536 configurations.

    python examples/boltzmann_capacity.py [figure.png] [--samples 20000] [--updates 6000]

The Ising model on a torus of 4 × 4 at T_c is enumerated, so that the distribution is known. Machines of ±1 units
without biases learn from its samples, by persistent chains, which mix at this size. The distance to the truth,
KL = Σ P ln(P/P_machine) in nats, falls with the hidden units down to what a finite number of samples costs, which is
about (number of weights)/(2 × samples). A minute or two on one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from torch import Tensor

from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann import Exact, RestrictedBoltzmannMachine, Spin
from lensmaker.systems.boltzmann.phases import PersistentContrastiveDivergence
from lensmaker.systems.boltzmann.training import Schedule, Training, fit
from lensmaker.systems.spins import Canonical, ising, square
from lensmaker.theories.spins.enumeration import Enumerated
from lensmaker.theories.spins.onsager import CRITICAL_TEMPERATURE

HIDDEN = (1, 2, 4, 8, 16, 32)
BATCH = 500


def truth() -> tuple[Tensor, Tensor]:
    """All configurations of the magnet, and P of each."""
    known = Enumerated(Canonical(ising(square(4)), CRITICAL_TEMPERATURE))
    up = (torch.arange(1 << 16)[:, None] >> torch.arange(16)) & 1 == 0  # bit i is set where spin i is −1
    return up.double() * 2 - 1, torch.from_numpy(known.probabilities)


def trained(rows: Tensor, hidden: int, updates: int) -> RestrictedBoltzmannMachine:
    """A machine that has learned."""
    machine = RestrictedBoltzmannMachine(Spin(rows.shape[1]), Spin(hidden), biased=False)
    machine.initialise(seed=0, scale=0.1)
    epochs = max(1, updates * BATCH // len(rows))
    training = Training(
        epochs=epochs,
        batch=BATCH,
        learning_rate=Schedule(0.2, 0.002),
        phase=PersistentContrastiveDivergence(steps=2, chains=1000),
    )
    fit(machine, rows, training)
    return machine


def divergence(machine: RestrictedBoltzmannMachine, all_rows: Tensor, p: Tensor) -> float:
    """KL = Σ P (ln P − ln P_machine) = −S − Σ P ln P_machine, in nats."""
    return float((p * (p.log() - Exact(machine).log_likelihood(all_rows))).sum())


def drawn(found: dict[int, float], entropy: float, samples: int) -> Figure:
    """KL over the hidden units, with that of no weights, and the cost of finite samples."""
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    hidden = list(found)
    axes.loglog(hidden, list(found.values()), "o-", color="#3b6fb6", label="trained machine")
    axes.loglog(
        hidden,
        [16 * n / (2 * samples) for n in hidden],
        ":",
        color="#666666",
        label="weights / (2 × samples)",
    )
    nothing = 16 * 0.6931471805599453 - entropy
    axes.axhline(nothing, color="#e07b39", linestyle="--", label="no weights at all")
    axes.axvline(32, color="#2a9d8f", linewidth=1, label="one unit for each bond")
    axes.set_xticks(hidden, [str(n) for n in hidden])
    axes.minorticks_off()
    axes.set_xlabel("hidden units")
    axes.set_ylabel("KL(magnet ‖ machine), nats")
    axes.set_title("Ising model on a torus of 4 × 4 at T_c", fontsize=11)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return figure


def main(path: Path, samples: int, updates: int, hidden: tuple[int, ...] = HIDDEN) -> dict[int, float]:
    """Enumerate, train, print and draw; returns KL of each number of hidden units."""
    console = Console()
    all_rows, p = truth()
    entropy = -float((p * p.log()).sum())
    chosen = torch.multinomial(p, samples, replacement=True, generator=stream("magnet of 4 × 4", 0))
    rows = all_rows[chosen].float()
    table = Table("hidden units", "ln P a row", "KL, nats", "weights / (2 × samples)")
    found: dict[int, float] = {}
    for n in hidden:
        found[n] = divergence(trained(rows, n, updates), all_rows, p)
        cost = 16 * n / (2 * samples)
        table.add_row(f"{n}", f"{-entropy - found[n]:.4f}", f"{found[n]:.4f}", f"{cost:.4f}")
    console.print(
        f"The entropy of the magnet is {entropy:.4f} nats: no machine gives its rows more than −{entropy:.4f}."
    )
    console.print(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn(found, entropy, samples).savefig(path, dpi=110)
    console.print(f"The figure: {path}")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("figure", nargs="?", type=Path, default=Path("build/boltzmann-capacity.png"))
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--updates", type=int, default=6000)
    asked = parser.parse_args()
    main(asked.figure, asked.samples, asked.updates)

"""Who finds the spins that matter? A Boltzmann machine and mutual information on a magnet among dimers.

    python examples/mutual_information_rg.py [--samples 8000] [--seeds 3]

Every second row of the lattice is an Ising model at T_c; the others are full of dimers, pairs of spins that hold to
each other four times as strongly and to nothing else. A block of 2 × 2 has two spins of the magnet and one dimer. A
machine with one hidden unit for the block learns what makes the block likely, the best of four starts; so does one for
the whole lattice with a unit for each block. Real-space mutual information learns what tells most of the
surroundings. M. Koch-Janusz, Z. Ringel, Nat. Phys. 14, 578 (2018). For each filter there stand its share of Σ Λ² on
the dimers, and what its block spin really tells of all spins beyond the blocks next to it: an exact sum, which decides
who is right. A minute or two on one core.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from lensmaker.design.block_filter import MostInformative
from lensmaker.instruments.information import Ascent
from lensmaker.systems.boltzmann import Exact, RestrictedBoltzmannMachine, Spin
from lensmaker.systems.boltzmann.phases import ExactMoments
from lensmaker.systems.boltzmann.training import Schedule, Training, fit
from lensmaker.systems.spins import Canonical, Samples, sample
from lensmaker.systems.spins.coarse_graining import LearnedFilter
from lensmaker.systems.spins.dimer_noise import dimers_on_square
from lensmaker.systems.spins.sampling import SwendsenWang
from lensmaker.systems.spins.surroundings import Surroundings
from lensmaker.theories.spins.block_information import BlockInformation
from lensmaker.theories.spins.onsager import CRITICAL_TEMPERATURE

SYSTEM = Canonical(dimers_on_square(8, 4, J=1.0, D=4.0), CRITICAL_TEMPERATURE)
AROUND = Surroundings(side=2, buffer=2, reach=None)
NORM = 2.0
STARTS = 4


class Filter(NamedTuple):
    """What a method found with one seed: the share of Σ Λ² on dimers, and I(μ; environment) exactly."""

    share: float
    information: float


def judged(weights: NDArray[np.float64]) -> Filter:
    """A filter of a block, with the norm that all are given."""
    weights = weights * NORM / np.linalg.norm(weights)
    return Filter(float((weights[2:] ** 2).sum() / NORM**2), exact(tuple(weights.tolist())))


def exact(weights: tuple[float, ...] | None) -> float:
    """I(μ; environment) of a filter, or that of the block itself."""
    rule = None if weights is None else LearnedFilter(2, weights)
    return BlockInformation(AROUND, rule).predict(SYSTEM)[0].value


def machine_of(rows: torch.Tensor, hidden: int, seed: int, epochs: int) -> tuple[float, NDArray[np.float64]]:
    """Likelihood and weights, (visible, hidden), of a machine that learned by the exact gradient."""
    machine = RestrictedBoltzmannMachine(Spin(rows.shape[1]), Spin(hidden), biased=False)
    machine.initialise(seed=seed, scale=0.1)
    plan = Training(epochs, 500, Schedule(0.2, 0.01), seed=seed, phase=ExactMoments())
    fit(machine, rows.float(), plan)
    likelihood = float(Exact(machine).log_likelihood(rows.float()).mean())
    return likelihood, machine.weights.parameter.detach().double().numpy()


def of_a_block(samples: Samples, seed: int) -> Filter:
    """A machine with one hidden unit for the four spins of a block: the likeliest of four starts.

    Learning is not convex: to sit on the spins of the magnet is a maximum too, of less likelihood.
    """
    lattice = SYSTEM.hamiltonian.lattice
    assert lattice is not None
    rows = samples.spins[:, AROUND.block(lattice).tolist()]
    tried = [machine_of(rows, 1, STARTS * seed + k, 20) for k in range(STARTS)]
    return judged(max(tried, key=lambda found: found[0])[1][:, 0])


def of_the_lattice(samples: Samples, seed: int) -> float:
    """A machine for all spins with a hidden unit for each block: the share of Σ W² on dimers, mean over units."""
    w = machine_of(samples.spins, 8, seed, 40)[1] ** 2
    dimers = np.arange(32).reshape(8, 4)[1::2].reshape(-1)
    return float((w[dimers].sum(0) / w.sum(0)).mean())


def by_information(samples: Samples, seed: int) -> Filter:
    """Real-space mutual information."""
    learner = MostInformative(AROUND, NORM, ascent=Ascent(2048, 500, 0.02), copies=8, seed=seed)
    return judged(learner.learn(samples).weights)


def main(samples: int, seeds: int) -> dict[str, list[Filter]]:
    """Sample, learn, judge and print; returns what was found, seed by seed."""
    console = Console()
    found: dict[str, list[Filter]] = {"machine of a block": [], "mutual information": []}
    whole = []
    for seed in range(seeds):
        rows = sample(SYSTEM, samples, rule=SwendsenWang(), seed=seed)
        found["machine of a block"].append(of_a_block(rows, seed))
        found["mutual information"].append(by_information(rows, seed))
        whole.append(of_the_lattice(rows, seed))
    table = Table("filter", "Σ Λ² on dimers", "I(μ; environment), exact, nat")
    for name, each in found.items():
        table.add_row(name, _told([f.share for f in each]), _told([f.information for f in each]))
    table.add_row("machine of the lattice", _told(whole), "")
    table.add_row("equal weights on the magnet", "0", f"{exact((2**0.5, 2**0.5, 0.0, 0.0)):.5f}")
    table.add_row("the block itself", "", f"{exact(None):.5f}")
    console.print(f"{samples} samples, {seeds} seeds: mean ± error over seeds; |Λ| = {NORM:g}")
    console.print(table)
    return found


def _told(values: list[float]) -> str:
    error = np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else np.nan
    return f"{np.mean(values):.4f} ± {error:.4f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--samples", type=int, default=8000)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    main(asked.samples, asked.seeds)

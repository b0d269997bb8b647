"""ln Z from annealing forwards and backwards: an interval that says when it is none."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logsumexp
from scipy.stats import t as student
from torch import Tensor

from lensmaker.core import Convergence, InputError
from lensmaker.numerics.seeding import stream, stream_seed
from lensmaker.systems.boltzmann.likelihood.annealing import backward, forward
from lensmaker.systems.boltzmann.likelihood.path import Path, path_to
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine

RESAMPLES = 200
"""Sets of runs that are drawn again for an error."""

APART = 2.0
"""Nats between forwards and backwards beyond which one of them has not arrived."""


@dataclass(frozen=True)
class LogPartition:
    """ln Z with what is known of it.

    Attributes
    ----------
    value, error
        Bennett's acceptance ratio of both directions, and its standard error over runs drawn again.
    forward, backward
        Annealing alone, up and down: in expectation ln Ẑ is too small forwards, and too large backwards if the runs
        start from samples of the machine; a machine with modes that the path never sees has both wrong alike.
    runs
        In each direction.
    convergence
        Whether the two directions meet.
    """

    value: float
    error: float
    forward: float
    backward: float
    runs: int
    convergence: Convergence

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Ends of the interval that holds ln Z at this rate."""
        width = float(student.ppf((1 + level) / 2, max(1, self.runs - 1))) * self.error
        return self.value - width, self.value + width

    def __str__(self) -> str:
        low, high = self.interval()
        said = f" ({self.convergence.value})" if self.convergence.value else ""
        return f"ln Z = {self.value:.3f} ± {self.error:.3f}, 95 %: {low:.3f} … {high:.3f}{said}"


def log_partition(
    machine: RestrictedBoltzmannMachine,
    *,
    seed: int,
    runs: int = 256,
    steps: int = 1000,
    data: Tensor | None = None,
    samples: Tensor | None = None,
) -> LogPartition:
    """Estimate ln Z by annealed importance sampling from independent units up to the machine, and down again.

    Parameters
    ----------
    runs, steps
        Of each direction.
    data
        Rows whose means the independent units have; with them the path is shorter.
    samples
        Of the machine, (n, visible), where the way down starts; by default the ends of tempered chains.

    Raises
    ------
    InputError
        If there are fewer than two runs, or no steps.

    References
    ----------
    C. H. Bennett, J. Comput. Phys. 22, 245 (1976).

    Examples
    --------
    >>> found = log_partition(RestrictedBoltzmannMachine(3, 2), seed=0, runs=8, steps=4)
    >>> round(found.value / math.log(2), 9)  # nothing couples: exact
    5.0
    """
    if runs < 2 or steps < 1:
        raise InputError("two runs and one step at least", f"{runs} and {steps}", "pass runs=256, steps=1000")
    path = path_to(machine, data)
    generator = stream("annealing", seed).manual_seed(stream_seed("annealing", seed))
    up = forward(path, runs, steps, generator)
    if samples is None:
        samples = _tempered(path, runs, steps, generator)
    down = backward(path, samples, steps, generator)
    return _combined(path.log_base_partition, up.cpu().numpy(), down.cpu().numpy(), seed)


@torch.no_grad()
def _tempered(path: Path, rows: int, steps: int, generator: torch.Generator, levels: int = 16) -> Tensor:
    """Ends of chains at `levels` of β that exchange, each of which has been everywhere."""
    beta = torch.linspace(0, 1, levels, dtype=path.base.dtype)
    v = path.start(rows, generator).repeat(levels, 1).view(levels, rows, -1)
    for turn in range(max(steps, 50)):
        for k in range(levels):
            v[k] = path.sweep(v[k], path.fields(v[k]), beta[k], generator)
        fields = path.fields(v.flatten(0, 1)).view(levels, rows, -1)
        for k in range(turn % 2, levels - 1, 2):
            gain = sum(
                sign * path.log_weight(v[row], fields[row], beta[at])
                for sign, row, at in ((1, k + 1, k), (1, k, k + 1), (-1, k, k), (-1, k + 1, k + 1))
            )
            swap = torch.rand(rows, generator=generator, dtype=v.dtype).log() < gain
            one, two = v[k].clone(), v[k + 1].clone()
            v[k][swap], v[k + 1][swap] = two[swap], one[swap]
    return v[-1]


def _combined(base: float, up: NDArray[np.float64], down: NDArray[np.float64], seed: int) -> LogPartition:
    """Bennett's estimate, with the error of runs drawn again."""
    low, high = _mean(up), -_mean(-down)
    value = bennett(up, down)
    draw = np.random.default_rng(stream_seed("annealing resamples", seed))
    again = [
        bennett(up[draw.integers(len(up), size=len(up))], down[draw.integers(len(down), size=len(down))])
        for _ in range(RESAMPLES)
    ]
    error = float(np.std(again, ddof=1))
    met = abs(high - low) < APART
    state = Convergence.CONVERGED if met and math.isfinite(value) else Convergence.DIRECTIONS_APART
    return LogPartition(base + value, error, base + low, base + high, min(len(up), len(down)), state)


def bennett(up: NDArray[np.float64], down: NDArray[np.float64]) -> float:
    """C with Σ_up 1/(1 + (n_up/n_down) e^{C − w}) = Σ_down 1/(1 + (n_down/n_up) e^{w − C}).

    Examples
    --------
    >>> round(bennett(np.array([1.0, 1.0]), np.array([1.0])), 9)
    1.0
    """
    M = math.log(len(up) / len(down))
    ends = [min(up.min(), down.min()) - 1, max(up.max(), down.max()) + 1]

    def imbalance(C: float) -> float:
        return float(expit(up - C - M).sum() - expit(C + M - down).sum())

    return float(brentq(imbalance, *ends, xtol=1e-10))


def _mean(w: NDArray[np.float64]) -> float:
    """Ln of the mean of e^w."""
    return float(logsumexp(w) - math.log(len(w)))

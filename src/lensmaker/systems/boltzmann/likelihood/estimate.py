"""ln Z from annealing forwards and backwards: an interval that says when it is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit
from torch import Tensor

from lensmaker.core import Convergence, InputError
from lensmaker.core.progress import Progress
from lensmaker.numerics.seeding import stream, stream_seed
from lensmaker.systems.boltzmann.likelihood.annealing import backward, forward
from lensmaker.systems.boltzmann.likelihood.ladder import Ladder, error_of, remembers
from lensmaker.systems.boltzmann.likelihood.path import Path, path_to
from lensmaker.systems.boltzmann.likelihood.result import LogPartition
from lensmaker.systems.boltzmann.likelihood.sandwich import Sandwich, log_mean, sandwich
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine

COLUMNS = 64
"""Of those chains, at most: more samples are taken from each in turn, so that memory is that of 1024 rows."""

FEWEST = 300
"""Sweeps of those chains at least."""

DOUBLINGS = 3
"""How many times there may be twice as many."""

SETTLED = 1.5
"""Errors by which ln Z of these chains may move from one quarter of the sweeps to the half that follows."""

RESAMPLES = 200
"""Sets of runs that are drawn again for an error."""

APART = 2.0
"""Nats between forwards and backwards beyond which one of them has not arrived."""

LEVELS = 16
"""Inverse temperatures of the chains that the way down starts from, where no samples are given."""


@dataclass(frozen=True)
class AnnealedLogPartition(LogPartition):
    """ln Z by Bennett's acceptance ratio of annealing in both directions.

    The error is that over runs drawn again, and how far ln Z of the chains that the way down starts from still moved.

    Attributes
    ----------
    forward, backward
        Annealing alone, up and down: in expectation ln Ẑ is too small forwards, and too large backwards if the runs
        start from samples of the machine; a machine with modes that the path never sees has both wrong alike.
    base
        ln Z₀ of the independent units.
    up, down
        Ln w of each run; of runs down from one column of chains, one after the other.
    """

    forward: float
    backward: float
    base: float = field(repr=False)
    up: tuple[float, ...] = field(repr=False)
    down: tuple[float, ...] = field(repr=False)

    def sandwich(self, level: float = 0.95) -> Sandwich:
        """Ends between which ln Z is at this level of confidence."""
        return sandwich(np.array(self.up) + self.base, np.array(self.down) + self.base, level)


def log_partition(
    machine: RestrictedBoltzmannMachine,
    *,
    seed: int,
    runs: int = 256,
    steps: int = 1000,
    data: Tensor | None = None,
    samples: Tensor | None = None,
    progress: Progress | None = None,
) -> AnnealedLogPartition:
    """Estimate ln Z by annealed importance sampling from independent units up to the machine, and down again.

    Memory is that of 16 rows for each of 64 chains, and of the runs.

    Parameters
    ----------
    runs, steps
        Of each direction.
    data
        Rows where half of the chains start that the way down starts from; by default annealed ones. The path begins at
        annealed ones in any case.
    samples
        Of the machine, (n, visible), where the way down starts; by default those of tempered chains.
    progress
        Called after each step.

    Raises
    ------
    InputError
        If there are fewer than two runs, or no steps, or data or samples do not fit the visible units.

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
    if data is not None:
        data = _fitting(machine, data, machine.visible.check_means)
    if samples is not None:
        samples = _fitting(machine, samples, machine.visible.check)
    path = path_to(machine, seed=seed)
    generator = stream("annealing", seed, path.base.device)
    up = forward(path, runs, steps, generator, progress)
    state, moved = Convergence.CONVERGED, 0.0
    if samples is None:
        samples, moved, state = _tempered(path, runs, max(steps, FEWEST), generator, data, progress)
    down = backward(path, samples.view(-1, samples.shape[-1]), steps, generator, progress)
    return _combined(path, up.cpu().numpy(), down.cpu().numpy().reshape(len(samples), -1), moved, state, seed)


def _fitting(machine: RestrictedBoltzmannMachine, rows: Tensor, check: Callable[[Tensor], None]) -> Tensor:
    """Rows in the machine's precision, if they are such as the visible units take."""
    if rows.ndim != 2 or not len(rows):
        got = f"shape {tuple(rows.shape)}"
        raise InputError(
            "a table of one row or more, (n, visible)", got, "pass one row for each configuration"
        )
    rows = rows.to(machine.visible_bias)
    check(rows)
    return rows


def _tempered(
    path: Path,
    runs: int,
    steps: int,
    generator: torch.Generator,
    data: Tensor | None,
    progress: Progress | None,
) -> tuple[Tensor, float, Convergence]:
    """Samples of the coldest chains of a ladder, (columns, times, visible), and how far their ln Z still moved.

    The mean slope over the levels is ln Z by integration. While it is another one in the second half of all sweeps than
    in the quarter before, there are twice as many, up to eight times.
    """
    times = -(-runs // COLUMNS)
    ladder = Ladder(path, LEVELS, -(-runs // times), generator, path.rows if data is None else data)
    seen: list[NDArray[np.float64]] = []
    for total in steps * 2 ** np.arange(DOUBLINGS + 1):
        wanted = set(np.linspace(total // 2, total - 1, times + 1, dtype=int)[1:].tolist())
        samples = []
        for turn in range(len(seen), total):
            ladder.step()
            seen.append(ladder.slopes().mean(0).cpu().numpy())
            if turn in wanted:
                samples.append(ladder.samples.clone())
            if progress is not None:
                progress("tempered chains", turn + 1, int(total))
        late = np.stack(seen[total // 2 :], 1)
        moved = late.mean(1) - np.stack(seen[total // 4 : total // 2], 1).mean(1)
        apart = runs > 3 and (remembers(late) or abs(moved.mean()) > SETTLED * error_of(moved))
        if not apart:
            break
    state = Convergence.CHAINS_DISAGREE if apart else Convergence.CONVERGED
    return torch.stack(samples, 1), abs(float(moved.mean())), state


def _combined(
    path: Path,
    up: NDArray[np.float64],
    down: NDArray[np.float64],
    moved: float,
    state: Convergence,
    seed: int,
) -> AnnealedLogPartition:
    """Bennett's estimate, with the error of runs up and of columns down, (columns, times), drawn again, and `moved`."""
    every = down.ravel()
    if not (np.isfinite(up).all() and np.isfinite(every).all()):
        nothing: tuple[float, ...] = ()
        return AnnealedLogPartition(
            math.nan, math.inf, 1, Convergence.NOT_FINITE, math.nan, math.nan, math.nan, nothing, nothing
        )
    base, low, high = path.log_base_partition, log_mean(up), -log_mean(-every)
    draw = np.random.default_rng(stream_seed("annealing resamples", seed))
    again = [
        bennett(
            up[draw.integers(len(up), size=len(up))], down[draw.integers(len(down), size=len(down))].ravel()
        )
        for _ in range(RESAMPLES)
    ]
    value = bennett(up, every)
    if not (abs(high - low) < APART and math.isfinite(value)):
        state = Convergence.DIRECTIONS_APART
    return AnnealedLogPartition(
        value=base + value,
        error=math.hypot(float(np.std(again, ddof=1)), moved),
        runs=min(len(up), len(down)),
        convergence=state,
        forward=base + low,
        backward=base + high,
        base=base,
        up=tuple(up.tolist()),
        down=tuple(every.tolist()),
    )


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

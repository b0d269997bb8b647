"""Thermodynamic integration: ln Z as the area under a mean that chains measure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensmaker.core import Convergence, InputError
from lensmaker.core.progress import Progress
from lensmaker.numerics.autocorrelation import autocorrelation, mean_of, split_r_hat
from lensmaker.systems.boltzmann.likelihood.ladder import Ladder, error_of, remembers
from lensmaker.systems.boltzmann.likelihood.path import Path
from lensmaker.systems.boltzmann.likelihood.result import LogPartition

LARGEST_R_HAT = 1.05
"""Split R̂ above which columns are said to disagree."""


@dataclass(frozen=True)
class IntegratedLogPartition(LogPartition):
    """ln Z = ln Z₀ + ∫₀¹ ⟨∂ ln P*_β/∂β⟩_β dβ by Simpson's rule.

    Attributes
    ----------
    statistical
        Standard error from the chains, with their autocorrelation.
    discretisation
        Error of the rule, from the grid of every second level.
    exchange
        The least share of exchanges that neighbours on the ladder made.
    """

    statistical: float
    discretisation: float
    exchange: float


def integrated(
    path: Path,
    *,
    levels: int,
    columns: int,
    sweeps: int,
    generator: torch.Generator,
    start: Tensor | None = None,
    progress: Progress | None = None,
) -> IntegratedLogPartition:
    r"""Estimate ln Z by thermodynamic integration, chains at each level exchanging with their neighbours.

    With s_k = ⟨∂ ln P*_β/∂β⟩ at β_k = kh and trapezoids T_h, Simpson's rule is S_h = (4 T_h − T_{2h})/3. Its error by
    the grid is taken to be that of the coarser one, (d² − σ_d²)^½ with d = S_h − S_{2h} ± σ_d: fifteen times too much
    for a slope that is smooth from level to level, and about right for one that is not.

    Parameters
    ----------
    levels
        One more than a multiple of 4.
    columns
        Chains at each level.
    sweeps
        Of each chain, beside half as many at the beginning that are not counted.
    start
        Rows from which every second column starts: where these stay apart from the others, it is said.

    Raises
    ------
    InputError
        If the levels cannot be halved twice, there are fewer than four columns, or fewer than eight sweeps.

    References
    ----------
    J. G. Kirkwood, J. Chem. Phys. 3, 300 (1935); A. Gelman, X.-L. Meng, Stat. Sci. 13, 163 (1998).
    """
    if levels < 5 or (levels - 1) % 4:
        raise InputError("levels one more than a multiple of 4", f"{levels}", "pass levels=33")
    if columns < 4 or sweeps < 8:
        got = f"{columns} and {sweeps}"
        raise InputError("four columns and eight sweeps at least", got, "pass columns=32, sweeps=1000")
    ladder = Ladder(path, levels, columns, generator, start)
    for _ in range(sweeps // 2):
        ladder.step()
    slopes = np.empty((levels, columns, sweeps))
    for turn in range(sweeps):
        ladder.step()
        slopes[:, :, turn] = ladder.slopes().cpu().numpy()
        if progress is not None:
            progress("thermodynamic integration", turn + 1, sweeps)
    return _found(path.log_base_partition, slopes, ladder.exchange)


def _found(base: float, slopes: NDArray[np.float64], exchange: float) -> IntegratedLogPartition:
    """Value and error of slopes, (levels, columns, sweeps)."""
    levels, columns, _ = slopes.shape
    fine, coarse = (np.tensordot(w, slopes, 1) for w in (_simpson(levels, 1), _simpson(levels, 2)))
    known, difference = autocorrelation(fine), mean_of(fine - coarse)
    statistical = max(mean_of(fine).error, error_of(fine.mean(1)))
    discretisation = math.sqrt(max(0.0, difference.value**2 - difference.error**2))
    value, error = base + float(fine.mean()), math.hypot(statistical, discretisation)
    if not math.isfinite(value):
        state = Convergence.NOT_FINITE
    elif max(split_r_hat(x) for x in slopes) > LARGEST_R_HAT or remembers(fine):
        state = Convergence.CHAINS_DISAGREE
    elif not known.is_known:
        state = Convergence.SERIES_TOO_SHORT
    else:
        state = Convergence.CONVERGED
    return IntegratedLogPartition(value, error, columns, state, statistical, discretisation, exchange)


def _simpson(levels: int, stride: int) -> NDArray[np.float64]:
    """Weights of Simpson's rule on every `stride`-th level from 0 to 1."""
    inner = (levels - 1) // stride
    weights = np.zeros(levels)
    weights[::stride] = np.where(np.arange(inner + 1) % 2, 4.0, 2.0)
    weights[[0, -1]] = 1.0
    return weights / (3 * inner)

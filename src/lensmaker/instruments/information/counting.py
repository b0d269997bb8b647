"""Mutual information of few spins by counting how often each pair of states is seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lensmaker.core import Convergence, InputError, Reference
from lensmaker.instruments.information.blocks_of_time import blocks_of
from lensmaker.instruments.information.estimator import Estimator, Found
from lensmaker.instruments.information.pairs import Pairs
from lensmaker.numerics.autocorrelation import autocorrelation
from lensmaker.numerics.resampling import jackknife_error

Counts = NDArray[np.int64]

SEEN = 4
"""Rows for each pair of states that was seen, below which the correction of the bias is a guess."""


class BiasCorrection(Enum):
    """What is done about the bias of the plug-in estimate, (K_xy − K_x − K_y + 1)/2n for K states seen."""

    NONE = "nothing: the estimate is too large"
    MILLER_MADOW = "its first order, for independent rows"
    JACKKNIFE = "extrapolation over blocks of time, which know how long the samples remember"


@dataclass(frozen=True)
class Counting(Estimator):
    """I = Σ n_xy/n ln(n n_xy/n_x n_y), the plug-in estimate, with its bias taken off.

    The error is the jackknife's over blocks of time. Where fewer than four rows come to each pair of states, it is
    said that the bias is a guess.

    Parameters
    ----------
    correction
        How the bias is taken off.

    Examples
    --------
    >>> import torch
    >>> coin = 2 * torch.randint(2, (1, 4000, 1, 1), generator=torch.Generator().manual_seed(0)) - 1
    >>> found = Counting().estimate(Pairs(coin, coin), seed=0)
    >>> abs(found.value - math.log(2)) < 3 * found.error + 1e-3
    True
    """

    correction: BiasCorrection = BiasCorrection.JACKKNIFE

    name = "counting"
    is_bound = False
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "paninski2003",
            "L. Paninski",
            "Estimation of entropy and mutual information",
            2003,
            "Neural Comput. 15, 1191",
        ),
    )

    def estimate(self, pairs: Pairs, *, seed: int) -> Found:
        x, y = (_numbered(rows) for rows in pairs.flat())
        kx, ky = int(x.max()) + 1, int(y.max()) + 1
        cells, cell = np.unique(x * ky + y, return_inverse=True)
        of_x, of_y = cells // ky, cells % ky
        whole = np.bincount(cell, minlength=len(cells))
        density = _density(whole, of_x, of_y, kx, ky)[cell].reshape(pairs.x.shape[:3]).mean(2)
        labels = blocks_of(density[..., None])
        block = np.repeat(labels.reshape(-1), pairs.x.shape[2])
        plain = _information(whole, of_x, of_y, kx, ky)
        left_out = np.array(
            [
                _information(whole - np.bincount(cell[block == g], minlength=len(cells)), of_x, of_y, kx, ky)
                for g in range(int(labels.max()) + 1)
            ]
        )
        bias = self._bias(plain, left_out, (kx, ky, len(cells), pairs.rows))
        state = Convergence.CONVERGED
        if not autocorrelation(density).is_known:
            state = Convergence.SERIES_TOO_SHORT
        elif pairs.rows < SEEN * len(cells):
            state = Convergence.UNDERSAMPLED
        ceiling = math.log(max(1, min(kx, ky)))
        return Found(plain - bias, jackknife_error(left_out), state, pairs.rows, ceiling, bias)

    def _bias(self, plain: float, left_out: NDArray[np.float64], sizes: tuple[int, int, int, int]) -> float:
        kx, ky, kxy, n = sizes
        if self.correction is BiasCorrection.MILLER_MADOW:
            return (kxy - kx - ky + 1) / (2 * n)
        if self.correction is BiasCorrection.JACKKNIFE:
            return (len(left_out) - 1) * (float(left_out.mean()) - plain)
        return 0.0


def _numbered(rows: Tensor) -> Counts:
    """Which of the states that were seen each row is."""
    if rows.shape[1] > 62:
        raise InputError(
            "62 spins or fewer to count", f"{rows.shape[1]}", "take InfoNCE(), or a smaller reach"
        )
    if not bool(((rows == 1) | (rows == -1)).all()):
        raise InputError("spins of ±1 to count", "other numbers", "pass 2 * bits - 1 for spins of 0 and 1")
    bits = (rows.numpy() > 0).astype(np.int64)
    return np.asarray(np.unique(bits @ (1 << np.arange(rows.shape[1])), return_inverse=True)[1], np.int64)


def _density(n: Counts, of_x: Counts, of_y: Counts, kx: int, ky: int) -> NDArray[np.float64]:
    """ln(n n_xy/n_x n_y) of each cell; 0 where nothing is left in it."""
    n_x, n_y = np.bincount(of_x, n, kx)[of_x], np.bincount(of_y, n, ky)[of_y]
    return np.log(np.where(n > 0, n * n.sum() / np.maximum(n_x * n_y, 1), 1.0))


def _information(n: Counts, of_x: Counts, of_y: Counts, kx: int, ky: int) -> float:
    return float(n @ _density(n, of_x, of_y, kx, ky) / n.sum())

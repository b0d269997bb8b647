"""How long chains of a machine remember: the autocorrelation time of the slowest of a few observables."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lensmaker.core import Convergence
from lensmaker.numerics.autocorrelation import autocorrelations
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine

DIRECTIONS = 3
"""Leading singular directions of W along which the visible layer is watched."""

ITERATIONS = 30
"""Of the power method that finds them: they need not be exact to be slow."""

LONG = 50
"""Autocorrelation times that each series has to be long: in one that is shorter, chains cannot be seen to forget."""


@dataclass(frozen=True)
class MixingTime:
    """The integrated autocorrelation time τ of the slowest observable, in sweeps.

    Attributes
    ----------
    value, error
        τ ± its standard error, infinite where the series is too short to tell; then τ is a lower bound at best.
    observable
        Which one was the slowest.
    convergence
        Whether the series is 50 τ long or more.
    """

    value: float
    error: float
    observable: str
    convergence: Convergence

    def __str__(self) -> str:
        if self.convergence is Convergence.CONVERGED:
            return f"{self.value:.1f} ± {self.error:.1f} sweeps, of the {self.observable}"
        return f"{self.value:.3g} sweeps or more, of the {self.observable} ({self.convergence.value})"


@torch.no_grad()
def mixing_time(
    machine: RestrictedBoltzmannMachine, start: Tensor, *, sweeps: int, generator: torch.Generator
) -> MixingTime:
    """Measure τ of the free energy, the mean activity and the projections on the leading singular directions of W.

    Parameters
    ----------
    start
        Visible layers, (chains, visible), from where a quarter as many sweeps go first.
    sweeps
        Of each chain.

    Examples
    --------
    >>> machine, generator = RestrictedBoltzmannMachine(6, 3), torch.Generator().manual_seed(0)
    >>> found = mixing_time(machine, torch.zeros(16, 6), sweeps=400, generator=generator)
    >>> abs(found.value - 0.5) < 5 * found.error  # nothing couples: each sweep forgets all
    True
    """
    directions = _directions(machine, generator)
    v = machine.gibbs(start, sweeps // 4, generator)
    names = [
        "free energy",
        "mean activity",
        *(f"projection on singular direction {k + 1}" for k in range(directions.shape[1])),
    ]
    series = np.empty((len(names), len(v), sweeps))
    for turn in range(sweeps):
        v = machine.gibbs(v, 1, generator)
        seen = torch.cat([machine.free_energy(v)[:, None], v.mean(1)[:, None], v @ directions], 1)
        series[:, :, turn] = seen.t().double().cpu().numpy()
    if not np.isfinite(series).all():
        return MixingTime(math.nan, math.inf, names[0], Convergence.NOT_FINITE)
    found = autocorrelations(series)
    slowest = max(range(len(names)), key=lambda k: found[k].time)
    τ = found[slowest]
    if not any(np.ptp(x) for x in series):
        return MixingTime(τ.time, math.inf, names[slowest], Convergence.NEVER_VARIED)
    if not τ.is_known or sweeps < LONG * τ.time:
        return MixingTime(τ.time, math.inf, names[slowest], Convergence.SERIES_TOO_SHORT)
    return MixingTime(τ.time, τ.error, names[slowest], Convergence.CONVERGED)


def _directions(machine: RestrictedBoltzmannMachine, generator: torch.Generator) -> Tensor:
    """Leading left singular vectors of W, (visible, directions), whatever W is made of."""
    weights, bias = machine.weights, machine.visible_bias
    zero, nothing = torch.zeros_like(bias), torch.zeros_like(machine.hidden_bias)
    count = min(DIRECTIONS, weights.visible, weights.hidden)
    Q = torch.randn(weights.visible, count, generator=generator, dtype=bias.dtype, device=bias.device)
    for _ in range(ITERATIONS):
        Q, _ = torch.linalg.qr(weights.down(weights.up(Q.t().contiguous(), nothing), zero).t())
    return Q

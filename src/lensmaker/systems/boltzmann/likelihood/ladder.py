"""Chains at every level of a path, which exchange with their neighbours."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensmaker.systems.boltzmann.likelihood.path import Path

STARTING = 10
"""Sweeps at each level on the way to where a column starts."""

REMEMBERED = 3.5
"""Errors between columns of different starts, or times, beyond which they are said to disagree."""


class Ladder:
    """Columns of chains at inverse temperatures β_k from 0 to 1; a column is independent of all others.

    A step is a sweep of every chain at its own β, and an exchange of even or odd neighbours, in turns, with
    min(1, P_k(v′) P_l(v)/(P_k(v) P_l(v′))): R. H. Swendsen, J.-S. Wang, Phys. Rev. Lett. 57, 2607 (1986).

    Parameters
    ----------
    path
        Along which β runs.
    levels, columns
        How many β, evenly from 0 to 1, and how many chains at each.
    generator
        Of all random numbers.
    start
        Visible layers, (n, visible), of which the cold columns are annealed down; those of the others where there are
        none. They are every second column, and the others are annealed up from independent units: what remembers its
        start has the two apart.

    Attributes
    ----------
    beta
        Of each level, (levels,).
    v, fields
        Visible layers, (levels · columns, visible), level by level, and b + Wᵀv of them.
    tried, accepted
        Exchanges of each pair of neighbours, (levels − 1,).
    """

    def __init__(
        self, path: Path, levels: int, columns: int, generator: torch.Generator, start: Tensor | None = None
    ) -> None:
        self.path, self.levels, self.columns, self.generator = path, levels, columns, generator
        self.beta = torch.linspace(0, 1, levels, dtype=path.base.dtype, device=path.base.device)
        with torch.no_grad():
            self.v = self._annealed(start)
            self.fields = path.fields(self.v)
        self.tried, self.accepted = (torch.zeros(levels - 1, dtype=torch.float64) for _ in range(2))
        self._rows = self.beta.repeat_interleave(columns)[:, None]
        self._bias = torch.lerp(path.base, path.machine.visible_bias.detach(), self._rows)
        self._turn = 0

    def _annealed(self, start: Tensor | None) -> Tensor:
        """Hot columns moved up level by level, a few sweeps at each, and the cold ones down."""
        v = self.path.start(self.columns, self.generator)
        up = [v]
        for β in self.beta[1:]:
            v = self._moved(v, β)
            up.append(v)
        cold = v[1::2] if start is None else self._drawn(start).to(v)
        for k in range(self.levels - 1, -1, -1):
            cold = self._moved(cold, self.beta[k])
            up[k] = up[k].clone()
            up[k][1::2] = cold
        return torch.cat(up)

    def _drawn(self, rows: Tensor) -> Tensor:
        chosen = torch.randint(
            len(rows), (self.columns // 2,), generator=self.generator, device=self.generator.device
        )
        return rows[chosen.to(rows.device)]

    def _moved(self, v: Tensor, β: Tensor) -> Tensor:
        for _ in range(STARTING):
            v = self.path.sweep(v, self.path.fields(v), β, self.generator)
        return v

    @torch.no_grad()
    def step(self) -> None:
        """A sweep of all chains, and an exchange."""
        machine, β = self.path.machine, self._rows
        h = machine.hidden.sample_(β * self.fields, self.generator)
        nothing = torch.zeros_like(self.path.base)
        self.v = machine.visible.sample_(
            machine.weights.down(β * h, nothing).add_(self._bias), self.generator
        )
        self.fields = self.path.fields(self.v)
        self._exchange()

    def _exchange(self) -> None:
        first = self._turn % 2
        self._turn += 1
        v, fields = (x.view(self.levels, self.columns, -1) for x in (self.v, self.fields))
        low = torch.arange(first, self.levels - 1, 2, device=v.device)
        if not len(low):
            return
        high = low + 1

        def weight(of: Tensor, at: Tensor) -> Tensor:
            β = self.beta[at][:, None]
            push = v[of] @ (self.path.machine.visible_bias - self.path.base)
            return β * push + self.path.machine.hidden.log_partition(β[..., None] * fields[of])

        gain = weight(high, low) + weight(low, high) - weight(low, low) - weight(high, high)
        u = torch.rand(gain.shape, generator=self.generator, dtype=v.dtype, device=v.device)
        swap = u.log() < gain
        self.tried[low.cpu()] += self.columns
        self.accepted[low.cpu()] += swap.sum(1).double().cpu()
        for x in (v, fields):
            one, two = x[low], x[high]
            x[low], x[high] = (
                torch.where(swap[..., None], two, one),
                torch.where(swap[..., None], one, two),
            )

    @torch.no_grad()
    def slopes(self) -> Tensor:
        """∂ ln P*_β/∂β of each chain at its β, (levels, columns), double precision."""
        means = self.path.machine.hidden.mean(self._rows * self.fields)
        push = self.v @ (self.path.machine.visible_bias - self.path.base)
        return (push + (self.fields * means).sum(-1)).view(self.levels, self.columns).double()

    @property
    def samples(self) -> Tensor:
        """Those at β = 1, (columns, visible)."""
        return self.v[-self.columns :]

    @property
    def exchange(self) -> float:
        """The least share of exchanges that neighbours made."""
        return float((self.accepted / self.tried.clamp(min=1)).min())


def remembers(series: NDArray[np.float64]) -> bool:
    """Whether hot and cold columns, or the earlier and the later half of all, are apart; (columns, steps).

    Examples
    --------
    >>> level = np.random.default_rng(0).normal(size=(16, 100))
    >>> remembers(level), remembers(level + np.linspace(0, 1, 100))
    (False, True)
    """
    half = series.shape[1] // 2
    hot, cold = series[::2].mean(1), series[1::2].mean(1)
    drift = series[:, half:].mean(1) - series[:, :half].mean(1)
    between = float(hot.mean() - cold.mean()), math.hypot(error_of(hot), error_of(cold))
    along = float(drift.mean()), error_of(drift)
    return any(abs(gap) > REMEMBERED * error for gap, error in (between, along))


def error_of(columns: NDArray[np.float64]) -> float:
    """Standard error of the mean of independent columns."""
    return float(columns.std(ddof=1)) / math.sqrt(len(columns))

"""What is read off chains on their way: energy and magnetisation, and whether they have forgotten their start."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensmaker.numerics.autocorrelation import autocorrelation, mean_of, split_r_hat
from lensmaker.systems.spins.canonical import Model
from lensmaker.systems.spins.energies import energy_of
from lensmaker.systems.spins.order_parameter import order_parameter
from lensmaker.systems.spins.sampling.rule import Spins, Walk

LARGEST_R_HAT = 1.05
"""Split R̂ up to which chains are said to tell the same."""

FAR = 4.0
"""Standard errors between hot and cold starts, or early and late, at which chains have not met."""

Series = NDArray[np.float64]
"""Energy a spin and |magnetisation| (in a field the magnetisation itself), (2, chains, steps)."""


class Observer:
    """Reads energy and order parameter off configurations; its tables are made once."""

    def __init__(self, model: Model) -> None:
        self._energies, self._model = energy_of(model), model

    def read(self, spins: Spins) -> NDArray[np.float64]:
        """Energy a spin and order parameter of configurations (…, N), (2, …)."""
        return np.stack([self._energies(spins) / self._model.sites, order_parameter(self._model, spins)])

    def record(self, walk: Walk, points: int, stride: int, threads: int) -> Series:
        """A series of so many points, one after each `stride` sweeps."""
        found = []
        for _ in range(points):
            walk.advance(stride, threads)
            found.append(self.read(walk.spins()))
        return self.unsigned(np.stack(found, -1))

    def unsigned(self, series: Series) -> Series:
        """The magnetisation without its sign where turning all spins over changes nothing."""
        return np.stack([series[0], np.abs(series[1]) if self._model.is_even else series[1]])


def slowest(series: Series) -> float:
    """The longest integrated autocorrelation time of the observables, in steps of the series."""
    return max(autocorrelation(one).time for one in series)


@dataclass(frozen=True)
class Settled:
    """Whether chains have forgotten where they started.

    Attributes
    ----------
    tau
        Of the slowest observable, in steps of the series.
    r_hat
        The largest split R̂.
    apart
        The largest distance of the means of hot and cold starts, in standard errors.
    drift
        That of the first and the last third of the series.
    """

    tau: float
    r_hat: float
    apart: float
    drift: float

    @property
    def is_reached(self) -> bool:
        """Whether all of them say so."""
        return self.r_hat < LARGEST_R_HAT and self.apart < FAR and self.drift < FAR


def settled(series: Series) -> Settled:
    """What the series says: even chains started hot, odd ones cold.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=(2, 4, 300))
    >>> settled(noise).is_reached, settled(noise + np.linspace(0, 1, 300)).is_reached
    (True, False)
    """
    third = series.shape[-1] // 3
    return Settled(
        slowest(series),
        max(split_r_hat(one) for one in series),
        max((_distance(one[::2], one[1::2]) for one in series), default=0.0) if series.shape[1] > 1 else 0.0,
        max(_distance(one[:, :third], one[:, -third:]) for one in series),
    )


def _distance(one: Series, other: Series) -> float:
    a, b = mean_of(one), mean_of(other)
    if a.value == b.value:
        return 0.0
    error = math.hypot(a.error, b.error)
    return abs(a.value - b.value) / error if error else math.inf

"""The flow of a restricted Boltzmann machine: the temperature of configurations that it iterates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import Convergence, InputError, Measurement, Reference, Table, Where
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.boltzmann.thermometer import READ_AS, Thermometer
from lensmaker.numerics.autocorrelation import mean_of
from lensmaker.numerics.resampling import Estimate, jackknife
from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann.machine_flow import MachineFlow
from lensmaker.systems.spins.sampling.chains import Observer
from lensmaker.systems.spins.sampling.samples import Samples

OBSERVABLES = ("energy", "magnetisation")

APART = 3.5
"""Standard errors by which two moments of one flow differ; of the four differences that are looked at for each start
one does so by chance in 500 flows."""

UNLIKELY = 1e-3
"""Chance below which the ends of several starts are said to differ."""

STEPS = 4
"""Samples of a chain that tell its autocorrelation."""


class Trail(NamedTuple):
    """Energy a spin and |m| along a flow from one start, (moments, chains, samples) each."""

    start: Samples
    energy: NDArray[np.float64]
    magnetisation: NDArray[np.float64]


class End(NamedTuple):
    """Where a start ends."""

    value: Estimate
    samples: int
    state: Convergence


@dataclass(frozen=True)
class RBMFlow(Instrument):
    r"""Energy and |m| of spins after k = 0, 1, 2, 4 … iterations v → h → v of a machine, as values and temperatures.

    At "flow", for each start and k, the means over configurations, with errors that know of the autocorrelation of the
    samples they started from, and the temperatures that thermometers read. At "fixed point", for each start the state
    at the last k, and for all of them together their mean. A start has reached it if energy and |m| over the last two
    doublings of k, K/4 → K/2 → K, do not move by more than 3.5 standard errors of the difference of the same chains;
    otherwise the iteration is said to have stopped at its limit. Where the ends of several starts differ (χ²,
    p < 0.001) that is said too: there are several fixed points, or metastable states. A fixed point that is the only
    one is the marginal distribution of the machine itself.

    Parameters
    ----------
    thermometers
        What is read as a temperature; without one there are energies and magnetisations alone.
    doublings
        The last k is 2 to the power of this.
    seed
        Of all random numbers.

    Raises
    ------
    InputError
        If there are fewer than two doublings, or two thermometers of one quantity.

    Examples
    --------
    >>> from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine, Spin
    >>> from lensmaker.systems.spins import Canonical, ising, sample, square
    >>> from lensmaker.systems.spins.sampling import HeatBath
    >>> start = sample(Canonical(ising(square(4)), 1.0), 400, rule=HeatBath(), seed=0)
    >>> machine = RestrictedBoltzmannMachine(Spin(16), Spin(4))  # nothing couples: noise after one iteration
    >>> found = RBMFlow(doublings=3).measure(MachineFlow(machine, [start]))
    >>> energy = found.select(quantity="energy", where="machine:fixed point")[0]
    >>> abs(energy.value) < 4 * energy.error, energy.convergence.name
    (True, 'CONVERGED')
    """

    thermometers: tuple[Thermometer, ...] = ()
    doublings: int = 7
    seed: int = 0

    name = "rbm_flow"
    summary = "Temperatures of configurations that a Boltzmann machine iterates, and where they end."
    quantities = ("energy", "magnetisation", "energy_temperature", "magnetic_temperature")
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "iso2018",
            "S. Iso, S. Shiba, S. Yokoo",
            "Scale-invariant feature extraction of neural network and renormalization group flow",
            2018,
            "Phys. Rev. E 97, 053304",
            "arXiv:1801.07172",
        ),
        Reference(
            "funai2020",
            "S. S. Funai, D. Giataganas",
            "Thermodynamics and feature extraction by machine learning",
            2020,
            "Phys. Rev. Research 2, 033415",
            "arXiv:1810.08179",
        ),
    )

    def __post_init__(self) -> None:
        if self.doublings < 2:
            raise InputError("two doublings or more", f"{self.doublings}", "pass doublings=7")
        read = [t.quantity for t in self.thermometers]
        if len(set(read)) < len(read):
            raise InputError("a thermometer for each quantity", ", ".join(read), "leave one out")

    @property
    def moments(self) -> list[int]:
        """The numbers of iterations after which configurations are looked at."""
        return [0, *(1 << k for k in range(self.doublings + 1))]

    def measure(self, system: MachineFlow) -> Table[Measurement]:
        trails = [self._trail(system, k, start) for k, start in enumerate(system.starts)]
        found: list[Measurement] = []
        for trail in trails:
            T = trail.start.system.temperature
            for k, number in enumerate(self.moments):
                where = Where(system.name, operation="flow", coordinates=(("start", T), ("k", number)))
                for name in OBSERVABLES:
                    series = getattr(trail, name)[k]
                    found += self._read(name, where, End(mean(series), series.size, Convergence.CONVERGED))
        for name in OBSERVABLES:
            ends = [end(trail, name) for trail in trails]
            for trail, one in zip(trails, ends, strict=True):
                at = (("start", trail.start.system.temperature),)
                found += self._read(name, Where(system.name, operation="fixed point", coordinates=at), one)
            found += self._read(name, Where(system.name, operation="fixed point"), together(ends))
        return Table(found)

    def _trail(self, system: MachineFlow, number: int, start: Samples) -> Trail:
        generator = stream(f"machine flow {number}", self.seed, system.machine.visible_bias.device)
        observer = Observer(start.system.hamiltonian)
        chains = start.provenance.chains
        steps = len(start) // chains
        looks = []
        for spins in system.states(start, self.moments, generator):
            rows = spins[: chains * steps].unflatten(0, (steps, chains)).transpose(0, 1)
            looks.append(observer.read(np.ascontiguousarray(rows.numpy())))
        e, m = np.stack(looks, 1)
        return Trail(start, e, np.abs(m))

    def _read(self, name: str, where: Where, found: End) -> Iterator[Measurement]:
        value, samples, state = found
        yield self.measurement(name, where, value.value, value.error, samples, state)
        for thermometer in self.thermometers:
            if thermometer.quantity == name:
                T, error, scale = thermometer.read(value.value, value.error)
                worse = state if state is not Convergence.CONVERGED else scale
                yield self.measurement(READ_AS[name], where, T, error, samples, worse)


def mean(series: NDArray[np.float64]) -> Estimate:
    """Of (chains, samples): with autocorrelation where chains are long enough to tell, else over chains."""
    return mean_of(series) if series.shape[1] >= STEPS else jackknife(series.mean(1))


def end(trail: Trail, name: str) -> End:
    """The state at the last moment, and whether it is that of the two doublings before."""
    series = getattr(trail, name)
    rests = all(
        abs(step.value) <= APART * step.error
        for x in (trail.energy, trail.magnetisation)
        for step in (mean(x[k] - x[k - 1]) for k in (-1, -2))
    )
    state = Convergence.CONVERGED if rests else Convergence.ITERATION_LIMIT
    return End(mean(series[-1]), series[-1].size, state)


def together(ends: Sequence[End]) -> End:
    """The mean of the ends, each of the same weight, and whether they are one."""
    from scipy.special import gammaincc

    values, errors = (np.array([part[k] for part, _, _ in ends]) for k in (0, 1))
    n, count = len(ends), sum(samples for _, samples, _ in ends)
    pooled = Estimate(float(values.mean()), float(np.sqrt((errors**2).sum())) / n)
    waiting = [state for _, _, state in ends if state is not Convergence.CONVERGED]
    if waiting:
        return End(pooled, count, waiting[0])
    if n > 1 and float(np.ptp(values)):
        with np.errstate(divide="ignore"):
            weights = 1 / errors**2
        if not np.isfinite(weights).all():
            return End(pooled, count, Convergence.ENDS_APART)
        centre = float(weights @ values / weights.sum())
        if gammaincc((n - 1) / 2, float(weights @ (values - centre) ** 2) / 2) < UNLIKELY:
            return End(pooled, count, Convergence.ENDS_APART)
    return End(pooled, count, Convergence.CONVERGED if math.isfinite(pooled.error) else ends[0].state)

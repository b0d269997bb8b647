"""How far a machine is from the trace condition, from samples of the spins."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.core import Convergence, InputError, Measurement, Reference, Table
from lensmaker.core.bibliography import MEHTA_2014
from lensmaker.instruments.base import Instrument
from lensmaker.numerics.autocorrelation import autocorrelation, block_means
from lensmaker.numerics.resampling import Estimate, jackknife
from lensmaker.systems.boltzmann.coarsening import Coarsening
from lensmaker.systems.boltzmann.constructed import bond_constant, bond_machine
from lensmaker.systems.boltzmann.likelihood.methods import Method, Summation
from lensmaker.systems.boltzmann.spin_form import spin_form

Values = NDArray[np.float64]

FEWEST = 50.0
"""Effective samples (Σw)²/Σw² of w = e^R below which few of them carry all the weight."""

BLOCKS = 40
"""Blocks, at least, where there are as many samples."""


@dataclass(frozen=True)
class VariationalMap(Instrument):
    r"""Var R, ΔF and KL(P ‖ P_RBM) over samples v of P, with R(v) = ln Tr_h e^{T(v, h)} = βH(v) + ln Σ_h e^{−E(v, h)}.

    The hidden layer is summed in closed form, so that no configurations are enumerated. By reweighting,

        ΔF = −ln ⟨e^R⟩,   KL = ln ⟨e^R⟩ − ⟨R⟩,

    whose mean e^R has heavy tails where Var R is not small: it is then dominated by few samples, and by what was not
    sampled at all, too small and not known to be; few effective samples are said to be uneven. With a way to ln Z both
    partition functions are estimated instead, that of the spins by their `bond_machine`,

        ΔF = ln Z_H − ln Z_E,   KL = −ΔF − ⟨R⟩.

    Errors are the jackknife's over blocks of ten autocorrelation times of R.

    Parameters
    ----------
    method
        The way to ln Z; None for reweighting.
    seed
        Of the annealing.

    Raises
    ------
    InputError
        If the way is the sum over configurations, which is no measurement; on measuring, if there are no samples.

    Examples
    --------
    >>> from lensmaker.systems.spins import Canonical, chain, ising, sample
    >>> from lensmaker.systems.spins.sampling import HeatBath
    >>> ring = Canonical(ising(chain(6)), 1.5)
    >>> drawn = sample(ring, 200, rule=HeatBath(), seed=0)
    >>> found = VariationalMap().measure(Coarsening(bond_machine(ring), ring, drawn))
    >>> max(abs(m.value) for m in found if m.quantity.name != "free_energy_shift") < 1e-12
    True
    """

    method: Method | None = None
    seed: int = 0

    name = "variational_map"
    summary = "Trace condition, free-energy shift and divergence of a machine from samples of the spins."
    quantities = ("trace_violation", "free_energy_shift", "kl_divergence")
    references: ClassVar[tuple[Reference, ...]] = (
        MEHTA_2014,
        Reference(
            "ferrenberg1988",
            "A. M. Ferrenberg, R. H. Swendsen",
            "New Monte Carlo technique for studying phase transitions",
            1988,
            "Phys. Rev. Lett. 61, 2635",
        ),
    )

    def __post_init__(self) -> None:
        if isinstance(self.method, Summation):
            raise InputError(
                "a way that samples, or None", "the sum", "ask the theory variational_rg for sums"
            )

    def measure(self, system: Coarsening) -> Table[Measurement]:
        if system.samples is None:
            raise InputError("samples of the spins", "none", "pass Coarsening(machine, system, samples)")
        series = self._series(system)
        count, mean = series.size, float(series.mean())
        blocks = _blocks(series - mean)
        state = _state(series)
        variance = _at(blocks, lambda x: x[..., 1] - x[..., 0] ** 2)
        table = [
            self.measurement("trace_violation", system.where, variance.value, variance.error, count, state)
        ]
        if self.method is None:
            # of e^{R − mean}, so that KL = ln ⟨e^{R − mean}⟩ − ⟨R − mean⟩
            shift = _at(blocks, lambda x: -np.log1p(x[..., 2]))
            divergence = _at(blocks, lambda x: np.log1p(x[..., 2]) - x[..., 0])
            weights = np.exp(series - series.max())
            if (
                weights.sum() ** 2 / (weights**2).sum() < min(FEWEST, count)
                and state is Convergence.CONVERGED
            ):
                state = Convergence.UNEVEN
            shift = Estimate(shift.value - mean, _at(blocks, lambda x: np.log1p(x[..., 2])).error)
        else:
            shift, annealed = self._annealed(system)
            state = annealed if state is Convergence.CONVERGED else state
            own = jackknife(blocks[:, :1])
            divergence = Estimate(-shift.value - mean, math.hypot(shift.error, own.error))
        for name, found in (("free_energy_shift", shift), ("kl_divergence", divergence)):
            table.append(self.measurement(name, system.where, found.value, found.error, count, state))
        return Table(table)

    @staticmethod
    def _series(system: Coarsening) -> Values:
        """R of each sample, (chains, steps)."""
        assert system.samples is not None
        form, spins = spin_form(system.machine), system.samples.by_chain()
        chains, steps, sites = spins.shape
        rows = spins.reshape(-1, sites)
        H = system.system.beta * system.system.hamiltonian.energy(rows).numpy()
        log_sums = [form.log_sum(some.double().numpy()) for some in rows.split(4096)]
        return np.asarray((H + np.concatenate(log_sums)).reshape(chains, steps))

    def _annealed(self, system: Coarsening) -> tuple[Estimate, Convergence]:
        """Ln Z_H − ln Z_E."""
        assert self.method is not None
        assert system.samples is not None
        rows = system.samples.spins.to(torch.float64)
        own = spin_form(system.machine)
        found = []
        for k, machine in enumerate((bond_machine(system.system), own.machine())):
            quiet = copy.deepcopy(machine).requires_grad_(False)
            found.append(self.method.log_partition(quiet, seed=self.seed + 1000 * k, data=rows))
        spins, machine_ = found
        value = spins.value - bond_constant(system.system) - machine_.value - own.constant
        states = [f.convergence for f in found if f.convergence is not Convergence.CONVERGED]
        return Estimate(value, math.hypot(spins.error, machine_.error)), (
            states[0] if states else Convergence.CONVERGED
        )


def _blocks(x: Values) -> Values:
    """Means over blocks of x, x² and e^x − 1, (blocks, 3)."""
    time = autocorrelation(x).time if x.shape[1] >= 4 else 0.5
    wanted = math.ceil(10 * time) if time > 0.6 else 1
    size = max(1, min(wanted, x.shape[1], x.size // BLOCKS))
    with np.errstate(over="ignore"):
        return np.asarray(block_means(np.stack([x, x**2, np.expm1(x)], -1), size))


def _at(blocks: Values, function: Callable[[Any], Any]) -> Estimate:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return jackknife(blocks, function)


def _state(series: Values) -> Convergence:
    if series.shape[1] < 4 or not autocorrelation(series).is_known:
        return Convergence.SERIES_TOO_SHORT
    return Convergence.CONVERGED

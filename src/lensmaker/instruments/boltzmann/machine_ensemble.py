"""What chains and annealing tell of a Boltzmann machine."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from lensmaker.core import Convergence, InputError, Measurement, Reference, Table
from lensmaker.instruments.base import Instrument
from lensmaker.numerics.autocorrelation import autocorrelation, mean_of
from lensmaker.numerics.resampling import Estimate
from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann.likelihood.ladder import Ladder, remembers
from lensmaker.systems.boltzmann.likelihood.methods import Annealing, Method, Summation
from lensmaker.systems.boltzmann.likelihood.path import path_to
from lensmaker.systems.boltzmann.subject import Subject


@dataclass(frozen=True)
class MachineEnsemble(Instrument):
    """ln Z by annealing or integration, ⟨E⟩ by tempered chains, and what follows: likelihoods, and S = ln Z + ⟨E⟩.

    The error of the likelihood is that of ln Z, for the rows as they are.

    Parameters
    ----------
    method
        The way to ln Z.
    levels, columns, sweeps
        Of the chains that give ⟨E⟩, after half as many sweeps that are not counted.
    seed
        Of all random numbers.

    Raises
    ------
    InputError
        If the way is the sum over configurations, which is no measurement.

    Examples
    --------
    >>> from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine
    >>> found = MachineEnsemble(Annealing(8, 4)).measure(Subject(RestrictedBoltzmannMachine(3, 2)))
    >>> round(found[0].value / math.log(2), 9)  # nothing couples: exact
    5.0
    """

    method: Method = field(default_factory=lambda: Annealing(runs=64, steps=300))
    levels: int = 8
    columns: int = 32
    sweeps: int = 400
    seed: int = 0

    name = "machine_ensemble"
    summary = "Partition function, likelihood, energy and entropy of a Boltzmann machine, from annealing and chains."
    quantities = ("log_partition", "log_likelihood", "machine_energy", "machine_entropy")
    references: ClassVar[tuple[Reference, ...]] = (
        Reference("neal2001", "R. M. Neal", "Annealed importance sampling", 2001, "Stat. Comput. 11, 125"),
        Reference(
            "bennett1976",
            "C. H. Bennett",
            "Efficient estimation of free energy differences from Monte Carlo data",
            1976,
            "J. Comput. Phys. 22, 245",
        ),
    )

    def __post_init__(self) -> None:
        if isinstance(self.method, Summation):
            raise InputError("a way that samples", "the sum", "pass Annealing() or Integration()")
        if self.levels < 2 or self.columns < 4 or self.sweeps < 8:
            got = f"{self.levels}, {self.columns} and {self.sweeps}"
            raise InputError("2 levels, 4 columns and 8 sweeps at least", got, "leave them as they are")

    def measure(self, system: Subject) -> Table[Measurement]:
        machine, rows = copy.deepcopy(system.machine).requires_grad_(False), system.rows
        found = self.method.log_partition(machine, seed=self.seed, data=rows)
        energy, state = self._energy(Subject(machine, rows))
        where, samples = system.where, self.columns * self.sweeps
        table = [
            self.measurement("log_partition", where, found.value, found.error, found.runs, found.convergence)
        ]
        if rows is not None:
            value = -float(machine.free_energy(rows).double().mean()) - found.value
            table.append(
                self.measurement("log_likelihood", where, value, found.error, found.runs, found.convergence)
            )
        table.append(self.measurement("machine_energy", where, energy.value, energy.error, samples, state))
        both = found.convergence if state is Convergence.CONVERGED else state
        entropy, error = found.value + energy.value, math.hypot(found.error, energy.error)
        table.append(self.measurement("machine_entropy", where, entropy, error, found.runs, both))
        return Table(table)

    def _energy(self, system: Subject) -> tuple[Estimate, Convergence]:
        """⟨E⟩ over samples of both layers at β = 1."""
        machine = system.machine
        generator = stream("machine ensemble", self.seed, machine.visible_bias.device)
        path = path_to(machine, seed=self.seed)
        start = path.rows if system.rows is None else system.rows
        ladder = Ladder(path, self.levels, self.columns, generator, start)
        for _ in range(self.sweeps // 2):
            ladder.step()
        series = np.empty((self.columns, self.sweeps))
        for turn in range(self.sweeps):
            ladder.step()
            v = ladder.samples
            h = machine.hidden.sample_(machine.hidden_field(v), generator)
            series[:, turn] = machine.energy(v, h).double().cpu().numpy()
        if remembers(series):
            state = Convergence.CHAINS_DISAGREE
        elif not autocorrelation(series).is_known:
            state = Convergence.SERIES_TOO_SHORT
        else:
            state = Convergence.CONVERGED
        return mean_of(series), state

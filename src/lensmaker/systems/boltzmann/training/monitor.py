"""What is looked at while a machine learns."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

import torch
from torch import Tensor

from lensmaker.core import Convergence, InputError
from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann.likelihood.estimate import AnnealedLogPartition, log_partition
from lensmaker.systems.boltzmann.likelihood.methods import Summation
from lensmaker.systems.boltzmann.likelihood.result import LogPartition
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.training.looks import Looks
from lensmaker.systems.boltzmann.training.mixing import mixing_time
from lensmaker.systems.boltzmann.training.watch import Watch
from lensmaker.systems.boltzmann.units import Potts
from lensmaker.systems.boltzmann.weights import Dense

Chains = Callable[[torch.Generator], Tensor | None]
"""Gives visible layers of chains, (n, visible)."""

LOST = 1.5
"""How much worse than units drawn evenly a pseudo-likelihood is where a machine ran away."""

WORSE = 10.0
"""How many times the squared error of one sweep grows where a machine of real units ran away."""

FEW = 14
"""log₂ of the configurations of the smaller layer up to which ln Z is their sum."""


@dataclass(frozen=True)
class Reading:
    """One line of the monitor.

    Attributes
    ----------
    epoch, updates
        When.
    reconstruction
        Mean squared difference of data and their means after one sweep: it falls for any machine that copies.
    pseudo_likelihood
        Σ_i ln P(v_i | all others) a row, from one unit of each row drawn at random, times their number; nan where
        units are real.
    held_out_pseudo_likelihood
        That of rows that are not learned from; nan without such rows.
    free_energy_gap
        Mean F of rows that are not learned from less that of rows that are, in nats: it grows when a machine learns by
        heart. nan without such rows.
    largest_weight
        Of |W|.
    log_likelihood, held_out_log_likelihood
        Mean ln P(v) of rows that are learned from, and of rows that are not; nan where it was not looked for.
    log_likelihood_error
        Of both, by that of ln Z; infinite where ln Z cannot be trusted, nan where it was not looked for.
    log_likelihood_low, log_likelihood_high
        Ends of the 95 % interval of `log_likelihood`, by that of ln Z; where annealing up and down do not meet, the
        ends of both.
    mixing_time, mixing_error
        Sweeps that chains remember, of the slowest observable; the error is infinite where the series is too short to
        tell, and both are nan where it was not looked for.
    """

    epoch: int
    updates: int
    reconstruction: float
    pseudo_likelihood: float
    held_out_pseudo_likelihood: float
    free_energy_gap: float
    largest_weight: float
    log_likelihood: float = math.nan
    held_out_log_likelihood: float = math.nan
    log_likelihood_error: float = math.nan
    log_likelihood_low: float = math.nan
    log_likelihood_high: float = math.nan
    mixing_time: float = math.nan
    mixing_error: float = math.nan

    def to_dict(self) -> dict[str, float]:
        """Name → number."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True, eq=False)
class Monitor(Watch):
    """Looks at a machine, from rows that it learns from, and from rows that it does not where there are some.

    Its random numbers are its own, and the same at each reading: what learns does not know that it is watched.

    Attributes
    ----------
    machine, rows, held_out, seed
        What is looked at, from where, and the random numbers.
    looks
        What is looked at now and then.
    chains
        Gives the visible layers of the learner's chains, from where the mixing time starts.
    """

    machine: RestrictedBoltzmannMachine
    rows: Tensor
    held_out: Tensor | None
    seed: int
    looks: Looks = field(default_factory=Looks)
    chains: Chains | None = None

    judged_by = "pseudo-likelihood"

    @property
    def _generator(self) -> torch.Generator:
        return stream("boltzmann monitor", self.seed, self.rows.device)

    @torch.no_grad()
    def read(self, epoch: int, updates: int) -> Reading:
        machine, rows, generator = self.machine, self.rows, self._generator
        fields = machine.hidden_field(rows)
        h = machine.hidden.sample(fields, generator)
        again = machine.visible.mean_(machine.visible_field(h))
        gap = other = math.nan
        if self.held_out is not None:
            other = pseudo_likelihood(machine, self.held_out, generator)
            gap = float(machine.free_energy(self.held_out).mean() - machine.free_energy(rows).mean())
        return Reading(
            epoch,
            updates,
            float((again - rows).square().mean()),
            pseudo_likelihood(machine, rows, generator, fields),
            other,
            gap,
            float(machine.weights.parameter.abs().max()),
            **(self._appraised() if self.looks.appraises_at(epoch) else {}),
            **(self._mixed() if self.looks.mixes_at(epoch) else {}),
        )

    def _appraised(self) -> dict[str, float]:
        """Log-likelihoods with the error and the interval that ln Z gives them."""
        machine, looks = self.machine, self.looks
        if min(machine.visible.log_states, machine.hidden.log_states) <= FEW * math.log(2):
            found: LogPartition = Summation().log_partition(machine, seed=self.seed)
        else:
            found = log_partition(
                machine,
                seed=self.seed,
                runs=looks.runs,
                steps=looks.steps,
                data=self.rows,
            )
        ends, error = list(found.interval()), found.error
        if found.convergence is not Convergence.CONVERGED:
            error = math.inf
            if isinstance(found, AnnealedLogPartition):
                ends += [found.forward, found.backward]
        F = float(machine.free_energy(self.rows).double().mean())
        other = math.nan
        if self.held_out is not None:
            other = -float(machine.free_energy(self.held_out).double().mean()) - found.value
        return {
            "log_likelihood": -F - found.value,
            "held_out_log_likelihood": other,
            "log_likelihood_error": error,
            "log_likelihood_low": -F - max(ends),
            "log_likelihood_high": -F - min(ends),
        }

    def _mixed(self) -> dict[str, float]:
        start = self._warm(self.looks.chains, 0)
        generator = stream("boltzmann mixing", self.seed, self.rows.device)
        found = mixing_time(self.machine, start, sweeps=self.looks.sweeps, generator=generator)
        return {"mixing_time": found.value, "mixing_error": found.error}

    def _warm(self, count: int, sweeps: int) -> Tensor:
        """Visible layers near those of the machine: of the learner's chains, or of rows, after so many sweeps."""
        generator = stream("boltzmann warm samples", self.seed, self.rows.device)
        found = None if self.chains is None else self.chains(generator)
        source = self.rows if found is None else found
        chosen = torch.randint(len(source), (count,), generator=generator, device=source.device)
        if found is not None and len(found) >= count:
            chosen = torch.randperm(len(source), generator=generator, device=source.device)[:count]
        return self.machine.gibbs(source[chosen], sweeps, generator)

    def again(self, row: dict[str, Any]) -> Reading:
        numbers: dict[str, Any] = {n: math.nan if v is None else v for n, v in row.items()}
        return Reading(**numbers)

    def is_lost(self, reading: Reading, first: Reading) -> bool:
        if math.isnan(first.pseudo_likelihood):
            return reading.reconstruction > WORSE * first.reconstruction
        return reading.pseudo_likelihood < min(first.pseudo_likelihood, -LOST * self._coins)

    @property
    def _coins(self) -> float:
        """Nats a row of visible units that are drawn evenly."""
        return self.machine.visible.log_states

    def score(self, reading: Reading) -> float:
        return reading.pseudo_likelihood if self.held_out is None else reading.held_out_pseudo_likelihood


@dataclass(frozen=True, eq=False)
class LikelihoodMonitor(Monitor):
    """A monitor that judges by the log-likelihood, of rows held out where there are some."""

    judged_by = "log-likelihood"

    def score(self, reading: Reading) -> float:
        if not math.isfinite(reading.log_likelihood_error):
            return math.nan
        return reading.log_likelihood if self.held_out is None else reading.held_out_log_likelihood

    def told(self, reading: Reading) -> str:
        if math.isnan(self.score(reading)):
            return f"{Monitor.judged_by} {Monitor.score(self, reading):.4g}"
        return f"{super().told(reading)} ± {reading.log_likelihood_error:.2g}"


def pseudo_likelihood(
    machine: RestrictedBoltzmannMachine,
    rows: Tensor,
    generator: torch.Generator,
    fields: Tensor | None = None,
) -> float:
    """N ln P(v_i | all others) in the mean over rows, i drawn for each: unbiased for Σ_i ln P(v_i | all others).

    `fields` are b + Wᵀv of the rows, where they are known.
    """
    if isinstance(machine.visible, Potts):
        return float(_of_sites(machine, machine.visible, rows, generator).mean())
    if len(machine.visible.states) != 2:
        return math.nan
    return float(pseudo_likelihoods(machine, rows, generator, fields).mean())


@torch.no_grad()
def _of_sites(
    machine: RestrictedBoltzmannMachine, units: Potts, rows: Tensor, generator: torch.Generator
) -> Tensor:
    """Of each row, (n,): N ln P(s_i | all others), of a site drawn for each."""
    each = torch.arange(len(rows), device=rows.device)
    site = torch.randint(units.count, (len(rows),), generator=generator, device=rows.device)
    free = []
    for state in range(units.q):
        other = rows.view(len(rows), units.count, units.q).clone()
        other[each, site] = 0
        other[each, site, state] = 1
        free.append(-machine.free_energy(other.flatten(1)))
    log_p = torch.stack(free, 1).log_softmax(1)
    return units.count * (log_p * rows.view(len(rows), units.count, units.q)[each, site]).sum(1)


@torch.no_grad()
def pseudo_likelihoods(
    machine: RestrictedBoltzmannMachine,
    rows: Tensor,
    generator: torch.Generator,
    fields: Tensor | None = None,
) -> Tensor:
    """Of each row, (n,); for visible units of two states."""
    unit = torch.randint(rows.shape[1], (len(rows), 1), generator=generator, device=rows.device)
    step = sum(machine.visible.states) - 2 * rows.gather(1, unit)
    if isinstance(machine.weights, Dense):  # one unit turned over: no product of matrices
        fields = machine.hidden_field(rows) if fields is None else fields
        log_z = machine.hidden.log_partition(fields)
        shifted = machine.hidden.log_partition(fields + step * machine.weights.parameter[unit[:, 0]])
        gain = log_z - shifted - step[:, 0] * machine.visible_bias[unit[:, 0]]
    else:
        gain = machine.free_energy(rows.scatter_add(1, unit, step)) - machine.free_energy(rows)
    return rows.shape[1] * torch.nn.functional.logsigmoid(gain)


@torch.no_grad()
def whole_pseudo_likelihoods(machine: RestrictedBoltzmannMachine, rows: Tensor) -> Tensor:
    """Σ_i ln P(v_i | all others) of each row, (n,), over all units of a dense machine with units of two states.

    Raises
    ------
    InputError
        If the machine is of another kind.
    """
    if machine.weights.kind != Dense.kind or len(machine.visible.states) != 2:
        got = f"{machine.visible} and {machine.weights.kind} weights"
        raise InputError("visible units of two states and a matrix of weights", got, "use pseudo_likelihood")
    W, other = machine.weights.parameter, sum(machine.visible.states)
    fields = machine.hidden_field(rows)
    log_z = machine.hidden.log_partition(fields)
    total = rows.new_zeros(len(rows))
    for i in range(rows.shape[1]):
        step = other - 2 * rows[:, i]
        shifted = machine.hidden.log_partition(torch.addr(fields, step, W[i]))
        total -= torch.nn.functional.softplus(step * machine.visible_bias[i] + shifted - log_z)
    return total

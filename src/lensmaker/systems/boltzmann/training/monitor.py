"""What is looked at while a machine learns."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine


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
        units are no pairs of states.
    held_out_pseudo_likelihood
        That of rows that are not learned from; nan without such rows.
    free_energy_gap
        Mean F of rows that are not learned from less that of rows that are, in nats: it grows when a machine learns by
        heart. nan without such rows.
    largest_weight
        Of |W|.
    """

    epoch: int
    updates: int
    reconstruction: float
    pseudo_likelihood: float
    held_out_pseudo_likelihood: float
    free_energy_gap: float
    largest_weight: float

    def to_dict(self) -> dict[str, float]:
        """Name → number."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@torch.no_grad()
def read(
    machine: RestrictedBoltzmannMachine,
    rows: Tensor,
    held_out: Tensor | None,
    epoch: int,
    updates: int,
    generator: torch.Generator,
) -> Reading:
    """Look at a machine, from rows that it learns from and rows that it does not."""
    h = machine.hidden.sample_(machine.hidden_field(rows), generator)
    again = machine.visible.mean_(machine.visible_field(h))
    gap = other = math.nan
    if held_out is not None:
        other = pseudo_likelihood(machine, held_out, generator)
        gap = float(machine.free_energy(held_out).mean() - machine.free_energy(rows).mean())
    return Reading(
        epoch,
        updates,
        float((again - rows).square().mean()),
        pseudo_likelihood(machine, rows, generator),
        other,
        gap,
        float(machine.weights.parameter.abs().max()),
    )


def pseudo_likelihood(machine: RestrictedBoltzmannMachine, rows: Tensor, generator: torch.Generator) -> float:
    """N ln P(v_i | all others) in the mean over rows, i drawn for each: unbiased for Σ_i ln P(v_i | all others)."""
    if len(machine.visible.states) != 2:
        return math.nan
    return float(pseudo_likelihoods(machine, rows, generator).mean())


@torch.no_grad()
def pseudo_likelihoods(
    machine: RestrictedBoltzmannMachine, rows: Tensor, generator: torch.Generator
) -> Tensor:
    """Of each row, (n,); for visible units of two states."""
    unit = torch.randint(rows.shape[1], (len(rows), 1), generator=generator).to(rows.device)
    other = rows.scatter(1, unit, sum(machine.visible.states) - rows.gather(1, unit))
    gain = machine.free_energy(other) - machine.free_energy(rows)
    return rows.shape[1] * torch.nn.functional.logsigmoid(gain)


@torch.no_grad()
def whole_pseudo_likelihoods(machine: RestrictedBoltzmannMachine, rows: Tensor) -> Tensor:
    """Σ_i ln P(v_i | all others) of each row, (n,), over all units of a dense machine with units of two states."""
    W, other = machine.weights.parameter, sum(machine.visible.states)
    fields = machine.hidden_field(rows)
    log_z = machine.hidden.log_partition(fields)
    total = rows.new_zeros(len(rows))
    for i in range(rows.shape[1]):
        step = other - 2 * rows[:, i]
        shifted = machine.hidden.log_partition(torch.addr(fields, step, W[i]))
        total -= torch.nn.functional.softplus(step * machine.visible_bias[i] + shifted - log_z)
    return total

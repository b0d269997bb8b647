"""What is known of ln P(v) where it is not known exactly."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.core import Convergence, InputError
from lensmaker.systems.boltzmann.deep.machine import DeepBoltzmannMachine
from lensmaker.systems.boltzmann.deep.mean_field import Relaxation, mean_field, unnormalised_bound
from lensmaker.systems.boltzmann.likelihood import LogPartition


@dataclass(frozen=True, eq=False)
class Bound:
    """A lower bound of the mean of ln P(v) over rows, or an estimate that is one in expectation.

    Attributes
    ----------
    rows
        Of each row, (n,), in nats.
    error
        Standard error of their mean for these rows, from ln Z and from samples of hidden layers.
    bias
        One sentence on what it is off by.
    convergence
        Whether what it rests on has converged.
    """

    rows: Tensor
    error: float
    bias: str
    convergence: Convergence = Convergence.CONVERGED

    @property
    def value(self) -> float:
        """The mean over rows."""
        return float(self.rows.mean())

    def __str__(self) -> str:
        said = f" ({self.convergence.value})" if self.convergence.value else ""
        return f"ln P(v) ≥ {self.value:.3f} ± {self.error:.3f} a row{said}"


def told(log_partition: LogPartition | float) -> tuple[float, float, Convergence]:
    """Ln Z with its error, which is 0 for a number that is known exactly."""
    if isinstance(log_partition, LogPartition):
        return log_partition.value, log_partition.error, log_partition.convergence
    return float(log_partition), 0.0, Convergence.CONVERGED


@torch.no_grad()
def mean_field_bound(
    machine: DeepBoltzmannMachine,
    v: Tensor,
    log_partition: LogPartition | float,
    relaxation: Relaxation | None = None,
) -> Bound:
    """ℒ(v) = max_q E_q[ln P(v, h) − ln q(h)] ≤ ln P(v) of each row, q a product over hidden units.

    Parameters
    ----------
    log_partition
        Of the machine: exact, or estimated.

    Raises
    ------
    InputError
        If rows do not fit the visible units.

    Examples
    --------
    >>> machine = DeepBoltzmannMachine(3, 2, 2)
    >>> print(mean_field_bound(machine, torch.zeros(4, 3), 4.852030))  # ln Z = 7 ln 2
    ln P(v) ≥ -2.079 ± 0.000 a row
    """
    if not len(v):
        raise InputError("a row or more", "none", "pass rows of data")
    v = v.to(machine.biases[0])
    machine.visible.check(v)
    log_z, error, state = told(log_partition)
    found = mean_field(machine, v, relaxation)
    rows = unnormalised_bound(machine, v, found).double() - log_z
    bias = "Below ln P(v) by how far the hidden layers of a row are from independent units."
    first = state if state is not Convergence.CONVERGED else found.convergence
    return Bound(rows, error, bias, first)

"""ln Z of a deep machine by annealing."""

from __future__ import annotations

import torch
from torch import Tensor

from lensmaker.systems.boltzmann.deep.halves import halves
from lensmaker.systems.boltzmann.deep.machine import DeepBoltzmannMachine, Layers
from lensmaker.systems.boltzmann.deep.mean_field import mean_field
from lensmaker.systems.boltzmann.likelihood import LogPartition
from lensmaker.systems.boltzmann.likelihood import log_partition as log_partition_of_two


@torch.no_grad()
def deep_log_partition(
    machine: DeepBoltzmannMachine,
    *,
    seed: int,
    runs: int = 256,
    steps: int = 1000,
    data: Tensor | None = None,
    samples: Layers | None = None,
) -> LogPartition:
    """Estimate ln Z by annealing up and down, as of a restricted machine: the even layers are sampled, the odd summed.

    Parameters
    ----------
    runs, steps
        Of each direction.
    data
        Rows where, with their mean fields, half of the chains start that the way down starts from.
    samples
        Of all layers of the machine, where the way down starts; by default the ends of tempered chains.

    Raises
    ------
    InputError
        If there are fewer than two runs, or no steps, or data do not fit.

    References
    ----------
    R. Salakhutdinov, G. Hinton, Proc. 12th Int. Conf. Artificial Intelligence and Statistics, 448 (2009).

    Examples
    --------
    >>> found = deep_log_partition(DeepBoltzmannMachine(3, 2, 2), seed=0, runs=8, steps=4)
    >>> round(found.value / torch.tensor(2.0).log().item(), 6)  # nothing couples: exact
    7.0
    """
    even = None
    if data is not None:
        machine.visible.check(data)
        even = torch.cat([data, *mean_field(machine, data).means[1::2]], -1)
    ends = None if samples is None else torch.cat(samples[0::2], -1)
    return log_partition_of_two(halves(machine), seed=seed, runs=runs, steps=steps, data=even, samples=ends)

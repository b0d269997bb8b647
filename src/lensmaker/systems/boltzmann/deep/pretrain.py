"""Where a deep Boltzmann machine starts: a greedy stack of machines that make up for the layers still missing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.core.progress import Progress
from lensmaker.systems.boltzmann.deep.copies import Copies
from lensmaker.systems.boltzmann.deep.machine import DeepBoltzmannMachine
from lensmaker.systems.boltzmann.deep.stack import Given, Lifted, fit_greedily
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.training.plan import Training
from lensmaker.systems.boltzmann.training.rows import rows_of
from lensmaker.systems.boltzmann.training.run import History
from lensmaker.systems.boltzmann.units import Units, units_of
from lensmaker.systems.boltzmann.weights import Dense


def pretrain(
    machine: DeepBoltzmannMachine,
    data: Any,
    training: Training | Sequence[Training] | None = None,
    *,
    given: Given = Given.SAMPLES,
    scale: float = 0.01,
    folder: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> tuple[History, ...]:
    """Give a deep machine weights and biases of a greedy stack, in place.

    A layer between two others feels both, but in a stack only one at a time. So the lowest machine has two copies of
    the visible layer, which double what the hidden layer feels; the top one two copies of the top layer; and of those
    between the weights are halved in the end. A bias that two machines have learned is the mean of both.

    It is a start, and no more: where modes are far apart the whole may give one of them nearly all the weight, and be
    worse than independent units until it is trained. Centred learning from small weights may come further.

    Arguments and files are those of `fit_greedily`.

    Raises
    ------
    InputError
        If the weights are not matrices, or as there.

    References
    ----------
    R. Salakhutdinov, G. Hinton, Proc. 12th Int. Conf. Artificial Intelligence and Statistics, 448 (2009), section 3.1.

    Examples
    --------
    >>> machine = DeepBoltzmannMachine(2, 3, 2)
    >>> [h.updates for h in pretrain(machine, [[0.0, 1.0], [1.0, 0.0]], Training(epochs=2))]
    [2, 2]
    """
    if not all(isinstance(w, Dense) for w in machine.weights):
        kinds = ", ".join(w.kind for w in machine.weights)
        raise InputError("matrices of weights", f"{kinds} weights", "start from machine.initialise instead")
    last, dtype = len(machine.links) - 1, machine.biases[0].dtype
    shares = [(1 + (0 == k < last), 1 + (0 < k == last)) for k in range(last + 1)]
    stack = []
    for k, (low, high) in enumerate(shares):
        units = machine.layers[k : k + 2]
        inner = Dense(units[0].size, units[1].size, dtype)
        weights = Copies(inner, low, high) if low + high > 2 else inner
        visible, hidden = _copied(units[0], low), _copied(units[1], high)
        stack.append(RestrictedBoltzmannMachine(visible, hidden, weights, biased=machine.biased))
    rows = rows_of(data)
    if shares[0][0] == 2:

        def twice(block: Tensor, generator: torch.Generator) -> Tensor:
            return torch.cat([block, block], -1)

        machine.visible.check(rows.read(0, 1, dtype))
        rows = Lifted(rows.source, rows.block, rows.means, twice, 2 * rows.size)
    histories = fit_greedily(
        stack, rows, training, given=given, scale=scale, folder=folder, progress=progress
    )
    _compose(machine, stack)
    return histories


def _copied(units: Units, copies: int) -> Units:
    """So many of the same units."""
    return units_of(units.spec | {"count": copies * units.count}) if copies > 1 else units


@torch.no_grad()
def _compose(machine: DeepBoltzmannMachine, stack: Sequence[RestrictedBoltzmannMachine]) -> None:
    """Weights of the stack, halved in between, and biases, the mean of those learned from either side."""
    last = len(stack) - 1
    for k, (w, source) in enumerate(zip(machine.weights, stack, strict=True)):
        w.parameter.copy_(source.weights.parameter).mul_(0.5 if 0 < k < last else 1.0)
    for k, bias in enumerate(machine.biases):
        seen = [m.visible_bias[: len(bias)] for m in stack[k : k + 1]]
        seen += [m.hidden_bias[: len(bias)] for m in stack[max(k - 1, 0) : k]]
        bias.copy_(torch.stack(seen).mean(0))

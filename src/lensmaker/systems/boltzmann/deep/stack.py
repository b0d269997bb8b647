"""Greedy learning: one restricted machine on top of the other, each from what the ones below make of the data."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.core.progress import Progress
from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann.deep.belief import DeepBeliefNetwork
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.training.fit import fit
from lensmaker.systems.boltzmann.training.plan import Training
from lensmaker.systems.boltzmann.training.rows import Rows, rows_of
from lensmaker.systems.boltzmann.training.run import History, looked_at


class Given(Enum):
    """What a machine learns from: samples of the hidden layer below, or its means."""

    SAMPLES = "samples"
    MEANS = "means"


@dataclass(frozen=True, eq=False)
class Lifted(Rows):
    """Rows as something makes of them whenever they are read, the same each time.

    A table of one block is made once and kept: what is below does not learn any more.

    Attributes
    ----------
    through
        What is made of a block of rows, (n, size) → (n, width).
    width
        Numbers of a row that is made.
    seed
        Of its random numbers.
    device
        Where it is made.
    kept
        Of each type of numbers, the whole table.
    """

    through: Callable[[Tensor, torch.Generator], Tensor] = lambda rows, generator: rows
    width: int = 0
    seed: int = 0
    device: torch.device | str = "cpu"
    kept: dict[torch.dtype, Tensor] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return self.width

    def read(self, first: int, last: int, dtype: torch.dtype) -> Tensor:
        if (first, last) != (0, len(self)) or last > self.block:
            return self._made(first, last, dtype)
        if dtype not in self.kept:
            self.kept[dtype] = self._made(first, last, dtype)
        return self.kept[dtype]

    def _made(self, first: int, last: int, dtype: torch.dtype) -> Tensor:
        block = super().read(first, last, dtype).to(self.device)
        generator = stream(f"rows lifted from {first}", self.seed, block.device)
        return self.through(block, generator)


def lifted(rows: Rows, below: Sequence[RestrictedBoltzmannMachine], given: Given, seed: int) -> Rows:
    """What machines below make of rows: samples of each hidden layer given the last, or means."""
    if not below:
        return rows
    source = rows.through if isinstance(rows, Lifted) else None

    @torch.no_grad()
    def through(block: Tensor, generator: torch.Generator) -> Tensor:
        s = block if source is None else source(block, generator)
        for machine in below:
            fields = machine.weights.up(s, machine.hidden_bias)
            if given is Given.SAMPLES:
                s = machine.hidden.sample_(fields, generator)
            else:
                s = machine.hidden.mean_(fields)
        return s

    means = given is Given.MEANS
    device = below[0].hidden_bias.device
    return Lifted(rows.source, rows.block, means, through, below[-1].hidden.size, seed, device)


def fit_greedily(
    machines: Sequence[RestrictedBoltzmannMachine],
    data: Any,
    training: Training | Sequence[Training] | None = None,
    *,
    given: Given = Given.SAMPLES,
    scale: float = 0.01,
    held_out: Any = None,
    folder: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> tuple[History, ...]:
    """Train machines in place, the lowest first, each by `fit` on what the ones below make of the data.

    Each starts from small weights and the means of what it sees. One that diverges is the last.

    Parameters
    ----------
    training
        Of all machines, or of each.
    given
        What each one learns from.
    scale
        Of the weights at the start.
    folder
        Where a file is written for each machine, `layer-0.safetensors` and so on: the same call goes on where it was,
        and ends with the machines of an undisturbed training, bit for bit.

    Raises
    ------
    InputError
        If data do not fit the lowest machine, there are other numbers of trainings than of machines, or the folder is
        missing.
    """
    plans = [training or Training()] * len(machines) if not isinstance(training, Sequence) else list(training)
    if len(plans) != len(machines):
        fix = "pass one for all, or one for each"
        raise InputError(f"trainings for {len(machines)} machines", f"{len(plans)}", fix)
    if folder is not None and not Path(folder).is_dir():
        raise InputError("a folder that exists", f"{folder}", f"make {folder} first")
    rows, unseen = rows_of(data), None if held_out is None else rows_of(held_out)
    histories: list[History] = []
    for k, (machine, plan) in enumerate(zip(machines, plans, strict=True)):
        seed = plan.seed + k
        seen = lifted(rows, machines[:k], given, seed)
        other = None if unseen is None else lifted(unseen, machines[:k], given, seed)
        some, _ = looked_at(machine, seen, None)
        machine.initialise(seed=seed, scale=scale, data=some.cpu())
        path = None if folder is None else Path(folder) / f"layer-{k}.safetensors"
        histories.append(fit(machine, seen, plan, held_out=other, path=path, progress=progress))
        if histories[-1].diverged:
            break
    return tuple(histories)


def fit_stack(
    network: DeepBeliefNetwork,
    data: Any,
    training: Training | Sequence[Training] | None = None,
    *,
    given: Given = Given.SAMPLES,
    scale: float = 0.01,
    held_out: Any = None,
    folder: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> tuple[History, ...]:
    """Train the machines of a deep belief network greedily, in place; arguments are those of `fit_greedily`.

    Raises
    ------
    InputError
        As there, and if the way up has weights of its own already.

    References
    ----------
    G. E. Hinton, S. Osindero, Y.-W. Teh, Neural Comput. 18, 1527 (2006).

    Examples
    --------
    >>> network = DeepBeliefNetwork.of_layers(2, 3, 2)
    >>> histories = fit_stack(network, [[0.0, 1.0], [1.0, 0.0]], Training(epochs=2))
    >>> [history.updates for history in histories]
    [2, 2]
    """
    if len(network.recognition):
        raise InputError("a network that is not fine-tuned", "one that is", "make a new one of its layers")
    return fit_greedily(
        network.stack,
        data,
        training,
        given=given,
        scale=scale,
        held_out=held_out,
        folder=folder,
        progress=progress,
    )

"""Machines that have learned from samples of a magnet, as chains that can be sampled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.core.progress import Progress
from lensmaker.numerics.seeding import stream
from lensmaker.phenomena.learned_magnet.plan import Case, Kind, Plan
from lensmaker.systems.boltzmann import Spin
from lensmaker.systems.boltzmann.deep import (
    DeepBeliefNetwork,
    DeepBoltzmannMachine,
    DeepTraining,
    PersistentChains,
    fit_deep,
    fit_stack,
    pretrain,
)
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.phases import PersistentContrastiveDivergence
from lensmaker.systems.boltzmann.training import Schedule, Training, fit
from lensmaker.systems.boltzmann.training.run import History

RATE = Schedule(0.1, 0.0005)
"""Of all trainings."""

FIRST = Schedule(0.1, 0.01)
"""Of the pre-training of deep Boltzmann machines, which takes a sixth of the epochs."""

SCALE = 0.05
"""Of the weights at the start."""

Look = Callable[[int], Tensor]
"""Moves all chains by so many sweeps, and gives their visible layers, (chains, sites) of ±1."""


def learned(case: Case, rows: Tensor, plan: Plan, progress: Progress | None = None) -> Look:
    """Chains of a machine of ±1 units without biases that has learned rows of ±1, (samples, sites), from noise.

    Raises
    ------
    InputError
        If the training diverges.
    """
    generator = stream(f"chains of {case.name}", case.seed)
    told = {
        "epochs": case.longer * plan.epochs,
        "batch": plan.batch,
        "learning_rate": RATE,
        "seed": case.seed,
    }
    visible, hidden = Spin(rows.shape[1]), Spin(case.hidden)
    phase = PersistentContrastiveDivergence(steps=plan.steps, chains=plan.chains)
    training = Training(**told, phase=phase)  # type: ignore[arg-type]
    if case.kind is Kind.RESTRICTED:
        machine = RestrictedBoltzmannMachine(visible, hidden, biased=False)
        machine.initialise(seed=case.seed, scale=SCALE)
        finite(fit(machine, rows, training, progress=progress))
        return restricted(machine, plan.measured_chains, generator)
    units = (visible, hidden, hidden)
    if case.kind is Kind.DEEP_BELIEF:
        network = DeepBeliefNetwork.of_layers(*units, biased=False)
        for history in fit_stack(network, rows, training, scale=SCALE, progress=progress):
            finite(history)
        top = restricted(network.top, plan.measured_chains, generator)
        return lambda sweeps: network.down(top(sweeps), generator)[0]
    deep = DeepBoltzmannMachine(*units, biased=False)
    start = replace(training, epochs=max(1, training.epochs // 6), learning_rate=FIRST)
    for history in pretrain(deep, rows, start, scale=SCALE, progress=progress):
        finite(history)
    chains = PersistentChains(steps=plan.steps, chains=plan.chains)
    finite(fit_deep(deep, rows, DeepTraining(**told, phase=chains), progress=progress))  # type: ignore[arg-type]
    return undirected(deep, plan.measured_chains, generator)


def restricted(machine: RestrictedBoltzmannMachine, chains: int, generator: torch.Generator) -> Look:
    """Of a restricted machine."""
    v = [machine.random(chains, generator)]

    def look(sweeps: int) -> Tensor:
        v[0] = machine.gibbs(v[0], sweeps, generator)
        return v[0]

    return look


def undirected(machine: DeepBoltzmannMachine, chains: int, generator: torch.Generator) -> Look:
    """Of a deep machine, all layers together."""
    states = [machine.random(chains, generator)]

    def look(sweeps: int) -> Tensor:
        states[0] = machine.gibbs(states[0], sweeps, generator)
        return states[0][0]

    return look


def looks(look: Look, burn_in: int, thin: int, n: int) -> Iterator[Tensor]:
    """Visible layers after the burn-in, int8."""
    look(burn_in)
    for _ in range(n):
        yield look(thin).to(torch.int8)


def finite(history: History) -> None:
    """See that a training has not diverged."""
    if history.diverged:
        raise InputError("a training that stays finite", history.reason, "lower the learning rate")

"""Machines for tests: random ones, and ones that have learned a few patterns and were cooled down after."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.phases import ExactMoments
from lensmaker.systems.boltzmann.training import RestrictedLearner, Rule


def random_machine(seed: int, scale: float) -> RestrictedBoltzmannMachine:
    """12 – 8 binary units, all parameters normal."""
    made, generator = RestrictedBoltzmannMachine(12, 8), torch.Generator().manual_seed(seed)
    for parameter in made.parameters():
        parameter.data = scale * torch.randn(parameter.shape, generator=generator)
    return made


def bars() -> Tensor:
    """The 20 patterns of horizontal or vertical bars on 3 × 4 sites, the empty and the full one apart."""
    across = [np.repeat([int(b) for b in f"{k:03b}"], 4) for k in range(1, 7)]
    along = [np.tile([int(b) for b in f"{k:04b}"], 3) for k in range(1, 15)]
    return torch.tensor(np.array(across + along), dtype=torch.float32)


def three_modes(seed: int) -> Tensor:
    """Three random patterns, twenty times each, with one unit in twenty turned over."""
    generator = torch.Generator().manual_seed(seed)
    patterns = (torch.rand(3, 12, generator=generator) < 0.5).float().repeat(20, 1)
    return (patterns - (torch.rand(patterns.shape, generator=generator) < 0.05).float()).abs()


@cache
def trained(seed: int, kind: str, scale: float) -> tuple[RestrictedBoltzmannMachine, Tensor]:
    """A machine that learned `bars` or `three_modes` by 300 exact gradients, its parameters times `scale` after."""
    data = bars() if kind == "bars" else three_modes(seed)
    machine, generator = RestrictedBoltzmannMachine(12, 8), torch.Generator().manual_seed(seed)
    machine.initialise(seed=seed, scale=0.3, data=data)
    learner = RestrictedLearner(machine, ExactMoments(), Rule(momentum=0.5), generator, len(data))
    for _ in range(300):
        learner.update(data, 0.2)
    with torch.no_grad():
        for parameter in machine.parameters():
            parameter.mul_(scale)
    return machine, data

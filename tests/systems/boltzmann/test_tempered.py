"""Tempered chains leave the distribution at each of their inverse temperatures as it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import chi2

from lensmaker.systems.boltzmann import Binary, RestrictedBoltzmannMachine, Spin
from lensmaker.systems.boltzmann.phases import Buffers, TemperedChains, Update

CHAINS, LEVELS = 100_000, 3


@pytest.mark.parametrize("kind", [Spin, Binary], ids=lambda k: k.name)
def test_exchanges_and_sweeps_leave_every_level_as_it_is(kind: type[Spin] | type[Binary]) -> None:
    """Drawn exactly at β = 0, ½, 1 and moved four times: three tests of χ² at a false alarm of 1e-6 each."""
    machine = RestrictedBoltzmannMachine(kind(4), kind(3), dtype=torch.float64)
    draw = torch.Generator().manual_seed(5)
    for parameter in machine.parameters():
        parameter.data = 1.3 * torch.randn(parameter.shape, generator=draw, dtype=torch.float64)
        parameter.requires_grad_(False)
    v = machine.visible.configurations()
    exact, start = [], []
    for beta in np.linspace(0, 1, LEVELS):
        log_p = v @ machine.visible_bias + machine.hidden.log_partition(beta * machine.hidden_field(v))
        exact.append((log_p - log_p.logsumexp(0)).exp())
        start.append(v[torch.multinomial(exact[-1], CHAINS, replacement=True, generator=draw)])
    phase = TemperedChains(chains=CHAINS, levels=LEVELS)
    state = phase.start(machine, 1, draw)
    state["chains"].copy_(torch.stack(start, 1))
    last = torch.empty(CHAINS, 4, dtype=torch.float64)
    for _ in range(4):
        phase.visible(Update(machine, state, None, draw, Buffers()), last)
    assert torch.equal(last, state["chains"][:, -1])
    numbers = (state["chains"] == machine.visible.states[1]).long() @ (2 ** torch.arange(3, -1, -1))
    for p, found in zip(exact, numbers.t(), strict=True):
        counts, expected = torch.bincount(found, minlength=16).double(), CHAINS * p
        distance = float(((counts - expected) ** 2 / expected)[expected > 5].sum())
        assert chi2.sf(distance, int((expected > 5).sum()) - 1) > 1e-6

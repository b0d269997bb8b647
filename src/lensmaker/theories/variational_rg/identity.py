"""H_RG(h) and H_RBM(h): the same function, reached on two ways."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensmaker.systems.boltzmann.coarsening import Coarsening

Values = NDArray[np.float64]

_BLOCK = 1 << 22
"""Numbers at a time."""


@torch.no_grad()
def renormalised(pair: Coarsening) -> Values:
    """H_RG(h) = −ln Tr_v e^{T(v, h) − βH(v)} of every h, by all configurations of both layers."""
    machine, system = copy.deepcopy(pair.machine).double(), pair.system
    v = machine.visible.configurations()
    h = machine.hidden.configurations()
    H = system.beta * system.hamiltonian.energy(_spins(v, machine.visible.states))
    found = []
    step = max(1, _BLOCK // (len(v) * machine.hidden.size))
    for some in h.split(step):
        T = H - machine.energy(v[None], some[:, None].expand(-1, len(v), -1))
        found.append(-torch.logsumexp(T - H, 1))
    return np.asarray(torch.cat(found).numpy())


@torch.no_grad()
def of_machine(pair: Coarsening) -> Values:
    """H_RBM(h) = −b·h − Σ_i ln Σ_v e^{v (a_i + Σ_j W_ij h_j)} of every h, in closed form."""
    machine = copy.deepcopy(pair.machine).double()
    return np.asarray(machine.hidden_free_energy(machine.hidden.configurations()).numpy())


def _spins(v: Tensor, states: tuple[float, ...]) -> Tensor:
    return torch.where(v == states[1], 1.0, -1.0).double()

"""How much of a configuration a code of one bit a block keeps: of a stack of machines, and of the majority rule."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensmaker.systems.boltzmann.deep import DeepBeliefNetwork
from lensmaker.systems.spins.coarse_graining import MajorityRule
from lensmaker.systems.spins.lattices import Lattice


@torch.no_grad()
def decoded(network: DeepBeliefNetwork, bits: Tensor) -> Tensor:
    """Signs of the visible layer, int8 (n, sites), from the likeliest bits of the top layer: one bit a top unit.

    The way up and the way down take the means of the layers between.
    """
    s = network.encode(bits.to(network.top.hidden_bias))[-1].round()
    for k in reversed(range(len(network.stack))):
        below = network.stack[k].visible
        s = below.mean_(network.generative_field(k, s))
    return torch.where(s > 0.5, 1, -1).to(torch.int8)


def spread_out(blocks: Tensor, lattice: Lattice, factor: int) -> Tensor:
    """Block spins on all sites of their blocks, (n, sites)."""
    rows, columns = (side // factor for side in lattice.shape)
    cut = blocks.view(-1, rows, 1, columns, 1).expand(-1, rows, factor, columns, factor)
    return cut.reshape(len(blocks), lattice.sites)


def by_majority(spins: Tensor, lattice: Lattice, factor: int, generator: torch.Generator) -> Tensor:
    """Configurations as the majority rule keeps them, (n, sites)."""
    return spread_out(MajorityRule(factor).apply(spins, lattice, generator), lattice, factor)


def agreement(spins: Tensor, kept: Tensor) -> NDArray[np.float64]:
    """Share of sites of each configuration that have the right sign, (n,)."""
    return np.asarray((spins == kept).double().mean(1))

"""What rules for spins of q states have in common."""

from __future__ import annotations

from typing import Any

import numpy as np

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.multistate import Multistate
from lensmaker.systems.spins.sampling.rule import Rule, Spins


class MultistateRule(Rule):
    """Base of the rules that move spins of q states."""

    treats = Multistate

    def first(self, system: Canonical[Any], chains: int, seed: int) -> Spins:
        """Where chains start: the even ones hot, each spin at random; the odd ones cold, all in one state.

        Examples
        --------
        >>> from lensmaker.systems.spins.lattices import chain
        >>> from lensmaker.systems.spins.named_models import potts
        >>> from lensmaker.systems.spins.sampling import MultistateHeatBath
        >>> MultistateHeatBath().first(Canonical(potts(chain(4), 3), 1.0), 6, seed=0)[1::2].tolist()
        [[0, 0, 0, 0], [1, 1, 1, 1], [2, 2, 2, 2]]
        """
        q = system.hamiltonian.q
        spins = np.random.default_rng(seed).integers(q, size=(chains, system.sites)).astype(np.int8)
        cold = len(spins[1::2])
        spins[1::2] = (np.arange(cold) % q)[:, None]
        return spins

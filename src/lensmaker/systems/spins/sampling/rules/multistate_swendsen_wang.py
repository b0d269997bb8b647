"""Swendsen–Wang for the Potts model: clusters of equal states, each put into a state drawn anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Spins
from lensmaker.systems.spins.sampling.rules.multistate_rule import MultistateRule
from lensmaker.systems.spins.sampling.rules.swendsen_wang import SwendsenWang

if TYPE_CHECKING:
    from lensmaker.systems.spins.sampling.walks.state_clusters import StateClusters


class MultistateSwendsenWang(MultistateRule):
    """Bonds of equal states are occupied with probability 1 − e^(−βJ); what they join takes a state at random.

    For H = −Σ_b J_b δ(σ_i, σ_j) with all J_b ≥ 0: states that are equal, or not, and none that is preferred. A sweep
    draws every bond once.
    """

    name = "multistate_swendsen_wang"
    summary = "All clusters of equal states are put into states at random; the Potts model."
    references = SwendsenWang.references
    cost = 20.0

    def reason(self, system: Canonical[Any]) -> str:
        model = system.hamiltonian
        off = model.pair[~np.eye(model.q, dtype=bool)]
        diagonal = np.diagonal(model.pair)
        if (off != off[0]).any() or (diagonal != diagonal[0]).any():
            return "bonds that tell more of two states than whether they are equal"
        if (model.single != model.single[:, :1]).any():
            return "sites that prefer a state, against which clusters would have to change"
        if ((off[0] - diagonal[0]) * model.weights < 0).any():
            return "bonds that want states to differ, which clusters of equal states cannot do"
        return ""

    def start(self, system: Canonical[Any], spins: Spins, seed: int) -> StateClusters:
        from lensmaker.systems.spins.sampling.walks.state_clusters import StateClusters

        self.check(system)
        return StateClusters(system, spins, seed)

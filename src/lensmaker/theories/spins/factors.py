"""Any model as a sum of small tables: what each product, bond or site adds to the energy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensmaker.systems.spins.hamiltonian import Hamiltonian
from lensmaker.systems.spins.multistate import Multistate


@dataclass(frozen=True, eq=False)
class Factor:
    """The energy of the states of a few sites.

    Attributes
    ----------
    sites
        In ascending order, (k,).
    energy
        An axis of q states for each of them.
    """

    sites: tuple[int, ...]
    energy: NDArray[np.float64]

    def over(self, sites: list[int]) -> NDArray[np.float64]:
        """The energy with an axis for each of `sites`, ascending, of length 1 where it does not depend on it."""
        lengths = iter(self.energy.shape)
        return self.energy.reshape([next(lengths) if s in self.sites else 1 for s in sites])


def factors(model: Hamiltonian | Multistate) -> list[Factor]:
    """All tables of a model; the states are in the order of `model.states`."""
    if isinstance(model, Multistate):
        singles = [Factor((i,), row) for i, row in enumerate(model.single) if row.any()]
        pairs = zip(np.sort(model.bonds, 1).tolist(), model.weights.tolist(), strict=True)
        return singles + [Factor((i, j), w * model.pair) for (i, j), w in pairs]
    found = []
    for term in model.terms:
        product = _product(term.order)
        for clique, weight in zip(term.cliques.tolist(), term.weights.tolist(), strict=True):
            value = model.couplings[term.name] * weight
            found.append(Factor(tuple(sorted(clique)), -value * product))
    return found


def renamed(factor: Factor, place: NDArray[np.int64]) -> Factor:
    """The same with site i called place[i]."""
    new = place[list(factor.sites)]
    order = np.argsort(new)
    return Factor(tuple(new[order].tolist()), np.transpose(factor.energy, order))


def _product(order: int) -> NDArray[np.float64]:
    spin = np.array([-1.0, 1.0])
    product = np.ones(())
    for _ in range(order):
        product = product[..., None] * spin
    return product

"""Renormalised couplings: the Hamiltonian of block spins, level by level, by the inverse problem."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from lensmaker.core import InputError, Measurement, Reference, Table
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.couplings import CouplingMethod, PseudoLikelihood, infer
from lensmaker.instruments.renormalization.levels import at_level, by_chain, levels_of
from lensmaker.instruments.renormalization.operators import (
    DIAGONAL,
    NEIGHBOUR,
    PLAQUETTE,
    Operator,
    terms_of,
)
from lensmaker.systems.spins.coarse_graining import CoarseGrainer
from lensmaker.systems.spins.sampling.samples import Samples


@dataclass(frozen=True)
class RenormalisedCouplings(Instrument):
    r"""K_a^(n) of P(μ) ∝ e^{Σ_a K_a S_a(μ)}, read off the block spins μ of each level as couplings are off samples.

    Level 0 are the samples themselves. The coupling of neighbours stands at the level alone, each other one at its
    operator's name too. Block spins have couplings of every range: those that are not asked for are left out of a
    fit that does as well as it can without them, so that values depend on the operators, and a little on the method.

    Attributes
    ----------
    flow
        The steps.
    operators
        S_a.
    method
        That reads the couplings.
    seed
        Of what the steps leave to chance.

    Raises
    ------
    InputError
        If there are no operators, or two of one name.

    Examples
    --------
    >>> import math
    >>> from lensmaker.systems.spins import Canonical, chain, ising, sample
    >>> from lensmaker.systems.spins.coarse_graining import DecimationRule
    >>> from lensmaker.systems.spins.sampling import SwendsenWang
    >>> ring = sample(Canonical(ising(chain(16)), 1.0), 4000, rule=SwendsenWang(), seed=0)
    >>> first, second = RenormalisedCouplings(DecimationRule(), (NEIGHBOUR,)).measure(ring)
    >>> abs(second.value - math.log(math.cosh(2)) / 2) < 3 * second.error
    True
    """

    flow: CoarseGrainer
    operators: tuple[Operator, ...] = (NEIGHBOUR, DIAGONAL, PLAQUETTE)
    method: CouplingMethod = field(default_factory=PseudoLikelihood)
    seed: int = 0

    name = "renormalised_couplings"
    summary = "Couplings of block spins at each level of coarse-graining, by the inverse problem."
    quantities = ("coupling",)
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "swendsen1984",
            "R. H. Swendsen",
            "Monte Carlo calculation of renormalized coupling parameters",
            1984,
            "Phys. Rev. Lett. 52, 1165",
        ),
    )

    def __post_init__(self) -> None:
        names = [o.name for o in self.operators]
        if not names or len(set(names)) < len(names):
            raise InputError("operators of different names", f"{names}", "pass operators=(NEIGHBOUR,)")

    def measure(self, samples: Samples) -> Table[Measurement]:
        chains = samples.provenance.chains
        found = []
        for level in levels_of(samples, self.flow, self.seed):
            terms = terms_of(level.lattice, self.operators)
            spins = np.ascontiguousarray(by_chain(level.spins.numpy(), chains))
            for m in infer(spins, terms, self.method).to_table():
                name = "" if m.where.path == NEIGHBOUR.name else m.where.path
                found.append(replace(m, where=at_level(samples, level.number, name), instrument=self.name))
        return Table(found)

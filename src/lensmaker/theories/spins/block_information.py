"""What a block, or its block spin, tells of its environment: exact where the borders are narrow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.core import InputError, Prediction, Reference
from lensmaker.core.bibliography import KOCH_JANUSZ_2018
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.coarse_graining import BlockRule, CoarseGrainer
from lensmaker.systems.spins.surroundings import Surroundings
from lensmaker.theories.spins.marginals import (
    WIDEST,
    Link,
    border,
    links_of,
    marginal,
    mutual_information,
    plan,
    rim,
)
from lensmaker.theories.spins.theory import SpinTheory


@dataclass(frozen=True)
class BlockInformation(SpinTheory):
    r"""I(B; E) of a block and its environment beyond a buffer, or I(μ; E) of its block spin.

    Given the spins on its border, a region is independent of what lies behind: I(B; E) = I(∂B; ∂E) and
    I(μ; E) = I(μ; ∂E), where ∂E are the spins of E that the block is reached from without crossing E. Their joint
    distribution is a sum over all other spins, one after another; with P(μ|B) of the rule

        I(μ; E) = Σ_{μ, e} p(μ, e) ln [p(μ, e)/(p(μ) p(e))],  p(μ, e) = Σ_b P(μ|b) p(b, e).

    On a chain this is a product of transfer matrices, of any length; two spins of an infinite one at a distance r
    have ½ Σ_± (1 ± tʳ) ln(1 ± tʳ), t = tanh K.

    Parameters
    ----------
    surroundings
        Block, buffer and environment.
    rule
        What makes the block one spin, of the block's side; None for the block itself.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import chain
    >>> alone = BlockInformation(Surroundings(side=1, buffer=2, reach=1))  # three away, on either side
    >>> found = alone.predict(Canonical(ising(chain(200, periodic=False)), 1.0))[0]
    >>> t = np.tanh(1.0) ** 3  # at the end of an open chain there is one side
    >>> bool(abs(found.value - ((1 + t) * np.log(1 + t) + (1 - t) * np.log(1 - t)) / 2) < 1e-14)
    True
    """

    surroundings: Surroundings = field(default_factory=Surroundings)
    rule: CoarseGrainer | None = None

    name = "block_information"
    summary = "Mutual information of a block, or of its block spin, and its environment beyond a buffer."
    quantities = ("mutual_information",)
    assumptions = (f"the borders, and what has to be summed over at a time, are no more than {WIDEST} spins",)
    references = (
        KOCH_JANUSZ_2018,
        Reference(
            "lenggenhager2020",
            "P. M. Lenggenhager, D. E. Gökmen, Z. Ringel, S. D. Huber, M. Koch-Janusz",
            "Optimal renormalization group transformation from information theory",
            2020,
            "Phys. Rev. X 10, 011037",
            "arXiv:1809.09632",
        ),
    )

    def refusal(self, system: Canonical[Any]) -> str:
        lattice = system.hamiltonian.lattice
        if lattice is None:
            return "the spins are on no lattice"
        links = links_of(system)
        try:
            inside, outside = self._borders(system, links)
        except InputError as error:
            return f"there is no such block: {error.expected} expected, {error.got} found"
        if self.rule is not None and not isinstance(self.rule, BlockRule):
            return f"{self.rule} is no rule of blocks, which tells its probabilities"
        if self.rule is not None and self.rule.factor != self.surroundings.side:
            return f"{self.rule} is no rule for a block of side {self.surroundings.side}"
        width = plan(links, [*inside, *outside], system.sites)[1]
        return f"a table of {width} spins or more would be needed" if width > WIDEST else ""

    def solve(self, system: Canonical[Any]) -> Iterator[Prediction]:
        inside, outside = self._borders(system, links_of(system))
        p = marginal(system, [*inside, *outside]).reshape(2 ** len(inside), -1)
        if isinstance(self.rule, BlockRule):
            up = _up(self.rule, len(inside))
            p = np.stack([(1 - up) @ p, up @ p])
        of = "" if self.rule is None else str(self.rule)
        yield self.prediction(
            "mutual_information", self.surroundings.where(system.where, of), mutual_information(p)
        )

    def _borders(self, system: Canonical[Any], links: list[Link]) -> tuple[list[int], list[int]]:
        """The spins that count: all of the block where there is a rule, and the border of the environment."""
        lattice = system.hamiltonian.lattice
        assert lattice is not None
        block = self.surroundings.block(lattice).tolist()
        outside = border(links, block, self.surroundings.environment(lattice).tolist())
        return (rim(links, block) if self.rule is None else block), outside


def _up(rule: BlockRule, sites: int) -> NDArray[np.float64]:
    """P(μ = 1|b) of every block, the first site's axis slowest."""
    states = torch.tensor(list(itertools.product((-1, 1), repeat=sites)), dtype=torch.int8)
    return np.asarray(rule.up(states).numpy(), np.float64)

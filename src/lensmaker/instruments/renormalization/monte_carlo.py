"""Monte-Carlo renormalization group: exponents from samples before and after each step of coarse-graining."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from lensmaker.core import Convergence, InputError, Measurement, Reference, Table
from lensmaker.core.bibliography import SWENDSEN_1979
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.renormalization.flow_matrix import FlowMatrix, linearised
from lensmaker.instruments.renormalization.levels import at_level, by_chain, levels_of, scale_between
from lensmaker.instruments.renormalization.operators import (
    DIAGONAL,
    NEIGHBOUR,
    PLAQUETTE,
    SPIN,
    Operator,
    sums,
)
from lensmaker.instruments.spins.ensemble import convergence_of
from lensmaker.systems.spins.coarse_graining import CoarseGrainer
from lensmaker.systems.spins.sampling.samples import Samples

FEWEST = 10
"""Blocks for each operator, at least: with n of them for A operators T is off by A/n of itself, and its error more."""


@dataclass(frozen=True)
class MonteCarloRG(Instrument):
    r"""y_t and y_h by level: logarithms to base b of the leading eigenvalues of T_ab = ∂K_a^(n)/∂K_b^(n−1).

    Near a fixed point T is that of the renormalization group, and y_t = 1/ν, y_h = (d + 2 − η)/2. What the first
    levels are off by is what irrelevant couplings leave, and what the operators left out take away. Even and odd
    operators do not mix where neither Hamiltonian nor step tells up from down, which is assumed of the step.

    Attributes
    ----------
    flow
        The steps.
    even, odd
        Operators of y_t and of y_h; no exponent where there are none.
    seed
        Of what the steps leave to chance.

    Raises
    ------
    InputError
        If an odd operator is named among the even ones, or the other way round, or there is none at all.

    Examples
    --------
    >>> import math
    >>> from lensmaker.systems.spins import Canonical, chain, ising, sample
    >>> from lensmaker.systems.spins.coarse_graining import DecimationRule
    >>> from lensmaker.systems.spins.sampling import SwendsenWang
    >>> ring = sample(Canonical(ising(chain(16)), 1.0), 4000, rule=SwendsenWang(), seed=0)
    >>> y_t, y_h = MonteCarloRG(DecimationRule(), even=(NEIGHBOUR,)).measure(ring)
    >>> abs(y_t.value - math.log2(math.tanh(2))) < 3 * y_t.error
    True
    >>> abs(y_h.value - math.log2(1 + math.tanh(2))) < 3 * y_h.error
    True
    """

    flow: CoarseGrainer
    even: tuple[Operator, ...] = (NEIGHBOUR, DIAGONAL, PLAQUETTE)
    odd: tuple[Operator, ...] = (SPIN,)
    seed: int = 0

    name = "monte_carlo_rg"
    summary = "Exponents y_t and y_h by level of coarse-graining, from the linearised flow of couplings."
    quantities = ("thermal_exponent", "magnetic_exponent")
    references: ClassVar[tuple[Reference, ...]] = (
        SWENDSEN_1979,
        Reference(
            "ma1976",
            "S.-K. Ma",
            "Renormalization group by Monte Carlo methods",
            1976,
            "Phys. Rev. Lett. 37, 461",
        ),
    )

    def __post_init__(self) -> None:
        wrong = [o for o in self.even if not o.is_even] + [o for o in self.odd if o.is_even]
        if wrong or not (self.even or self.odd):
            got = f"{wrong[0].name} on the wrong side" if wrong else "none"
            raise InputError("operators, each as even or odd as it is", got, "pass even=(NEIGHBOUR,)")

    def measure(self, samples: Samples) -> Table[Measurement]:
        state, count = convergence_of(samples), len(samples)
        found = []
        for step in self.steps(samples):
            name = "thermal_exponent" if step.names[0] in {o.name for o in self.even} else "magnetic_exponent"
            y = step.exponent()
            of_step = state if state is not Convergence.CONVERGED else _state(step)
            place = at_level(samples, step.level)
            found.append(self.measurement(name, place, y.value, y.error, count, of_step))
        return Table(found)

    def steps(self, samples: Samples) -> Iterator[FlowMatrix]:
        """T of each step, of the even operators and then of the odd ones.

        Raises
        ------
        InputError
            If there is a field, the operators have no place on a lattice, or the samples do not tell them apart.
        """
        if not samples.system.hamiltonian.is_even:
            raise InputError(
                "a Hamiltonian without fields", f"{samples.system.hamiltonian}", "sample it at h = 0"
            )
        chains, before = samples.provenance.chains, None
        for level in levels_of(samples, self.flow, self.seed):
            read = [by_chain(sums(level.spins, level.lattice, basis), chains) for basis in self._bases]
            if before is not None:
                b = scale_between(before[0], level.lattice)
                for basis, coarse, fine in zip(self._bases, read, before[1], strict=True):
                    names = [o.name for o in basis]
                    yield linearised(coarse, fine, names=names, level=level.number, scale=b)
            before = level.lattice, read

    @property
    def _bases(self) -> Sequence[tuple[Operator, ...]]:
        return [basis for basis in (self.even, self.odd) if basis]


def _state(step: FlowMatrix) -> Convergence:
    if len(step.blocks) < FEWEST * len(step.names):
        return Convergence.TOO_FEW_FOR_OPERATORS
    return Convergence.CONVERGED if step.is_exponent() else Convergence.NO_EXPONENT

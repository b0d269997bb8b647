"""Parallel tempering: one rule at many temperatures, which exchange their configurations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from lensmaker.core import InputError, Reference
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Rule, Spins
from lensmaker.systems.spins.sampling.rules.heat_bath import HeatBath

if TYPE_CHECKING:
    from lensmaker.systems.spins.sampling.walks.rungs import Rungs


class ParallelTempering(Rule):
    """Chains at all temperatures of a ladder; after each sweep neighbours on it may exchange.

    The exchange of configurations at β and β′ is accepted with min(1, e^{(β − β′)(E − E′)}), even pairs and odd ones
    in turn: each step is in detailed balance with ∏_k e^(−β_k H(s_k))/Z_k. What the walk shows of itself are the
    configurations at the temperature of the system.

    Parameters
    ----------
    temperatures
        The ladder; `tempering_ladder.ladder` chooses one for a rate of exchanges.
    rule
        Moves the chains at each temperature.
    """

    name = "parallel_tempering"
    summary = "Another rule at many temperatures, whose configurations are exchanged; any Hamiltonian."
    cost = 50.0
    chains = 4
    is_open = False
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "hukushima1996",
            "K. Hukushima, K. Nemoto",
            "Exchange Monte Carlo method and application to spin glass simulations",
            1996,
            "J. Phys. Soc. Jpn. 65, 1604",
            "arXiv:cond-mat/9512035",
        ),
        Reference(
            "kone2005",
            "A. Kone, D. A. Kofke",
            "Selection of temperature intervals for parallel-tempering simulations",
            2005,
            "J. Chem. Phys. 122, 206101",
        ),
    )

    def __init__(self, temperatures: Sequence[float] = (), rule: Rule | None = None) -> None:
        self.temperatures = tuple(sorted(float(t) for t in temperatures))
        self.rule = rule if rule is not None else HeatBath()
        self.treats, self.is_canonical = self.rule.treats, self.rule.is_canonical  # type: ignore[misc]
        if any(not t > 0 for t in self.temperatures) or len(set(self.temperatures)) < len(self.temperatures):
            raise InputError("temperatures above 0, each once", f"{self.temperatures}", "check the ladder")

    @property
    def signature(self) -> str:
        ladder = ", ".join(repr(t) for t in self.temperatures)
        return f"{self.name}({ladder}; {self.rule.signature})"

    def reason(self, system: Canonical) -> str:
        if len(self.temperatures) < 2:
            return "no ladder of temperatures to exchange on"
        if system.temperature not in self.temperatures:
            return f"T = {system.temperature:g}, which is not on its ladder"
        for temperature in self.temperatures:
            if found := self.rule.refusal(Canonical(system.hamiltonian, temperature)):
                return found
        return ""

    def first(self, system: Canonical, chains: int, seed: int) -> Spins:
        return self.rule.first(system, chains, seed)

    def start(self, system: Canonical, spins: Spins, seed: int) -> Rungs:
        from lensmaker.systems.spins.sampling.walks.rungs import Rungs

        self.check(system)
        return Rungs(system, self.rule, self.temperatures, spins, seed)

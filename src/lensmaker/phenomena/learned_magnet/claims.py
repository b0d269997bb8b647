"""The claims about width and depth, and how the readings of all machines decide each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lensmaker.numerics.resampling import Estimate
from lensmaker.phenomena.finding import Finding, Judgement, judged, over_trainings
from lensmaker.phenomena.learned_magnet.plan import CRITICAL, DEEP, Case, Kind, Plan
from lensmaker.phenomena.learned_magnet.readings import QUANTITIES, Reading

NAMES = {"energy": "energy", "specific_heat": "specific heat"}

NOTHING = ("no difference", 0.0)


class Off(NamedTuple):
    """By how much of the exact value a quantity is off, (seeds,), and the cases that did not converge."""

    values: NDArray[np.float64]
    missing: tuple[str, ...]

    def __sub__(self, other: Off) -> Off:
        return Off(self.values - other.values, self.missing + other.missing)


class Findings:
    """All readings, asked claim by claim; each number is a difference of relative errors |value/exact − 1|."""

    def __init__(self, plan: Plan, readings: Mapping[Case, Sequence[Reading]]) -> None:
        self.plan, self.readings = plan, readings

    def all(self) -> Iterator[Finding]:
        """For the energy, then for the specific heat."""
        for quantity in QUANTITIES:
            yield from self._wider(quantity)
            for kind in DEEP:
                yield self._deeper(quantity, kind)
                yield self._depth_for_width(quantity, kind)
            yield from self._critical(quantity)
            yield from self._longer(quantity)

    # -- the claims ---------------------------------------------------------------------------------

    def _wider(self, quantity: str) -> Iterator[Finding]:
        for n, twice in pairwise(self.plan.hidden):
            claim = f"{twice} hidden units have a smaller error of the {NAMES[quantity]} than {n}"
            yield self._judged(claim, self.off(quantity, n) - self.off(quantity, twice))

    def _deeper(self, quantity: str, kind: Kind) -> Finding:
        """A second layer on the same first one."""
        claim = f"A second layer of n units ({kind.value}) makes the error of the {NAMES[quantity]} smaller"
        pairs = [self.off(quantity, n) - self.off(quantity, n, kind) for n in self.plan.deep]
        return self._judged(claim, together(pairs))

    def _depth_for_width(self, quantity: str, kind: Kind) -> Finding:
        """Two layers of n units against one of 2 n."""
        name = NAMES[quantity]
        claim = f"n + n units in two layers ({kind.value}) have a smaller error of the {name} than 2 n in one"
        pairs = [self.off(quantity, 2 * n) - self.off(quantity, n, kind) for n in self.plan.deep]
        return self._judged(claim, together(pairs))

    def _critical(self, quantity: str) -> Iterator[Finding]:
        n = self.plan.probe
        for T in self.plan.beside:
            claim = f"The {NAMES[quantity]} is learned worse at T_c than at T = {T:g} ({n} hidden units)"
            yield self._judged(claim, self.off(quantity, n) - self.off(quantity, n, temperature=T))

    def _longer(self, quantity: str) -> Iterator[Finding]:
        for kind, n in (
            (Kind.RESTRICTED, self.plan.probe),
            (Kind.DEEP_BOLTZMANN, self.plan.probe_deep),
        ):
            claim = (
                f"Twice the epochs make the error of the {NAMES[quantity]} smaller ({kind.value}, n = {n})"
            )
            yield self._judged(claim, self.off(quantity, n, kind) - self.off(quantity, n, kind, longer=2))

    # -- numbers ------------------------------------------------------------------------------------

    def off(
        self,
        quantity: str,
        n: int,
        kind: Kind = Kind.RESTRICTED,
        temperature: float = CRITICAL,
        longer: int = 1,
    ) -> Off:
        """Of the machines of a kind, seed by seed."""
        values, missing = [], []
        for seed in range(self.plan.seeds):
            case = Case(kind, n, temperature, longer, seed)
            (reading,) = (r for r in self.readings[case] if r.quantity == quantity)
            values.append(reading.off)
            if not reading.is_usable:
                missing.append(case.name)
        return Off(np.array(values), tuple(missing))

    def _judged(self, claim: str, found: Off) -> Finding:
        value = over_trainings(found.values.tolist())
        if found.missing:
            reason = f"chains of {found.missing[0]} have not met"
            unknown = Estimate(float("nan"), float("inf"))
            return Finding(claim, unknown, NOTHING, {}, Judgement.UNDECIDED, reason, self.plan.seeds)
        return judged(claim, value, NOTHING, trainings=self.plan.seeds)


def together(parts: Sequence[Off]) -> Off:
    """The mean over widths, seed by seed."""
    values = np.mean([part.values for part in parts], axis=0)
    return Off(values, tuple(name for part in parts for name in part.missing))

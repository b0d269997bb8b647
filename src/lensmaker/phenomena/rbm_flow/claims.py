"""The claims about where machines flow, and how the fixed points of all trainings decide each of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from lensmaker.numerics.resampling import Estimate
from lensmaker.phenomena.equality import Control, Equality, judged_equal
from lensmaker.phenomena.finding import Finding, Judgement, judged, over_trainings
from lensmaker.phenomena.rbm_flow.plan import T_C, Data, Plan, Setting
from lensmaker.phenomena.rbm_flow.reading import Reading

Number = Callable[[Setting, int], float]
"""Of a setting and a seed."""


class Findings:
    """All fixed points, asked claim by claim.

    "Flows to T_c" is a claim of equality, and so are its rivals: that machines end where the specific heat of their
    torus is largest, or at the temperature of their data. A fixed point is what a machine has learned, and one that has
    learned T_c alone perfectly *is* the Ising model at T_c: that it ends there tells nothing of criticality. What tells
    is where machines end that have learned one other temperature. If that is their own, T_c attracts nothing, and the
    end of those that saw T_c is an artefact of their data.

    Settings that differ in one thing are compared seed by seed: they learned the same rows.

    Parameters
    ----------
    readings
        Of each setting and seed.
    peak
        Temperature at which the specific heat of this torus is largest.
    """

    def __init__(self, plan: Plan, readings: Mapping[tuple[Setting, int], Reading], peak: float) -> None:
        self.plan, self.readings, self.peak = plan, readings, peak

    def all(self) -> Iterator[Finding | Equality]:
        """Those of many temperatures, what their fixed point depends on, and those of one."""
        plan = self.plan
        many, critical = plan.many, plan.critical
        every = plan.beside(many)
        claim = f"Machines that saw {many.name} flow to T_c, whatever their units, epochs and k"
        yield self._ends_at(claim, every, ("T_c", T_C))
        claim = f"Machines that saw {many.name} flow to where the specific heat of this torus is largest"
        yield self._ends_at(claim, every, ("largest specific heat", self.peak))
        claim = f"Machines that saw {many.name} flow to the temperature of their data: T_E less that"
        yield self._learned(claim, every)
        for few, more in pairwise(plan.sizes(many)):
            claim = f"From {few.hidden} to {more.hidden} hidden units the fixed point falls ({many.name})"
            yield self._falls(claim, few, more)
        for short, long in pairwise(plan.lengths(many)):
            claim = f"From {short.epochs} to {long.epochs} epochs the fixed point falls ({many.name})"
            yield self._falls(claim, short, long)
        if plan.other_cd:
            yield self._whatever_k(many, critical)
        claim = f"Machines of {plan.probe} units that saw T_c alone flow to T_c"
        yield self._ends_at(claim, [plan.probed(critical)], ("T_c", T_C), plan.controls)
        claim = "All machines that saw T_c alone flow to T_c, whatever their units, epochs and k"
        yield self._ends_at(claim, plan.beside(critical), ("T_c", T_C), plan.controls)
        if plan.controls:
            one = [plan.probed(data) for data in (critical, *plan.controls)]
            claim = "Machines that saw one temperature alone flow to that of their data: T_E less that"
            yield self._learned(claim, one)

    # -- the claims ---------------------------------------------------------------------------------

    def _ends_at(
        self,
        claim: str,
        settings: Sequence[Setting],
        target: tuple[str, float],
        controls: Sequence[Data] = (),
    ) -> Equality:
        return self._equal(claim, {self._short(s): s for s in settings}, self._end, target, controls)

    def _learned(self, claim: str, settings: Sequence[Setting]) -> Equality:
        named = {self._short(s): s for s in settings}
        if len({s.data for s in settings}) > 1:
            named = {s.data.name: s for s in settings}
        return self._equal(claim, named, self._beyond_data, ("no difference", 0.0))

    def _falls(self, claim: str, before: Setting, after: Setting) -> Finding:
        null = ("no fall", 0.0)
        if unsettled := [str(s) for s in (before, after) if not self._is_settled(s)]:
            reason = f"not converged: {', '.join(unsettled)}"
            unknown = Estimate(math.nan, math.nan)
            return Finding(claim, unknown, null, {}, Judgement.UNDECIDED, reason, self.plan.seeds)
        value = self._over_seeds(before, lambda s, seed: self._end(s, seed) - self._end(after, seed))
        return judged(claim, value, null, trainings=self.plan.seeds)

    def _whatever_k(self, *kinds: Data) -> Equality:
        """That k changes nothing: nobody has said in which direction it would."""
        chains = [s for data in kinds for s in self.plan.chains(data)[1:]]
        claim = f"The fixed point is the same for other k: T_E less that of CD-{self.plan.cd}"

        def moved(s: Setting, seed: int) -> float:
            return self._end(s, seed) - self._end(self.plan.probed(s.data), seed)

        named = {f"{s.data.name}, CD-{s.cd}": s for s in chains}
        stand = {name: self._is_settled(s, self.plan.probed(s.data)) for name, s in named.items()}
        return self._equal(claim, named, moved, ("no difference", 0.0), stand=stand)

    # -- numbers ------------------------------------------------------------------------------------

    def _equal(
        self,
        claim: str,
        settings: Mapping[str, Setting],
        number: Number,
        target: tuple[str, float],
        controls: Sequence[Data] = (),
        stand: Mapping[str, bool] | None = None,
    ) -> Equality:
        """Of settings whose trainings have all converged; those of the others are named."""
        if stand is None:
            stand = {name: self._is_settled(s) for name, s in settings.items()}
        unsettled = [name for name in settings if not stand[name]]
        values = {name: self._over_seeds(s, number) for name, s in settings.items() if stand[name]}
        beside = {}
        for setting in map(self.plan.probed, controls):
            name = setting.data.name
            if self._is_settled(setting):
                own = self._over_seeds(setting, self._data).value
                beside[name] = Control(self._over_seeds(setting, self._end), own)
            else:
                unsettled.append(f"control {name}")
        margin, seeds = self.plan.margin * T_C, self.plan.seeds
        return judged_equal(claim, values, target, margin, beside, trainings=seeds, unsettled=unsettled)

    def _over_seeds(self, setting: Setting, number: Number) -> Estimate:
        return over_trainings([number(setting, seed) for seed in range(self.plan.seeds)])

    def _end(self, setting: Setting, seed: int) -> float:
        return self.readings[setting, seed].energy.value

    def _data(self, setting: Setting, seed: int) -> float:
        return self.readings[setting, seed].of_data

    def _beyond_data(self, setting: Setting, seed: int) -> float:
        return self._end(setting, seed) - self._data(setting, seed)

    def _is_settled(self, *settings: Setting) -> bool:
        return all(self.readings[s, seed].is_settled for s in settings for seed in range(self.plan.seeds))

    def _short(self, setting: Setting) -> str:
        """What sets it apart from the others that saw the same data."""
        words = setting.unlike(self.plan.probed(setting.data))
        return f"{setting.hidden} units" + (f", {words}" if words else "")

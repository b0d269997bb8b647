"""The claims about depth, and how the needs of all runs decide each of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lensmaker.numerics.resampling import Estimate
from lensmaker.phenomena.equality import Equality, judged_equal
from lensmaker.phenomena.finding import Finding, Judgement, judged, over_trainings
from lensmaker.phenomena.hierarchy.learning_curve import Need
from lensmaker.phenomena.hierarchy.plan import Kind, Plan

NOTHING = ("as many examples", 0.0)

MARGIN = 0.25
"""Of the exponent of m with which the need of a tree grows from level to level."""


class Findings:
    """The examples that each run needs, asked claim by claim; numbers are logarithms of ratios.

    A run that has not learned from the largest training set needs more than that. As it is only the others of which
    it is claimed that they need more, such a bound makes a claimed ratio smaller than it is, never larger; a claim
    about what has not learned itself is left undecided.

    Parameters
    ----------
    unfitted
        Kinds and levels of which a training ended before it had fitted its own examples; what rests on them is left
        undecided.
    """

    def __init__(
        self,
        plan: Plan,
        needs: Mapping[tuple[Kind, int], Sequence[Need]],
        unfitted: Collection[tuple[Kind, int]] = (),
    ) -> None:
        self.plan, self.needs, self.unfitted = plan, needs, unfitted

    def all(self) -> Iterator[Finding | Equality]:
        """Level by level."""
        for levels in self.plan.levels:
            yield self._tree(levels)
            yield self._dense(levels)
        for low, high in pairwise(self.plan.levels):
            yield self._grows(low, high)
        if len(self.plan.levels) > 1:
            yield self._by_synonyms()

    # -- the claims ---------------------------------------------------------------------------------

    def _tree(self, levels: int) -> Finding:
        claim = f"A tree of {levels} levels learns from fewer examples than one hidden layer: ln of the ratio"
        control = over_trainings(self._saved(Kind.SCRAMBLED, levels).tolist())
        kinds = [(kind, levels) for kind in (Kind.TREE, Kind.SCRAMBLED, Kind.FLAT)]
        return self._judged(claim, self._saved(Kind.TREE, levels), kinds, {Kind.SCRAMBLED.value: control})

    def _dense(self, levels: int) -> Finding:
        claim = f"{levels} dense layers learn from fewer examples than one hidden layer: ln of the ratio"
        kinds = [(Kind.DENSE, levels), (Kind.FLAT, levels)]
        return self._judged(claim, self._saved(Kind.DENSE, levels), kinds)

    def _grows(self, low: int, high: int) -> Finding:
        claim = f"What the tree saves grows from {low} to {high} levels: ln of the ratio of ratios"
        more = self._saved(Kind.TREE, high) - self._saved(Kind.TREE, low)
        kinds = [(kind, levels) for kind in (Kind.TREE, Kind.FLAT) for levels in (low, high)]
        return self._judged(claim, more, kinds)

    def _by_synonyms(self) -> Equality:
        claim = "A level multiplies the examples that a tree needs by m, as n_c mᴸ does: the power of m"
        values, unsettled = {}, []
        for low, high in pairwise(self.plan.levels):
            name = f"{low} to {high} levels"
            both = [(Kind.TREE, low), (Kind.TREE, high)]
            if any(key in self.unfitted or any(n.is_bound for n in self.needs[key]) for key in both):
                unsettled.append(name)
                continue
            power = (self._logs(Kind.TREE, high) - self._logs(Kind.TREE, low)) / np.log(self.plan.synonyms)
            values[name] = over_trainings(power.tolist())
        return judged_equal(
            claim, values, ("one", 1.0), MARGIN, trainings=self.plan.seeds, unsettled=tuple(unsettled)
        )

    def _judged(
        self,
        claim: str,
        values: NDArray[np.float64],
        kinds: Collection[tuple[Kind, int]],
        controls: Mapping[str, Estimate] | None = None,
    ) -> Finding:
        value = over_trainings(values.tolist())
        for kind, levels in kinds:
            if (kind, levels) in self.unfitted:
                reason = f"a training of {kind.value}, {levels} levels, has not fitted its examples"
                return Finding(
                    claim, value, NOTHING, controls or {}, Judgement.UNDECIDED, reason, self.plan.seeds
                )
        return judged(claim, value, NOTHING, controls, trainings=self.plan.seeds)

    # -- numbers ------------------------------------------------------------------------------------

    def _logs(self, kind: Kind, levels: int) -> NDArray[np.float64]:
        return np.log([need.examples for need in self.needs[kind, levels]])

    def _saved(self, kind: Kind, levels: int) -> NDArray[np.float64]:
        """The logarithm of what one hidden layer needs over what a kind needs, run by run."""
        return self._logs(Kind.FLAT, levels) - self._logs(kind, levels)

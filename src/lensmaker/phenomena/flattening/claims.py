"""The rules by which sizes and floors are judged, and their findings."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from lensmaker.core import AGREEMENT_Z
from lensmaker.numerics.resampling import Estimate
from lensmaker.phenomena.finding import Finding, Judgement
from lensmaker.phenomena.flattening.fits import Fit
from lensmaker.phenomena.flattening.plan import Case
from lensmaker.theories.polynomial_networks.theory import SPREAD

REACHED = 3e-3
"""Relative root mean square below which a size is enough: what is left is the distance to a limit of large weights."""

MISSED = 0.1
"""Above which it is not."""

FACTOR = math.exp(AGREEMENT_Z * SPREAD)
"""By which a floor that is predicted may be off: what the theory says of itself, at the z-score of agreement."""


def sized(case: Case, below: Fit, at: Fit) -> Finding:
    """The finding for a case by the fits with one unit fewer and with as many as are said to be least.

    - not supported: one unit fewer is enough, its best start below `REACHED`; or as many are not, above `MISSED`;
    - supported: as many are enough and one fewer is not;
    - undecided: otherwise, the fits being in between.
    """

    def found(judgement: Judgement, reason: str) -> Finding:
        null, starts = (f"{below.units} units", below.best), len(at.errors)
        median = {f"median of {starts} starts": Estimate(statistics.median(at.errors), 0.0)}
        return Finding(case.words, Estimate(at.best, 0.0), null, median, judgement, reason, starts)

    if below.best < REACHED:
        return found(Judgement.NOT_SUPPORTED, f"{below.units} units are enough")
    if at.best > MISSED:
        return found(Judgement.NOT_SUPPORTED, f"{at.units} units are not enough")
    if at.best < REACHED and below.best > MISSED:
        return found(Judgement.SUPPORTED, f"{below.units} units miss, {at.units} do not")
    return found(Judgement.UNDECIDED, "neither enough nor missing: add starts")


def within(claim: str, ratios: Sequence[float], trainings: int) -> Finding:
    """The finding for predictions: supported if none is off by `FACTOR`, the value being the largest factor."""
    worst = max(math.exp(abs(math.log(r))) for r in ratios)
    holds = worst < FACTOR
    judgement = Judgement.SUPPORTED if holds else Judgement.NOT_SUPPORTED
    reason = f"of {len(ratios)} floors {'none' if holds else 'one'} is off by more than {FACTOR:.2g}"
    return Finding(claim, Estimate(worst, 0.0), ("allowed", FACTOR), {}, judgement, reason, trainings)

"""A finding: a claim, its number beside those of its controls, and what follows by a rule that was fixed before."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from lensmaker.core import InputError
from lensmaker.numerics.resampling import Estimate

CLEAR = 3.0
"""Standard errors by which a number has to differ for anything to be said of it."""

FALSE_ALARM = 0.00135
"""Chance that a number is called larger which is not: that of three standard deviations."""


class Judgement(Enum):
    """What a finding says of its claim."""

    SUPPORTED = "supported"
    NOT_SUPPORTED = "not supported"
    ARTEFACT = "artefact"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Finding:
    """A claim with its number, that of nothing being there, and those of its controls.

    Attributes
    ----------
    claim
        A sentence.
    value
        Measured, with its standard error over independent trainings.
    null
        What it would be if nothing were there, and who says so.
    controls
        What was changed → the same number there.
    judgement, reason
        By the rule of `judged`.
    trainings
        That the errors rest on.
    """

    claim: str
    value: Estimate
    null: tuple[str, float]
    controls: Mapping[str, Estimate]
    judgement: Judgement
    reason: str
    trainings: int

    def to_dict(self) -> dict[str, object]:
        """Name → value, for tables and JSON."""
        controls = {name: list(found) for name, found in self.controls.items()}
        return {
            "claim": self.claim,
            "value": self.value.value,
            "error": self.value.error,
            "null": self.null[1],
            "null_of": self.null[0],
            "controls": controls,
            "judgement": self.judgement.value,
            "reason": self.reason,
            "trainings": self.trainings,
        }


def judged(
    claim: str,
    value: Estimate,
    null: tuple[str, float],
    controls: Mapping[str, Estimate] | None = None,
    *,
    trainings: int,
) -> Finding:
    """The finding for a claim that a number is larger than it would be without a cause.

    - not supported: it is not above the null by three standard errors;
    - an artefact: more than half of what it is above the null is in a control too, in which the cause is missing;
    - undecided: it is not above the null and each control by so many standard errors as Student's t of so many
      trainings exceeds in `FALSE_ALARM` of all cases, 6.6 for five of them, or a number or an error is unknown;
    - supported: otherwise.

    Examples
    --------
    >>> a, b = Estimate(0.6, 0.02), Estimate(0.55, 0.02)
    >>> judged("it is local", a, ("uniform", 0.05), {"K = 0": b}, trainings=5).judgement.value
    'artefact'
    """
    controls = controls or {}
    who, least = null

    def found(judgement: Judgement, reason: str) -> Finding:
        return Finding(claim, value, null, controls, judgement, reason, trainings)

    for name, measured in {"it": value, **controls}.items():
        if math.isnan(measured.value):
            return found(Judgement.UNDECIDED, f"{name} could not be measured")
    if trainings < 2 or not all(math.isfinite(x) for e in (value, *controls.values()) for x in e):
        return found(Judgement.UNDECIDED, "an error is unknown: add seeds")
    effect = value.value - least
    if effect <= CLEAR * value.error:
        return found(Judgement.NOT_SUPPORTED, f"not above {least:.3g} ({who}) by three errors")
    for name, control in controls.items():
        left = control.value - least
        if left > CLEAR * control.error and left > effect / 2:
            return found(Judgement.ARTEFACT, f"{name} has {left / effect:.0%} of it")
    if effect <= apart(trainings) * value.error:
        return found(Judgement.UNDECIDED, f"too few seeds to tell from {least:.3g} ({who})")
    for name, control in controls.items():
        error = math.hypot(value.error, control.error)
        if value.value - control.value <= apart(trainings) * error:
            return found(Judgement.UNDECIDED, f"too few seeds to tell from {name}")
    return found(
        Judgement.SUPPORTED, f"above {least:.3g} ({who})" + (" and each control" if controls else "")
    )


def apart(trainings: int) -> float:
    """Standard errors by which two numbers differ, where the errors are from so many trainings.

    Examples
    --------
    >>> round(apart(5), 1), round(apart(1000), 1)
    (6.6, 3.0)
    """
    from scipy.stats import t

    return float(t.isf(FALSE_ALARM, trainings - 1))


def over_trainings(values: Sequence[float], spread: float | None = None) -> Estimate:
    """The mean over independent trainings and its standard error; of one alone, with the spread of others.

    Parameters
    ----------
    spread
        Standard deviation of one training, where it is known from others.

    Raises
    ------
    InputError
        If there are no values.

    Examples
    --------
    >>> over_trainings([1.0, 2.0, 3.0]).error == 1 / math.sqrt(3)
    True
    """
    if not len(values):
        raise InputError("a training or more", "none", "run it")
    x = np.asarray(values, dtype=np.float64)
    if spread is None:
        spread = float(x.std(ddof=1)) if len(x) > 1 else math.inf
    return Estimate(float(x.mean()), spread / math.sqrt(len(x)))

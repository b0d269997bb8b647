"""A finding: a claim, its number beside those of its controls, and what follows by a rule that was fixed before."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from lensmaker.core import InputError
from lensmaker.numerics.resampling import Estimate

APART = 3.0
"""Standard errors from which on two numbers differ."""


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
    """

    claim: str
    value: Estimate
    null: tuple[str, float]
    controls: Mapping[str, Estimate]
    judgement: Judgement
    reason: str

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
        }


def judged(
    claim: str, value: Estimate, null: tuple[str, float], controls: Mapping[str, Estimate] | None = None
) -> Finding:
    """The finding for a claim that a number is larger than it would be without a cause.

    Not supported, if it is not above the null by three standard errors; an artefact, if it is, but a control in which
    the cause is missing is as high within three standard errors; undecided, if its error is unknown; supported
    otherwise.

    Examples
    --------
    >>> a, b = Estimate(0.6, 0.02), Estimate(0.59, 0.02)
    >>> judged("it is local", a, ("uniform", 0.05), {"K = 0": b}).judgement.value
    'artefact'
    """
    controls = controls or {}
    who, least = null
    if not all(math.isfinite(number) for found in (value, *controls.values()) for number in found):
        return Finding(claim, value, null, controls, Judgement.UNDECIDED, "an error is unknown: add seeds")
    if value.value - least <= APART * value.error:
        reason = f"not above {least:.3g} ({who}) by three errors"
        return Finding(claim, value, null, controls, Judgement.NOT_SUPPORTED, reason)
    for name, control in controls.items():
        if value.value - control.value <= APART * math.hypot(value.error, control.error):
            reason = f"{name} is as high: {control.value:.3g} ± {control.error:.2g}"
            return Finding(claim, value, null, controls, Judgement.ARTEFACT, reason)
    reason = f"above {least:.3g} ({who})" + (" and above each control" if controls else "")
    return Finding(claim, value, null, controls, Judgement.SUPPORTED, reason)


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

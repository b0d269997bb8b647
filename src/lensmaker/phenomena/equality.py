"""The rule for a claim of equality: that numbers *are* something, not that they are larger than something."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from lensmaker.core import InputError
from lensmaker.numerics.resampling import Estimate
from lensmaker.phenomena.finding import FALSE_ALARM, Judgement

FAMILY = 2 * FALSE_ALARM
"""Chance of a false word about any of the values of a finding: that of three standard deviations on either side."""


class Control(NamedTuple):
    """The number where the cause is missing, and what it would be there if the cause did nothing."""

    value: Estimate
    own: float


@dataclass(frozen=True)
class Equality:
    """A claim that each of several numbers is the target.

    Attributes
    ----------
    claim
        A sentence.
    values
        Case → measured, with its standard error over independent trainings.
    target
        What they are said to be, and its name.
    margin
        By how much a number may be away before it is another one; declared before anything ran.
    controls
        What was changed → the number there, and what it would be without the cause.
    unsettled
        Cases whose numbers did not converge, and are not among the values.
    judgement, reason
        By the rule of `judged_equal`.
    trainings
        That each error rests on.
    """

    claim: str
    values: Mapping[str, Estimate]
    target: tuple[str, float]
    margin: float
    controls: Mapping[str, Control]
    unsettled: Sequence[str]
    judgement: Judgement
    reason: str
    trainings: int

    def to_dict(self) -> dict[str, object]:
        """Name → value, for tables and JSON."""
        return {
            "claim": self.claim,
            "values": {name: list(found) for name, found in self.values.items()},
            "target": self.target[1],
            "target_of": self.target[0],
            "margin": self.margin,
            "controls": {name: list(control.value) for name, control in self.controls.items()},
            "controls_own": {name: control.own for name, control in self.controls.items()},
            "unsettled": list(self.unsettled),
            "judgement": self.judgement.value,
            "reason": self.reason,
            "trainings": self.trainings,
        }


def judged_equal(
    claim: str,
    values: Mapping[str, Estimate],
    target: tuple[str, float],
    margin: float,
    controls: Mapping[str, Control] | None = None,
    *,
    trainings: int,
    unsettled: Sequence[str] = (),
) -> Equality:
    r"""The finding for a claim that each of some numbers is the target.

    No number is shown to be equal to another one by not differing from it: an error that is large enough makes
    everything equal. So a margin δ is declared beforehand, and with d = |value − target|, σ its standard error over n
    trainings, and h = t σ,

        t: Student's t of n − 1 degrees of freedom is above it in FAMILY/(2m) of all cases, for m values,

    the claim is

    - not supported: d > δ + h for one of the values. It is another number by more than the margin;
    - undecided: a number did not converge or an error is unknown; or d + h > δ, the errors are too large to have seen
      δ; or h < d ≤ δ − h, it is another number, yet by less than the margin;
    - an artefact: all values are the target, and so much is seen where the cause is missing: a control is nearer to
      what it would be without the cause than to the target, by t errors for as many controls;
    - undecided: a control is not surely nearer to either;
    - supported: otherwise.

    The errors of all m values are taken together (Bonferroni), however they depend on each other: where all of them
    are within the margin of the target, "not supported" is said in at most `FAMILY` of all cases; where one of them is
    farther away than the margin, "supported" is said in at most `FAMILY`/2 of them. The second is two one-sided tests
    (D. J. Schuirmann, J. Pharmacokin. Biopharm. 15, 657 (1987)); that the target is inside the errors too is asked
    beyond it.

    Parameters
    ----------
    values
        Of the cases whose trainings have all converged.
    unsettled
        Names of the others. A number that is another one by more than the margin refutes the claim whatever they
        are; otherwise nothing is decided.

    Raises
    ------
    InputError
        If the margin is no number above zero, there is no case at all, or what a control would be without the cause
        is the target itself, so that it tells nothing.

    Examples
    --------
    >>> near, far = Estimate(2.26, 0.002), Estimate(2.0, 0.01)
    >>> def said(*args, **more):
    ...     return judged_equal("it is T_c", *args, ("T_c", 2.269), 0.045, **more, trainings=8).judgement.value
    >>> said({"16 units": near}), said({"16 units": near, "64 units": far}), said({"16 units": Estimate(2.26, 0.1)})
    ('supported', 'not supported', 'undecided')
    >>> said({"T = T_c": near}, controls={"T = 1.8": Control(Estimate(1.81, 0.01), own=1.8)})
    'artefact'
    """
    controls = controls or {}
    if not (math.isfinite(margin) and margin > 0):
        raise InputError("a margin above zero", f"{margin}", "declare how far is another number")
    if not values and not unsettled:
        raise InputError("a value or more", "none", "run it")
    for name, (_, own) in controls.items():
        if not abs(own - target[1]) > margin:
            got = f"{name} at {own:.6g}"
            fix = "take one that would be somewhere else without the cause"
            raise InputError(f"a control away from {target[0]} by more than {margin:.3g}", got, fix)
    judgement, reason = _decided(values, target, margin, controls, trainings, unsettled)
    return Equality(claim, values, target, margin, controls, tuple(unsettled), judgement, reason, trainings)


def _decided(
    values: Mapping[str, Estimate],
    target: tuple[str, float],
    margin: float,
    controls: Mapping[str, Control],
    trainings: int,
    unsettled: Sequence[str],
) -> tuple[Judgement, str]:
    who, T = target
    known = {name: e for name, e in values.items() if trainings > 1 and _finite(e)}
    h = {name: threshold(trainings, len(values)) * e.error for name, e in known.items()}
    d = {name: abs(e.value - T) for name, e in known.items()}
    named = f"; not converged: {'; '.join(unsettled)}" if unsettled else ""
    if other := [name for name in known if d[name] > margin + h[name]]:
        told = f"{len(other)} of {len(values)} differ from {T:.4g} ({who}) by more than {margin:.2g}"
        return Judgement.NOT_SUPPORTED, f"{told}: {'; '.join(other)}{named}"
    if unsettled:
        return Judgement.UNDECIDED, named.removeprefix("; ")
    if len(known) < len(values) or not all(_finite(c.value) for c in controls.values()):
        return Judgement.UNDECIDED, "an error is unknown: add seeds"
    if apart := [name for name in known if h[name] < d[name] <= margin - h[name]]:
        told = f"{len(apart)} of {len(values)} differ from {T:.4g} ({who}), by less than {margin:.2g}"
        return Judgement.UNDECIDED, f"{told}: {'; '.join(apart)}"
    if wide := [name for name in known if d[name] + h[name] > margin]:
        return Judgement.UNDECIDED, f"too few seeds to see {margin:.2g}: {'; '.join(wide)}"
    return _controlled(target, margin, controls, trainings)


def _controlled(
    target: tuple[str, float], margin: float, controls: Mapping[str, Control], trainings: int
) -> tuple[Judgement, str]:
    """What is left of values that are the target, beside their controls."""
    who, T = target
    t = threshold(trainings, max(1, len(controls)))
    for name, (found, own) in controls.items():
        if abs(found.value - T) - abs(found.value - own) > 2 * t * found.error:
            return (
                Judgement.ARTEFACT,
                f"{name} is {found.value:.3g}, nearer to its own {own:.3g} than to {who}",
            )
    for name, (found, own) in controls.items():
        if abs(found.value - own) - abs(found.value - T) <= 2 * t * found.error:
            return Judgement.UNDECIDED, f"too few seeds to tell what {name} is"
    beside = ", and each control too" if controls else ""
    return Judgement.SUPPORTED, f"{T:.4g} ({who}) within the errors, and these within {margin:.2g}{beside}"


@cache
def threshold(trainings: int, values: int) -> float:
    """Standard errors beyond which Student's t of so many trainings is in FAMILY/2 for any of so many values.

    Examples
    --------
    >>> round(threshold(8, 1), 2), round(threshold(8, 7), 2), round(threshold(10_000, 1), 2)
    (4.53, 6.35, 3.0)
    """
    from scipy.stats import t

    return float(t.isf(FAMILY / (2 * values), trainings - 1))


def _finite(found: Estimate) -> bool:
    return all(math.isfinite(x) for x in found)

"""The claims about compiled classifiers, and how runs decide each of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensmaker.numerics.resampling import Estimate
from lensmaker.phenomena.bayes_classifier.plan import LEARNED, Plan, Start, Task
from lensmaker.phenomena.bayes_classifier.training import Reached
from lensmaker.phenomena.equality import Equality, judged_equal
from lensmaker.phenomena.finding import Finding, judged, over_trainings

EXACT = 1e-12
"""Error of a posterior that is said to be exact."""

FLOOR = 1e-4
"""Nats: smaller risks are taken for this one; that of weights compiled to 0.01 is at most half of it."""

MARGIN = 0.01
"""By how much an accuracy is another one."""

Curves = Mapping[tuple[Task, Start], Sequence[Reached]]
"""Of each task and start the start itself, then each size."""


@dataclass(frozen=True)
class Counted:
    """What sets of examples say of the networks of a task that nobody trained.

    Attributes
    ----------
    errors
        The largest |p̃ − p| in each set, of the network whose products are exact.
    accuracies, shuffled
        Share of right classes in each set, and with shuffled labels.
    possible
        The accuracy of the Bayes classifier.
    classes
        How many.
    neurons, neurons_of_gates
        Of that network, and of the one that is trained.
    posterior_bound
        Certified, of that network.
    """

    errors: Sequence[float]
    accuracies: Sequence[float]
    shuffled: Sequence[float]
    possible: Estimate
    classes: int
    neurons: int
    neurons_of_gates: int
    posterior_bound: float


class Findings:
    """Claims one by one; of risks, numbers are orders of magnitude."""

    def __init__(self, plan: Plan, counted: Mapping[Task, Counted], curves: Curves) -> None:
        self.plan, self.counted, self.curves = plan, counted, curves

    def all(self) -> Iterator[Finding | Equality]:
        """Those of networks that nobody trained, then task by task."""
        for task, counted in self.counted.items():
            yield self._exact(task, counted)
        yield self._accurate()
        for task in LEARNED:
            yield self._ahead(task)
            for examples in dict.fromkeys((self.plan.sizes[0], self.plan.sizes[-1])):
                yield self._worth(task, examples)
            yield self._repaired(task, Start.WRONG, "all weights")
            yield self._repaired(task, Start.READ_OUT, "the output layer")
            yield self._spoilt(task)

    # -- the claims ---------------------------------------------------------------------------------

    def _exact(self, task: Task, counted: Counted) -> Finding:
        claim = f"{task.value}: the network is the exact posterior to 1e-12: digits beyond it"
        digits = [math.log10(EXACT / max(error, 1e-17)) for error in counted.errors]
        return judged(claim, over_trainings(digits), ("none", 0.0), trainings=len(digits))

    def _accurate(self) -> Equality:
        claim = "Networks that nobody trained have the accuracy that is possible: share of right classes less that"
        values = {}
        for task, counted in self.counted.items():
            best, error = counted.possible
            measured = over_trainings(counted.accuracies)
            values[task.value] = Estimate(measured.value - best, math.hypot(measured.error, error))
        return judged_equal(claim, values, ("none", 0.0), MARGIN, trainings=self.plan.sets)

    def _ahead(self, task: Task) -> Finding:
        n = self.plan.sizes[-1]
        claim = f"{task.value}: from {n} examples, random weights end with more risk than compiled ones"
        random = self._logs(task, Start.RANDOM, n)
        value = random - self._logs(task, Start.COMPILED, n)
        control = {
            "weights permuted": over_trainings((random - self._logs(task, Start.PERMUTED, n)).tolist())
        }
        return self._judged(claim, value, control)

    def _worth(self, task: Task, n: int) -> Finding:
        claim = (
            f"{task.value}: from {n} examples, random weights end with more risk than couplings that are off"
        )
        random = self._logs(task, Start.RANDOM, n)
        control = {
            "weights permuted": over_trainings((random - self._logs(task, Start.PERMUTED, n)).tolist())
        }
        return self._judged(claim, random - self._logs(task, Start.WRONG, n), control)

    def _repaired(self, task: Task, start: Start, what: str) -> Finding:
        n = self.plan.sizes[-1]
        claim = (
            f"{task.value}: {n} examples put couplings right that are off, {what} learning: risk taken off"
        )
        return self._judged(claim, self._logs(task, start, 0) - self._logs(task, start, n))

    def _spoilt(self, task: Task) -> Finding:
        n = self.plan.sizes[0]
        claim = f"{task.value}: training compiled weights on {n} examples adds risk"
        return self._judged(claim, self._logs(task, Start.COMPILED, n) - self._logs(task, Start.COMPILED, 0))

    def _judged(
        self, claim: str, values: NDArray[np.float64], controls: Mapping[str, Estimate] | None = None
    ) -> Finding:
        value = over_trainings(values.tolist())
        return judged(claim, value, ("as much", 0.0), controls, trainings=self.plan.seeds)

    # -- numbers ------------------------------------------------------------------------------------

    def _logs(self, task: Task, start: Start, examples: int) -> NDArray[np.float64]:
        """log₁₀ of the risk of each run."""
        (found,) = (r for r in self.curves[task, start] if r.examples == examples)
        return np.log10(np.maximum(found.risks, FLOOR))


def needed(curves: Curves, task: Task, run: int) -> tuple[float, bool]:
    """Examples from which random weights have the risk that couplings off have untrained, and whether it is a bound.

    Between two sizes on scales of logarithms.
    """
    asked = max(curves[task, Start.WRONG][0].risks[run], FLOOR)
    before: tuple[float, float] | None = None
    last = 0
    for point in curves[task, Start.RANDOM][1:]:
        x, y = math.log(point.examples), math.log(max(point.risks[run], FLOOR))
        last = point.examples
        if y <= math.log(asked):
            if before is None:
                return point.examples, False
            share = (before[1] - math.log(asked)) / (before[1] - y)
            return math.exp(before[0] + share * (x - before[0])), False
        before = x, y
    return last, True

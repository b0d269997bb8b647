"""Compiled Bayes classifiers: the run from Hamiltonians to findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from lensmaker.core import Reference, Table
from lensmaker.core.progress import Progress
from lensmaker.numerics.resampling import Estimate
from lensmaker.numerics.seeding import stream
from lensmaker.phenomena.base import Outcome, Phenomenon
from lensmaker.phenomena.bayes_classifier.claims import FLOOR, Counted, Curves, Findings, needed
from lensmaker.phenomena.bayes_classifier.plan import LEARNED, Plan, Start, Task
from lensmaker.phenomena.bayes_classifier.problems import possible, problem
from lensmaker.phenomena.bayes_classifier.training import Reached, Trainings
from lensmaker.phenomena.finding import over_trainings
from lensmaker.phenomena.folder import publish, put, taken
from lensmaker.phenomena.kept import KeptPlan
from lensmaker.theories.polynomial_networks.theory import LIN

DRAWN = (Start.RANDOM, Start.WRONG, Start.READ_OUT, Start.COMPILED)
"""Starts of the figure; permuted weights are off its scale."""


def geometric(risks: Sequence[float]) -> tuple[float, float]:
    """The geometric mean of risks and its standard error; one below `FLOOR` counts as that.

    Examples
    --------
    >>> [round(v, 6) for v in geometric([0.1, 0.001])]
    [0.01, 0.023026]
    """
    logs = np.log(np.maximum(risks, FLOOR))
    value = float(np.exp(logs.mean()))
    return value, value * float(logs.std(ddof=1) / np.sqrt(len(logs)))


@dataclass(frozen=True)
class BayesClassifier(Phenomenon):
    """Networks compiled from the Hamiltonians of classes, as they are, and trained beside others of one architecture.

    Magnets at two temperatures, Gaussians, and fields with two couplings. What nobody trained is held against exact
    posteriors; then examples are counted: the risk beyond that of the exact posterior, by the number of examples, of
    trainings that start from the compiled weights, from couplings that are off, from the same weights permuted, and
    from random ones.

    Parameters
    ----------
    plan
        What is classified and trained.
    """

    plan: Plan = field(default_factory=Plan)

    name = "bayes-classifier"
    summary = (
        "Whether compiled Hamiltonians are the Bayes classifier, and how many examples that saves a training."
    )
    references: ClassVar[tuple[Reference, ...]] = (LIN,)

    @classmethod
    def quick(cls) -> BayesClassifier:
        return cls(Plan(sizes=(32, 512), updates=200, seeds=5, held_out=1000, large=False))

    def run(self, folder: Path, progress: Progress | None = None) -> Outcome:
        kept = KeptPlan(folder, self.plan)
        counted = {}
        for task in self.plan.tasks:
            made = kept.of(f"counted-{task.name.lower()}", partial(self._count, task, progress))
            counted[task] = Counted(**{**made, "possible": Estimate(*made["possible"])})
        curves = {
            (task, start): points
            for task in LEARNED
            for start, points in self._curves(folder, task, progress).items()
        }
        facts = [*self._of_networks(counted), *self._of_trainings(curves)]
        findings = list(Findings(self.plan, counted, curves).all())
        publish(folder, findings, facts)
        return Outcome(Table(findings), facts, {"accuracy": self._drawn(curves)})

    def _count(self, task: Task, progress: Progress | None) -> dict[str, Any]:
        """Errors and accuracies of the network whose products are exact, set by set."""
        made, plan = problem(task), self.plan
        network = made.exact()
        classes, errors, right, shuffled = network.classes, [], [], []
        for k in range(plan.sets):
            if progress is not None:
                progress(f"{task.value}: sets of examples", k, plan.sets)
            x, y = made.examples(plan.drawn, "sets", k)
            with torch.no_grad():
                p = network.posterior(x)
            errors.append(float((p - classes.posterior(x)).abs().max()))
            guess = p.argmax(-1)
            order = torch.randperm(len(y), generator=stream("shuffled labels", k))
            right.append(float((guess == y).double().mean()))
            shuffled.append(float((guess == y[order]).double().mean()))
        return {
            "errors": errors,
            "accuracies": right,
            "shuffled": shuffled,
            "possible": list(possible(task)),
            "classes": made.classes,
            "neurons": network.ledger.neurons,
            "neurons_of_gates": made.network(accuracy=plan.accuracy).ledger.neurons,
            "posterior_bound": network.posterior_bound,
        }

    def _curves(self, folder: Path, task: Task, progress: Progress | None) -> dict[Start, list[Reached]]:
        """From their files, which have each size as soon as it is done, and trained to the end."""
        sizes = (0, *self.plan.sizes)
        found: dict[Start, list[Reached]] = {}
        trainings: Trainings | None = None
        for start in Start:
            file = folder / f"{task.name.lower()}-{start.name.lower()}.json"
            points = [Reached(*point) for point in taken(file)] if file.exists() else []
            for examples in sizes[len(points) :]:
                trainings = trainings or Trainings(problem(task), self.plan)
                points.append(trainings.reached(start, examples, progress))
                put(file, points)
            found[start] = points
        return found

    def _of_networks(self, counted: dict[Task, Counted]) -> list[dict[str, Any]]:
        return [
            {
                "task": task.value,
                "largest_error": max(c.errors),
                "accuracy": over_trainings(c.accuracies).value,
                "accuracy_error": over_trainings(c.accuracies).error,
                "accuracy_shuffled": over_trainings(c.shuffled).value,
                "possible": c.possible.value,
                "possible_error": c.possible.error,
                "posterior_bound": c.posterior_bound,
                "neurons": c.neurons,
                "neurons_of_gates": c.neurons_of_gates,
            }
            for task, c in counted.items()
        ]

    def _of_trainings(self, curves: Curves) -> list[dict[str, Any]]:
        facts: list[dict[str, Any]] = []
        for (task, start), points in curves.items():
            for point in points:
                facts += [
                    {
                        "task": task.value,
                        "start": start.value,
                        "examples": point.examples,
                        "seed": seed,
                        "risk": point.risks[seed],
                        "accuracy": point.accuracies[seed],
                        "stopped": point.stopped[seed],
                        "rate": point.rates[seed],
                    }
                    for seed in range(self.plan.seeds)
                ]
        for task in LEARNED:
            for seed in range(self.plan.seeds):
                examples, is_bound = needed(curves, task, seed)
                facts.append(
                    {
                        "task": task.value,
                        "seed": seed,
                        "examples_for_couplings_off": examples,
                        "is_bound": is_bound,
                    }
                )
        return facts

    def _drawn(self, curves: Curves) -> dict[str, Any]:
        """Risks against examples, a panel for each task."""
        panels = []
        for task in LEARNED:
            lines = []
            for start in DRAWN:
                points = [(r.examples, *geometric(r.risks)) for r in curves[task, start][1:]]
                lines.append({"label": start.value, "points": points})
            panels.append({"title": task.value, "curves": lines})
        return {
            "title": "Examples that a Hamiltonian saves",
            "caption": "Nats by which −ln p of a held-out example is above that of the exact posterior, by networks of "
            f"one architecture: geometric means of {self.plan.seeds} runs with standard errors, no risk below "
            f"{FLOOR:g}. Couplings are off by {self.plan.off:.0%}.",
            "x": "examples",
            "y": "excess risk",
            "panels": panels,
        }

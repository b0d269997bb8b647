"""What it costs to multiply in one layer: units by fits, digits by networks that are run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from lensmaker.core import Reference, Table
from lensmaker.core.bibliography import LIN_2017, ROLNICK_2018
from lensmaker.core.progress import Progress
from lensmaker.numerics.resampling import Estimate
from lensmaker.phenomena.base import Outcome, Phenomenon
from lensmaker.phenomena.finding import Finding, judged, over_trainings
from lensmaker.phenomena.flattening.claims import sized, within
from lensmaker.phenomena.flattening.fits import Fit, fitted
from lensmaker.phenomena.flattening.floors import (
    CHOSEN,
    DTYPES,
    FLAT,
    TREE,
    Measured,
    in_many_digits,
    measured,
)
from lensmaker.phenomena.flattening.plan import CASES, Case, Plan
from lensmaker.phenomena.folder import publish
from lensmaker.phenomena.kept import KeptPlan

SMALL = 1e-8
"""λ at which the flat network is tried in many digits, far below what floating point bears."""


@dataclass(frozen=True)
class Flattening(Phenomenon):
    """Least sizes of one hidden layer by fits, and floors of flat networks and trees by running them.

    Parameters
    ----------
    plan
        What is fitted and run.
    """

    plan: Plan = field(default_factory=Plan)

    name = "flattening"
    summary = "What it costs to multiply in one hidden layer: units, and digits of floating point."
    references: ClassVar[tuple[Reference, ...]] = (LIN_2017, ROLNICK_2018)

    @classmethod
    def quick(cls) -> Flattening:
        few = tuple(c for c in CASES if c.factors == 2 or c.activation == "tanh")
        return cls(Plan(cases=few, starts=8, activations=("softplus", "gelu"), factors=(2, 4, 6, 8), seeds=5))

    def run(self, folder: Path, progress: Progress | None = None) -> Outcome:
        kept, plan = KeptPlan(folder, self.plan), self.plan
        findings, facts, fits = [], [], {}
        for k, case in enumerate(plan.cases):
            _say(progress, f"fits of {case.words}", k, len(plan.cases))
            below, at = (self._fit(kept, case, m) for m in (case.least - 1, case.least))
            fits[case] = below, at
            findings.append(sized(case, below, at))
            facts += [
                {"case": case.words, "units": f.units, "best": f.best, "largest": f.largest}
                for f in (below, at)
            ]
        runs: list[Measured] = []
        for activation in plan.activations:
            for n in plan.factors:
                for k, arithmetic in enumerate(DTYPES):
                    _say(progress, f"{activation}, n = {n}", k, len(DTYPES))
                    runs += measured(plan, activation, n, arithmetic)
        facts += [asdict(m) for m in runs]
        findings += self._of_digits(runs)
        pictures = {f"floors of {a}": _floors(a, runs) for a in plan.activations}
        outcome = Outcome(Table(findings), facts, pictures)
        publish(folder, findings, facts)
        return outcome

    def _fit(self, kept: KeptPlan, case: Case, units: int) -> Fit:
        biases = "biases" if case.biases else "none"
        name = f"{case.activation}-{case.shift:g}-{case.factors}-{biases}-{units}"
        found = kept.of(name, lambda: asdict(fitted(case, units, self.plan.starts)))
        return Fit(found["units"], tuple(found["errors"]), found["largest"])

    def _of_digits(self, runs: Sequence[Measured]) -> list[Finding]:
        """Digits that are lost at the n that is compared, and whether the theory says all floors."""
        plan, n, found = self.plan, self.plan.compared, []
        for a in plan.activations:
            here = {
                m.network: m for m in runs if (m.activation, m.factors, m.arithmetic) == (a, n, "float64")
            }
            if not {FLAT, CHOSEN, TREE} <= set(here):
                continue
            flat, chosen, tree = here[FLAT], here[CHOSEN], here[TREE]
            exact = in_many_digits(a, n, plan.bias, SMALL)
            control = {"300 digits, λ = 1e-8": Estimate(math.log10(exact / min(tree.errors)), 0.0)}
            claim = f"{a}, n = {n}: {flat.units} flat units have fewer digits than {tree.units} of a tree"
            found.append(_digits(claim, flat, tree, control))
            claim = f"{a}, n = {n}: a bias with σ⁽ⁿ⁺²⁾ = 0 saves digits of the flat network"
            found.append(_digits(claim, flat, chosen))
            claim = f"{a}, n = {n}: with that bias too the tree has more digits"
            found.append(_digits(claim, chosen, tree))
        for network in (FLAT, CHOSEN):
            ratios = [e / m.predicted for m in runs if m.network == network for e in [_typical(m.errors)]]
            claim = f"Floors of {network} are what truncation and rounding predict"
            found.append(within(claim, ratios, plan.seeds))
        return found


def _digits(
    claim: str, more: Measured, less: Measured, controls: dict[str, Estimate] | None = None
) -> Finding:
    """Decimal digits between two networks, over the seeds."""
    lost = [math.log10(a / b) for a, b in zip(more.errors, less.errors, strict=True)]
    return judged(claim, over_trainings(lost), ("no loss", 0.0), controls, trainings=len(lost))


def _typical(errors: Sequence[float]) -> float:
    """The geometric mean."""
    return math.exp(sum(map(math.log, errors)) / len(errors))


def _floors(activation: str, runs: Sequence[Measured]) -> dict[str, Any]:
    """Both curves of each network in float64: predicted as a line, measured as points."""
    here = [m for m in runs if m.activation == activation and m.arithmetic == "float64"]
    series = []
    for network in (FLAT, CHOSEN, TREE):
        found = [m for m in here if m.network == network]
        name = network.replace(", ", " with ")
        lines = [(m.factors, m.predicted) for m in found]
        points = [(m.factors, e) for m in found for e in m.errors]
        series += [
            {"label": f"{name}, predicted", "kind": "line", "points": lines},
            {"label": f"{name}, measured", "kind": "points", "points": points},
        ]
    return {
        "title": f"The smallest error of a product: {activation}, float64",
        "caption": "The largest error over the cube [−1, 1]^n of networks at their best weight scale: one hidden "
        "layer of 2^n units, the same with the bias at which the next term of its truncation vanishes, and a tree "
        "of products of two.",
        "axes": ("factors n", "largest error"),
        "log": (False, True),
        "series": series,
    }


def _say(progress: Progress | None, what: str, done: int, of: int) -> None:
    if progress is not None:
        progress(what, done, of)

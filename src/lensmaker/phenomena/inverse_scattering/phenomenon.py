"""Training infers the spacetime: the run from media to findings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from lensmaker.core import Reference, Table
from lensmaker.core.progress import Progress
from lensmaker.instruments.scattering import InferredConductivity, InferredLayer
from lensmaker.numerics.resampling import Estimate
from lensmaker.phenomena.base import Outcome, Phenomenon
from lensmaker.phenomena.equality import Equality, judged_equal
from lensmaker.phenomena.finding import Finding, judged, over_trainings
from lensmaker.phenomena.folder import publish
from lensmaker.phenomena.inverse_scattering.plan import Plan
from lensmaker.phenomena.inverse_scattering.real import PAPERS, of_burgers, of_darcy
from lensmaker.phenomena.inverse_scattering.synthetic import NAMES, inhomogeneous, told, uniform
from lensmaker.phenomena.kept import KeptPlan

Runs = Sequence[dict[str, Any]]

BURGERS_MARGIN = 0.002
"""Relative: some twenty times what one set of trajectories tells."""


@dataclass(frozen=True)
class InverseScattering(Phenomenon):
    """What is fitted to the input and the output of a medium has the medium's metric, drift and potential.

    Media are drawn, waves go through them, and what comes out is looked at, with noise. Read are coefficients, by the
    instruments of `instruments.scattering`; numbers are slopes of what is read on what is there, over the media of a
    seed: 1 where they are the same. Then data of Burgers' equation and of Darcy's flow, in disjoint sets.

    Parameters
    ----------
    plan
        How much of it.
    """

    plan: Plan = field(default_factory=Plan)

    name = "inverse-scattering"
    summary = "Metric, drift and potential of unknown media, from what goes in and what comes out; Burgers and Darcy."
    references: ClassVar[tuple[Reference, ...]] = (
        InferredLayer.references[0],
        InferredConductivity.references[0],
    )

    @classmethod
    def quick(cls) -> InverseScattering:
        return cls(
            Plan(seeds=4, media=6, trajectories=40, inhomogeneous=120, burgers=20, burgers_looks=4, flows=5)
        )

    def run(self, folder: Path, progress: Progress | None = None) -> Outcome:
        kept, plan = KeptPlan(folder, self.plan), self.plan
        parts: dict[str, Callable[[Plan, int], dict[str, Any]]] = {
            "uniform media": uniform,
            "networks that tell": told,
            "media by point": inhomogeneous,
            "burgers": of_burgers,
            "darcy": of_darcy,
        }
        runs: dict[str, Runs] = {}
        for name, make in parts.items():
            made = []
            for seed in range(plan.seeds):
                if progress is not None:
                    progress(name, seed, plan.seeds)
                made.append(kept.of(f"{name.replace(' ', '-')}-{seed}", partial(make, plan, seed)))
            runs[name] = made
        findings = [
            *self._uniform(runs["uniform media"]),
            self._told(runs["networks that tell"]),
            *self._by_point(runs["media by point"]),
            *self._burgers(runs["burgers"]),
            *self._darcy(runs["darcy"]),
        ]
        facts = [
            {"part": name, "seed": seed}
            | {k: v for k, v in run.items() if k not in ("truth", "read", "errors")}
            for name, made in runs.items()
            for seed, run in enumerate(made)
        ]
        outcome = Outcome(Table(findings), facts, {"a medium": self._picture(runs["media by point"][0])})
        publish(folder, outcome.findings, facts)
        return outcome

    # -- the claims ---------------------------------------------------------------------------------

    def _uniform(self, runs: Runs) -> list[Finding | Equality]:
        plan, n = self.plan, self.plan.seeds

        def read(how: str, names: Sequence[str] = NAMES) -> dict[str, Estimate]:
            return {q: over_trainings([r[how][q] for r in runs]) for q in names}

        said = f"Media seen through noise of {plan.noise:g}: what is read is what is there"
        back = "Their last look first: drift and metric are read with the other sign"
        became = f"Networks of {plan.layers} layers that were trained on what comes out have the medium's coefficients"
        excess = over_trainings([r["least squares"]["metric"] - 1 for r in runs])
        control = {"with an earlier look": over_trainings([r["earlier look"]["metric"] - 1 for r in runs])}
        spread = {"z²": over_trainings([sum(r["z"].values()) / len(r["z"]) for r in runs])}
        turned = read("backwards", ("drift", "metric"))
        return [
            judged_equal(said, read("earlier look"), ("slope", 1.0), plan.margin, trainings=n),
            judged_equal(back, turned, ("slope", -1.0), plan.margin, trainings=n),
            judged_equal(became, read("network"), ("slope", 1.0), plan.margin, trainings=n),
            judged(
                "Plain least squares take noise for diffusion", excess, ("none", 0.0), control, trainings=n
            ),
            judged_equal(
                "Errors that are stated are those that are made", spread, ("mean z²", 1.0), 0.75, trainings=n
            ),
        ]

    def _told(self, runs: Runs) -> Finding:
        value = over_trainings([r["pairs"] for r in runs])
        control = {"shuffled pairs": over_trainings([r["shuffled pairs"] for r in runs])}
        claim = "A trained kernel tells looks that it has not seen"
        return judged(claim, value, ("nothing", 0.0), control, trainings=self.plan.seeds)

    def _by_point(self, runs: Runs) -> list[Finding | Equality]:
        n = self.plan.seeds
        values = {q: over_trainings([r["slopes"][q] for r in runs]) for q in NAMES}
        claim = "Media that differ from point to point are read at each point"
        found: list[Finding | Equality] = [
            judged_equal(claim, values, ("slope", 1.0), 2 * self.plan.margin, trainings=n)
        ]
        for q in NAMES:
            control = {"of media that were not there": over_trainings([r["another medium"][q] for r in runs])}
            claim = f"What is read of the {q} by point follows what is there"
            found.append(judged(claim, values[q], ("slope of chance", 0.0), control, trainings=n))
        return found

    def _burgers(self, runs: Runs) -> list[Equality]:
        n = self.plan.seeds

        def read(how: str, names: Sequence[str]) -> dict[str, Estimate]:
            return {q: over_trainings([r[how][q] for r in runs]) for q in names}

        both, absent = ("advection", "viscosity"), ("drift", "potential")
        claim = "Burgers' data: advection −1 and the viscosity that the file states"
        back = "Burgers' data, their second look first: both with the other sign"
        none = "Burgers' data: neither drift nor potential"
        return [
            judged_equal(claim, read("forwards", both), ("ratio", 1.0), BURGERS_MARGIN, trainings=n),
            judged_equal(back, read("backwards", both), ("ratio", -1.0), BURGERS_MARGIN, trainings=n),
            judged_equal(none, read("forwards", absent), ("none", 0.0), BURGERS_MARGIN, trainings=n),
        ]

    def _darcy(self, runs: Runs) -> list[Finding | Equality]:
        n = self.plan.seeds

        def orders(name: str) -> Estimate:
            return over_trainings([math.log10(r["missed by one ground"] / r[name]) for r in runs])

        controls = {
            name: orders(name) for name in ("missed by another medium", "missed with the papers' ratio")
        }
        ratio = {"a₁/a₀": over_trainings([r["ratio"] for r in runs])}
        return [
            judged(
                "Darcy's data: orders of magnitude by which two conductivities miss less of the fields than one",
                orders("missed"),
                ("as much", 0.0),
                controls,
                trainings=n,
            ),
            judged_equal(
                "Darcy's data: their ratio is the papers'", ratio, ("12/3", PAPERS), 0.5, trainings=n
            ),
        ]

    def _picture(self, run: dict[str, Any]) -> dict[str, Any]:
        """What is there as lines, what is read as points."""
        series = []
        for q, truth, read in zip(NAMES, run["truth"], run["read"], strict=True):
            at = [0.5 * i for i in range(len(truth))]
            series += [
                {"label": f"{q}, there", "kind": "line", "points": list(zip(at, truth, strict=True))},
                {"label": f"{q}, read", "kind": "points", "points": list(zip(at, read, strict=True))},
            ]
        return {
            "title": "A medium, and what is read of it",
            "caption": f"Potential, drift and metric along a line of {self.plan.points} points, and what a kernel for "
            f"each point tells of them, fitted to {self.plan.inhomogeneous} fields that went in and came out.",
            "axes": ("place", "coefficient"),
            "log": (False, False),
            "series": series,
        }

"""Samples that depth saves: the run from grammars to findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lensmaker.core import Reference, Table
from lensmaker.core.bibliography import LIN_2017
from lensmaker.core.progress import Progress
from lensmaker.phenomena.base import Outcome, Phenomenon
from lensmaker.phenomena.folder import mark, publish, put, taken
from lensmaker.phenomena.hierarchy.claims import Findings
from lensmaker.phenomena.hierarchy.learning_curve import Trained, asked, curve, need
from lensmaker.phenomena.hierarchy.plan import Kind, Plan


@dataclass(frozen=True)
class Hierarchy(Phenomenon):
    """Networks of as many parameters learn the classes of random grammars from ever more examples.

    A tree of as many layers as the grammar has levels, which joins two neighbours at a time; the same on leaves that
    are permuted, so that what it joins does not belong together; as many dense layers; and one hidden layer. The
    number is how many examples each needs until a tenth of the error of guessing is left.

    Parameters
    ----------
    plan
        What is trained.
    """

    plan: Plan = field(default_factory=Plan)

    name = "hierarchy"
    summary = "How many examples depth saves on data that are made level by level."
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "cagnetta2024",
            "F. Cagnetta, L. Petrini, U. M. Tomasini, A. Favero, M. Wyart",
            "How deep neural networks learn compositional data: The random hierarchy model",
            2024,
            "Phys. Rev. X 14, 031001",
            "arXiv:2307.02129",
        ),
        LIN_2017,
    )

    @classmethod
    def quick(cls) -> Hierarchy:
        return cls(Plan(4, 4, 2, width=32, step=2**0.5, held_out=500, updates=1000))

    def run(self, folder: Path, progress: Progress | None = None) -> Outcome:
        mark(folder, self.plan)
        curves = {
            (kind, levels): self._curve(folder, kind, levels, progress)
            for levels in self.plan.levels
            for kind in Kind
        }
        runs = range(self.plan.seeds)
        needs = {key: [need(found, run, asked(self.plan)) for run in runs] for key, found in curves.items()}
        facts = [
            {
                "kind": kind.value,
                "levels": levels,
                "seed": seed,
                "examples": n.examples,
                "is_bound": n.is_bound,
            }
            for (kind, levels), found in needs.items()
            for seed, n in enumerate(found)
        ]
        unfitted = {
            key for key, found in curves.items() if any(max(p.losses) > self.plan.fitted for p in found)
        }
        findings = Findings(self.plan, needs, unfitted).all()
        outcome = Outcome(Table(findings), facts, {"accuracy": self._drawn(curves)})
        publish(folder, outcome.findings, facts)
        return outcome

    def _curve(self, folder: Path, kind: Kind, levels: int, progress: Progress | None) -> list[Trained]:
        """From its file, which has each size as soon as it is done, and trained to its end."""
        file = folder / f"{kind.name.lower()}-{levels}.json"
        kept = [Trained(*point) for point in taken(file)] if file.exists() else []
        found = list(kept)
        for point in curve(self.plan, kind, levels, kept, progress):
            found.append(point)
            put(file, found)
        return found

    def _drawn(self, curves: Mapping[tuple[Kind, int], list[Trained]]) -> dict[str, Any]:
        """Errors of words held out against examples, a panel for each number of levels."""
        panels = []
        for levels in self.plan.levels:
            lines = []
            for kind in Kind:
                points = [
                    (p.examples, float(np.mean(p.errors)), float(np.std(p.errors) / np.sqrt(len(p.errors))))
                    for p in curves[kind, levels]
                ]
                lines.append({"label": kind.value, "points": points})
            panels.append({"title": f"{levels} levels", "curves": lines})
        return {
            "title": "Examples that depth saves",
            "caption": f"Share of wrong classes of words held out, mean of {self.plan.seeds} runs with standard "
            f"errors, by networks of as many parameters; a class is learned at {asked(self.plan):.3g}.",
            "x": "examples",
            "y": "error",
            "panels": panels,
        }

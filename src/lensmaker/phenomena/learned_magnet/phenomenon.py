"""Machines that learn a magnet near T_c: the run from samples to findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from lensmaker.core import Reference, Table
from lensmaker.core.progress import Progress
from lensmaker.phenomena.base import Outcome, Phenomenon
from lensmaker.phenomena.finding import over_trainings
from lensmaker.phenomena.folder import publish
from lensmaker.phenomena.learned_magnet.claims import NAMES, Findings
from lensmaker.phenomena.learned_magnet.plan import CRITICAL, DEEP, Case, Kind, Plan
from lensmaker.phenomena.learned_magnet.readings import QUANTITIES, Folder, Reading


@dataclass(frozen=True)
class LearnedMagnet(Phenomenon):
    """Energy and specific heat of machines that have learned samples of a magnet, against width and depth.

    Machines of ±1 units without biases learn an Ising model on a torus of 8 × 8 at T_c by persistent chains. Each is
    sampled, and its energy and specific heat are compared with Kaufman's of this very torus. The number of each claim
    is a difference of two relative errors, over independent trainings. The specific heat of a machine may be right
    while its energy is not, as its error changes sign with the width: both are judged.

    Parameters
    ----------
    plan
        What is trained.
    """

    plan: Plan = field(default_factory=Plan)

    name = "learned-magnet"
    summary = (
        "How well Boltzmann machines learn a magnet near T_c, by the width and the depth of the machine."
    )
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "morningstar2018",
            "A. Morningstar, R. G. Melko",
            "Deep learning the Ising model near criticality",
            2018,
            "J. Mach. Learn. Res. 18, 163",
            "arXiv:1708.04622",
        ),
        Reference(
            "torlai2016",
            "G. Torlai, R. G. Melko",
            "Learning thermodynamics with Boltzmann machines",
            2016,
            "Phys. Rev. B 94, 165134",
            "arXiv:1606.02718",
        ),
    )

    @classmethod
    def quick(cls) -> LearnedMagnet:
        return cls(
            Plan(
                side=4,
                samples=10_000,
                hidden=(2, 4, 8, 16),
                deep=(2, 4),
                probe=8,
                probe_deep=4,
                epochs=6,
                chains=200,
                seeds=4,
                burn_in=200,
                looks=150,
            )
        )

    def run(self, folder: Path, progress: Progress | None = None) -> Outcome:
        kept = Folder(folder, self.plan)
        readings: dict[Case, Sequence[Reading]] = {}
        cases = self.plan.cases
        for number, case in enumerate(cases):
            told = None if progress is None else _of_case(progress, case, number, len(cases))
            readings[case] = kept.readings(case, told)
        findings = Findings(self.plan, readings)
        facts = [
            asdict(case) | {"kind": case.kind.value} | asdict(reading)
            for case, found in readings.items()
            for reading in found
        ]
        outcome = Outcome(Table(findings.all()), facts, {"accuracy": self._accuracy(findings)})
        publish(folder, outcome.findings, facts)
        return outcome

    def _accuracy(self, findings: Findings) -> Mapping[str, Any]:
        """What is drawn: for each quantity a curve of relative errors against the width, for each kind."""
        widths = {Kind.RESTRICTED: self.plan.hidden} | dict.fromkeys(DEEP, self.plan.deep)
        panels = []
        for quantity in QUANTITIES:
            curves = []
            for kind, sizes in widths.items():
                found = [over_trainings(findings.off(quantity, n, kind).values.tolist()) for n in sizes]
                layers = 1 if kind is Kind.RESTRICTED else 2
                points = [(layers * n, *e) for n, e in zip(sizes, found, strict=True)]
                curves.append({"label": kind.value, "points": points})
            panels.append({"title": NAMES[quantity], "curves": curves})
        return {
            "title": "What machines have learned of a magnet at T_c",
            "caption": f"Relative error of energy and specific heat of an Ising torus of side {self.plan.side} "
            f"at T = {CRITICAL:.4g}, against all hidden units; standard errors over {self.plan.seeds} trainings.",
            "x": "hidden units in all",
            "y": "relative error",
            "panels": panels,
        }


def _of_case(progress: Progress, case: Case, number: int, of: int) -> Progress:
    """Progress of a training, with its name and number before what is done."""
    return lambda what, done, out_of: progress(f"{number + 1} of {of}, {case.name}: {what}", done, out_of)

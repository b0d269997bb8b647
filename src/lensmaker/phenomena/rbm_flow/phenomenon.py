"""The flow of machines that learned the Ising model: the run from samples to findings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from lensmaker.core import Reference, Table
from lensmaker.core.progress import Progress
from lensmaker.instruments.boltzmann.rbm_flow import RBMFlow
from lensmaker.phenomena.base import Outcome, Phenomenon
from lensmaker.phenomena.folder import publish
from lensmaker.phenomena.rbm_flow.claims import Findings
from lensmaker.phenomena.rbm_flow.pictures import Readings, pictures
from lensmaker.phenomena.rbm_flow.plan import Plan, Setting
from lensmaker.phenomena.rbm_flow.reading import Reading
from lensmaker.phenomena.rbm_flow.training import Folder
from lensmaker.phenomena.thermometers import largest_specific_heat


@dataclass(frozen=True)
class CriticalFlow(Phenomenon):
    """Restricted machines of ±1 units on Ising samples, iterated v → h → v until they rest, with two controls.

    Parameters
    ----------
    plan
        What is trained.
    """

    plan: Plan = field(default_factory=Plan)

    name = "rbm-flow"
    summary = (
        "Whether restricted Boltzmann machines that learned Ising samples flow to the critical temperature."
    )
    references: ClassVar[tuple[Reference, ...]] = RBMFlow.references

    @classmethod
    def quick(cls) -> CriticalFlow:
        return cls(
            Plan(
                temperatures=tuple(k / 2 for k in range(13)),
                rows=2_600,
                hidden=(16, 64),
                epochs=10,
                other_epochs=(3, 30),
                seeds=4,
                configurations=200,
                doublings=6,
                calibration=1_000,
            )
        )

    def run(self, folder: Path, progress: Progress | None = None) -> Outcome:
        kept, readings = Folder(folder, self.plan), dict[tuple[Setting, int], Reading]()
        count = self.plan.seeds * len(self.plan.settings)
        for setting, seed in self.plan.trainings:
            if progress is not None:
                progress(f"{setting}, seed {seed}", len(readings), count)
            readings[setting, seed] = kept.reading(setting, seed)
        peak = largest_specific_heat(kept.model)
        findings = Findings(self.plan, readings, peak)
        outcome = Outcome(Table(findings.all()), self._facts(readings, peak), pictures(self.plan, readings))
        publish(folder, outcome.findings, outcome.facts)
        return outcome

    def _facts(self, readings: Readings, peak: float) -> list[dict[str, Any]]:
        """One row for each machine, whatever became of it, and one for the torus."""
        rows: list[dict[str, Any]] = [
            {
                "data": setting.data.name,
                "of_data": found.of_data,
                "hidden": setting.hidden,
                "epochs": setting.epochs,
                "cd": setting.cd,
                "seed": seed,
                "T_E": found.energy.value,
                "T_E_error": found.energy.error,
                "state": found.energy_state,
                "T_m": found.magnetic.value,
                "T_m_error": found.magnetic.error,
                "T_m_state": found.magnetic_state,
                "iterations": found.iterations,
            }
            for (setting, seed), found in readings.items()
        ]
        return [*rows, {"data": "the torus itself", "T at the largest specific heat": peak}]

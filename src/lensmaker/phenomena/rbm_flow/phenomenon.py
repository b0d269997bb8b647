"""The flow of machines that learned the Ising model: the run from samples to findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from lensmaker.core import Reference, Table
from lensmaker.core.progress import Progress
from lensmaker.instruments.boltzmann.rbm_flow import RBMFlow
from lensmaker.phenomena.base import Outcome, Phenomenon
from lensmaker.phenomena.finding import over_trainings
from lensmaker.phenomena.folder import put
from lensmaker.phenomena.rbm_flow.claims import Findings
from lensmaker.phenomena.rbm_flow.plan import T_C, Data, Plan, Setting
from lensmaker.phenomena.rbm_flow.reading import Reading
from lensmaker.phenomena.rbm_flow.training import Folder
from lensmaker.phenomena.thermometers import largest_specific_heat

Readings = Mapping[tuple[Setting, int], Reading]


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
        outcome = Outcome(Table(findings.all()), self._facts(readings, peak), self._pictures(readings))
        put(
            folder / "findings.json",
            {"findings": [f.to_dict() for f in outcome.findings]} | {"facts": outcome.facts},
        )
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
        return [*rows, {"data": "the torus", "of_data": peak, "state": "largest specific heat"}]

    def _pictures(self, readings: Readings) -> dict[str, Any]:
        plan = self.plan
        kinds = [plan.many, plan.critical, *plan.controls]
        shown = [s for data in kinds for s in plan.beside(data) if (s.epochs, s.cd) == (plan.epochs, plan.cd)]
        panels = [_panel(setting, readings[setting, 0]) for setting in shown]
        series = [self._series(data, readings) for data in kinds]
        return {
            "flow": {"panels": panels, "levels": {"T_c": T_C}, "reads": "T_E"},
            "fixed points": {
                "series": series,
                "levels": {"T_c": T_C},
                "common": f"{plan.epochs} epochs of CD-{plan.cd}",
                "seeds": plan.seeds,
            },
        }

    def _series(self, data: Data, readings: Readings) -> dict[str, Any]:
        """Mean fixed points of the machines of one kind of data, those alone whose seeds have all converged."""
        points, of_data = [], []
        for setting in self.plan.beside(data):
            found = [readings[setting, seed] for seed in range(self.plan.seeds)]
            of_data += [reading.of_data for reading in found]
            if all(reading.is_settled for reading in found):
                mean = over_trainings([reading.energy.value for reading in found])
                words = setting.unlike(self.plan.probed(data))
                points.append(
                    {"hidden": setting.hidden, "T": mean.value, "error": mean.error, "label": words}
                )
        return {"name": data.name, "of_data": over_trainings(of_data).value, "points": points}


def _panel(setting: Setting, found: Reading) -> dict[str, Any]:
    return {
        "title": f"{setting.data.name}, {setting.hidden} units",
        "rows": found.trail,
        "fixed": tuple(found.energy) if found.is_settled else None,
    }

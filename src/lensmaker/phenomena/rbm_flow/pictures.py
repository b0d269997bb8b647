"""What the report room draws of the study: flows of single machines, and fixed points of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lensmaker.phenomena.finding import over_trainings
from lensmaker.phenomena.rbm_flow.plan import T_C, Data, Plan, Setting
from lensmaker.phenomena.rbm_flow.reading import Reading

Readings = Mapping[tuple[Setting, int], Reading]
"""Of each setting and seed."""


def pictures(plan: Plan, readings: Readings) -> dict[str, Any]:
    """Name → what a figure draws: `flow` of the first seeds, and `fixed points` of all."""
    kinds = [plan.many, plan.critical, *plan.controls]
    shown = [s for data in kinds for s in plan.beside(data) if (s.epochs, s.cd) == (plan.epochs, plan.cd)]
    units, epochs, k = f"{plan.probe} units", f"{plan.epochs} epochs", f"CD-{plan.cd}"
    panels = [
        _varied("hidden units", f"{epochs}, {k}", plan.sizes, lambda s: s.hidden, plan, readings),
        _varied("epochs", f"{units}, {k}", plan.lengths, lambda s: s.epochs, plan, readings),
        _varied("k of CD", f"{units}, {epochs}", plan.chains, lambda s: s.cd, plan, readings),
    ]
    return {
        "flow": {
            "panels": [_flow(setting, readings[setting, 0]) for setting in shown],
            "levels": {"T_c": T_C},
            "reads": "T_E",
        },
        "fixed points": {"panels": panels, "levels": {"T_c": T_C}, "seeds": plan.seeds},
    }


def _varied(
    by: str,
    given: str,
    settings: Callable[[Data], Sequence[Setting]],
    place: Callable[[Setting], int],
    plan: Plan,
    readings: Readings,
) -> dict[str, Any]:
    """Mean fixed points of machines that differ in one thing, of those alone whose seeds have all converged."""
    curves: dict[str, list[dict[str, float]]] = {}
    for data in (plan.many, plan.critical, *plan.controls):
        points = []
        for setting in [plan.probed(data)] if data in plan.controls else settings(data):
            found = [readings[setting, seed] for seed in range(plan.seeds)]
            if all(reading.is_settled for reading in found):
                mean = over_trainings([reading.energy.value for reading in found])
                points.append({"x": place(setting), "T": mean.value, "error": mean.error})
        of_data = over_trainings([readings[plan.probed(data), seed].of_data for seed in range(plan.seeds)])
        curves[f"{data.name}, data at {of_data.value:.3f}"] = points
    return {"by": by, "given": given, "curves": curves}


def _flow(setting: Setting, found: Reading) -> dict[str, Any]:
    return {
        "title": f"{setting.data.name}, {setting.hidden} units",
        "rows": found.trail,
        "fixed": tuple(found.energy) if found.is_settled else None,
    }

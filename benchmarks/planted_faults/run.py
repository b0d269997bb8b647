"""How often the right layer, the right cause and the right number come out, on faults planted at random.

    python benchmarks/planted_faults/run.py [seeds] [--quick]

Each fault is planted in each architecture it applies to, at each of its depths, in a layer drawn at random.
Each architecture is also inspected as it is, fresh and trained, where nothing should be found; and each
corrected network is trained beside the healthy one (not with --quick).
"""

from __future__ import annotations

import math
import sys
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from rich.progress import track

sys.path += [str(Path(__file__).parents[1])]

from faults import FAULTS, Fault, Truth
from patients import PATIENTS, Patient, batch
from results import save
from training import accuracy

import lensmaker

HEALTHY_SEEDS = 3


@dataclass(frozen=True)
class Outcome:
    """What a diagnosis said of one case; `recovered` is the accuracy after correction over the healthy one's."""

    patient: str
    fault: str
    right: bool
    said: str
    factors: list[float] = field(default_factory=list)
    recovered: float = math.nan


def cases(seeds: int) -> Iterator[tuple[Patient, Fault, int, int]]:
    """Every fault in every architecture, at every depth."""
    for patient in PATIENTS:
        for fault in FAULTS:
            for depth in patient.depths:
                for seed in range(seeds):
                    yield patient, fault, depth, seed


def run(patient: Patient, fault: Fault, depth: int, seed: int, train: bool = False) -> Outcome | None:
    """Plant, inspect and compare; None where the fault does not apply."""
    torch.manual_seed(seed)
    model, data = patient.make(depth), batch(patient.shape, seed=seed)
    place = zlib.crc32(f"{patient.name} {fault.name} {depth} {seed}".encode())
    planted = fault.plant(model, data, torch.Generator().manual_seed(place))
    if planted is None:
        return None
    data, truth = planted
    report = lensmaker.inspect(model, data, F.cross_entropy)
    outcome = _judged(patient, fault, truth, [f for f in report.findings if not f.consequence_of])
    if not train or not outcome.right:
        return outcome
    report.correct()
    after = accuracy(model, patient.shape, lambda x: x * truth.size + truth.offset)
    return replace(outcome, recovered=after / _healthy_accuracy(patient, depth, seed))


@cache
def _healthy_accuracy(patient: Patient, depth: int, seed: int) -> float:
    torch.manual_seed(seed)
    return accuracy(patient.make(depth), patient.shape, lambda x: x)


def _judged(patient: Patient, fault: Fault, truth: Truth, findings: list[Any]) -> Outcome:
    said = "; ".join(f"{f.aberration} at {f.where}" for f in findings) or "nothing"
    right = (
        len(findings) == 1
        and findings[0].where.path in truth.paths
        and findings[0].aberration in truth.causes
    )
    given = dict(findings[0].factors) if right else {}
    factors = [given.get(n, math.nan) / f for n, f in truth.factors.items()] if right else []
    return Outcome(patient.name, fault.name, right, said, factors)


def false_alarms() -> tuple[int, list[str]]:
    """How many healthy networks were inspected, fresh and trained, and what was said of them."""
    told, count = [], 0
    places = [(p, depth, seed) for p in PATIENTS for depth in p.depths for seed in range(HEALTHY_SEEDS)]
    for patient, depth, seed in track(places, "healthy networks"):
        torch.manual_seed(100 + seed)
        model, data = patient.make(depth), batch(patient.shape, seed=seed)
        for state in ("fresh", "trained"):
            if state == "trained":
                accuracy(model, patient.shape, lambda x: x)
            count += 1
            which = f"{state} {patient.name}, depth {depth}, seed {seed}"
            findings = lensmaker.inspect(model, data, F.cross_entropy).findings
            told += [f"{which}: {f.aberration} at {f.where}" for f in findings]
    return count, told


def main(seeds: int, quick: bool) -> None:
    """Run all cases, print what was missed, and save the scores."""
    outcomes = []
    for case in track(list(cases(seeds)), "planting"):
        outcome = run(*case, train=not quick)
        if outcome is None:
            continue
        outcomes.append(outcome)
        if not outcome.right:
            print(
                f"missed: {outcome.patient}, {outcome.fault}, depth {case[2]}, seed {case[3]}: {outcome.said}"
            )
        elif outcome.recovered < 0.95:
            print(f"not well: {outcome.patient}, {outcome.fault}, depth {case[2]}: {outcome.recovered:.2f}")
    healthy, alarms = false_alarms()
    print(*alarms, sep="\n")
    ratios = [abs(math.log(r)) < math.log(1.1) for o in outcomes for r in o.factors]
    recovered = [o.recovered >= 0.95 for o in outcomes if not math.isnan(o.recovered)]
    by_fault: dict[str, Counter[bool]] = defaultdict(Counter)
    for o in outcomes:
        by_fault[o.fault][o.right] += 1
    score = {
        "cases": len(outcomes),
        "right": _share([o.right for o in outcomes]),
        "factors_within_10_percent": _share(ratios),
        "recovered": _share(recovered),
        "healthy": healthy,
        "false_alarms": _share([True] * len({a.rpartition(":")[0] for a in alarms}), healthy),
        "by_fault": {name: f"{tally[True]} of {tally.total()}" for name, tally in by_fault.items()},
    }
    print(score)
    save("planted_faults", score)


def _share(hits: list[bool], of: int | None = None) -> float | None:
    total = len(hits) if of is None else of
    return round(sum(hits) / total, 4) if total else None


if __name__ == "__main__":
    arguments = [a for a in sys.argv[1:] if a != "--quick"]
    main(int(arguments[0]) if arguments else 1, "--quick" in sys.argv)

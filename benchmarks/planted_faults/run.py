"""How often the right layer, the right cause and the right number come out, on faults planted at random.

    python benchmarks/planted_faults/run.py [repeats]

Each fault is planted in each architecture it applies to, at each of its depths, in a layer drawn at random;
each architecture is also inspected as it is, fresh and trained, where nothing should be found.
"""

from __future__ import annotations

import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from rich.progress import track

sys.path += [str(Path(__file__).parents[1])]

from faults import FAULTS, Fault, Truth
from patients import PATIENTS, Patient, batch
from results import save

import lensmaker


@dataclass(frozen=True)
class Outcome:
    """What a diagnosis said of one case."""

    patient: str
    fault: str
    place: bool
    cause: bool
    factors: list[float] = field(default_factory=list)
    said: str = ""


def cases(repeats: int) -> Iterator[tuple[Patient, Fault, int, int]]:
    """Every fault in every architecture, at every depth."""
    for patient in PATIENTS:
        for fault in FAULTS:
            for depth in patient.depths:
                for seed in range(repeats):
                    yield patient, fault, depth, seed


def run(patient: Patient, fault: Fault, depth: int, seed: int) -> Outcome | None:
    """Plant, inspect and compare; None where the fault does not apply."""
    torch.manual_seed(seed)
    model, data = patient.make(depth), batch(patient.shape, seed=seed)
    planted = fault.plant(model, data, torch.Generator().manual_seed(1000 * seed + depth))
    if planted is None:
        return None
    data, truth = planted
    findings = [f for f in lensmaker.inspect(model, data, F.cross_entropy).findings if not f.consequence_of]
    return _judged(patient, fault, truth, findings)


def _judged(patient: Patient, fault: Fault, truth: Truth, findings: list[Any]) -> Outcome:
    said = "; ".join(f"{f.aberration} at {f.where}" for f in findings) or "nothing"
    place = len(findings) == 1 and findings[0].where.path in truth.paths
    cause = len(findings) == 1 and findings[0].aberration in truth.causes
    given = dict(findings[0].factors) if place and cause else {}
    factors = [given.get(n, math.nan) / f for n, f in truth.factors.items()] if place and cause else []
    return Outcome(patient.name, fault.name, place, cause, factors, said)


def main(repeats: int) -> None:
    """Run all cases, print what was missed, and save the scores."""
    outcomes = []
    for case in track(list(cases(repeats)), "planting"):
        outcome = run(*case)
        if outcome is None:
            continue
        outcomes.append(outcome)
        if not (outcome.place and outcome.cause):
            print(
                f"missed: {outcome.patient}, {outcome.fault}, depth {case[2]}, seed {case[3]}: {outcome.said}"
            )
    right = sum(o.place and o.cause for o in outcomes)
    ratios = [abs(math.log(r)) < math.log(1.1) for o in outcomes for r in o.factors]
    by_fault: dict[str, Counter[bool]] = defaultdict(Counter)
    for o in outcomes:
        by_fault[o.fault][o.place and o.cause] += 1
    score = {
        "cases": len(outcomes),
        "right": round(right / len(outcomes), 4),
        "factors_within_10_percent": round(sum(ratios) / max(len(ratios), 1), 4),
        "by_fault": {name: f"{tally[True]} of {tally.total()}" for name, tally in by_fault.items()},
    }
    print(score)
    save("planted_faults", score)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)

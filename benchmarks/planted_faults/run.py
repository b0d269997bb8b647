"""How often the right layer, the right cause and the right number come out, on faults planted at random.

    python benchmarks/planted_faults/run.py [--seeds 2] [--quick] [--record FILE] [--part 0/2]

Each fault is planted in each architecture it applies to, at each of its depths, in a layer drawn at random.
Each architecture is also inspected as it is, fresh and trained, where nothing should be found; and each
corrected network is trained beside the healthy one (not with --quick). WeightWatcher and nngeom are asked about
the same networks. With --record every outcome is kept in FILE as it comes, and what is there is not done again;
with --part several processes share the work, and a last run without it puts the scores together.
"""

from __future__ import annotations

import argparse
import math
import sys
import zlib
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from rich.progress import track

sys.path += [str(Path(__file__).parents[1])]

from faults import FAULTS, Fault, Truth
from outcomes import Healthy, Outcome, Record, score
from patients import PATIENTS, Patient, batch
from peers import opinions
from results import save
from training import accuracy

import lensmaker

HEALTHY_SEEDS = 3


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
    peers = {
        name: [
            any(path in truth.paths for path in said.warned),
            said.extreme in truth.paths,
            len(said.warned),
        ]
        for name, said in opinions(model, data)
    }
    report = lensmaker.inspect(model, data, F.cross_entropy)
    outcome = _judged(patient, fault, truth, [f for f in report.findings if not f.consequence_of])
    outcome = replace(outcome, depth=depth, seed=seed, peers=peers)
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
    return Outcome(patient.name, fault.name, right=right, said=said, factors=factors)


def healthy(patient: Patient, depth: int, seed: int) -> Iterator[Healthy]:
    """What is said of a network without a fault, fresh and trained."""
    torch.manual_seed(100 + seed)
    model, data = patient.make(depth), batch(patient.shape, seed=seed)
    for state in ("fresh", "trained"):
        if state == "trained":
            accuracy(model, patient.shape, lambda x: x)
        findings = lensmaker.inspect(model, data, F.cross_entropy).findings
        said = [f"{f.aberration} at {f.where}" for f in findings]
        warned = {name: len(opinion.warned) for name, opinion in opinions(model, data)}
        yield Healthy(patient.name, state, depth, seed, said, warned)


def main() -> None:
    """Run all cases, or a part of them, and save the scores."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--record", type=Path)
    parser.add_argument("--part", default="0/1")
    asked = parser.parse_args()
    part, parts = map(int, asked.part.split("/"))
    record = Record(asked.record)
    for case in track(list(cases(asked.seeds))[part::parts], "planting"):
        patient, fault, depth, seed = case
        if record.has(patient.name, fault.name, depth, seed):
            continue
        outcome = run(*case, train=not asked.quick)
        record.add(outcome or Outcome(patient.name, fault.name, depth, seed, applies=False))
    places = [(p, depth, seed) for p in PATIENTS for depth in p.depths for seed in range(HEALTHY_SEEDS)]
    for patient, depth, seed in track(places[part::parts], "healthy networks"):
        if not record.has(patient.name, "trained", depth, seed):
            for found in healthy(patient, depth, seed):
                record.add(found)
    if parts == 1:
        for line in record.missed():
            print(line)
        print(score(record))
        save("planted_faults", score(record))


if __name__ == "__main__":
    main()

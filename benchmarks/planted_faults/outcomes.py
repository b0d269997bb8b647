"""What came of each case, kept as it comes, and the scores."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

WELL = 0.95
"""Accuracy after correction, over that of the healthy network, from which a case counts as recovered."""


@dataclass(frozen=True)
class Outcome:
    """What a diagnosis said of one case.

    Attributes
    ----------
    patient, fault, depth, seed
        The case.
    right, said
        Whether one finding alone names layer and cause, and what was found.
    factors
        Corrections over those that undo the fault.
    recovered
        Accuracy of the corrected network over that of the healthy one, both trained; nan where not trained.
    peers
        Peer → whether it warns of the layer, whether the layer is the extreme of its numbers, how many it warns of.
    applies
        Whether the fault can be planted there at all.
    """

    patient: str
    fault: str
    depth: int = 0
    seed: int = 0
    right: bool = False
    said: str = ""
    factors: list[float] = field(default_factory=list)
    recovered: float = math.nan
    peers: dict[str, list[Any]] = field(default_factory=dict)
    applies: bool = True


@dataclass(frozen=True)
class Healthy:
    """What was found in a network without a fault, and of how many of its layers the peers warn."""

    patient: str
    fault: str
    depth: int
    seed: int
    said: list[str]
    warned: dict[str, int]


class Record:
    """The outcomes so far, in a file if there is one."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        self._rows = [json.loads(line) for line in lines]

    def has(self, *case: object) -> bool:
        """Whether a case (patient, fault, depth, seed) was done."""
        return any((r["patient"], r["fault"], r["depth"], r["seed"]) == case for r in self._rows)

    def add(self, found: Outcome | Healthy) -> None:
        """Keep an outcome."""
        self._rows.append(asdict(found))
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps(self._rows[-1]) + "\n")

    def outcomes(self) -> list[Outcome]:
        """Of the cases with a fault that applies."""
        return [Outcome(**r) for r in self._rows if r.get("applies")]

    def healthy(self) -> list[Healthy]:
        """Of the networks without one."""
        return [Healthy(**r) for r in self._rows if "warned" in r]

    def missed(self) -> Iterator[str]:
        """A line for each case that did not go as it should."""
        for o in self.outcomes():
            case = f"{o.patient}, {o.fault}, depth {o.depth}, seed {o.seed}"
            if not o.right:
                yield f"missed: {case}: {o.said}"
            elif o.recovered < WELL:
                yield f"not well: {case}: {o.recovered:.2f}"
        for h in self.healthy():
            if h.said:
                yield f"false alarm: {h.patient}, {h.fault}, depth {h.depth}, seed {h.seed}: {h.said}"


def score(record: Record) -> dict[str, Any]:
    """The shares that the documentation quotes."""
    outcomes, healthy = record.outcomes(), record.healthy()
    by_fault: dict[str, Counter[bool]] = defaultdict(Counter)
    for o in outcomes:
        by_fault[o.fault][o.right] += 1
    return {
        "cases": len(outcomes),
        "right": _share([o.right for o in outcomes]),
        "factors_within_10_percent": _share(
            [abs(math.log(r)) < math.log(1.1) for o in outcomes for r in o.factors]
        ),
        "trained": sum(not math.isnan(o.recovered) for o in outcomes),
        "recovered": _share([o.recovered >= WELL for o in outcomes if not math.isnan(o.recovered)]),
        "healthy": len(healthy),
        "false_alarms": _share([bool(h.said) for h in healthy]),
        "by_fault": {name: f"{tally[True]} of {tally.total()}" for name, tally in by_fault.items()},
        "peers": {
            name: {
                "warns_of_the_layer": _share([o.peers[name][0] for o in outcomes]),
                "warns_of_it_alone": _share([o.peers[name][0] and o.peers[name][2] == 1 for o in outcomes]),
                "layer_is_its_extreme": _share([o.peers[name][1] for o in outcomes]),
                "warns_on_healthy": _share([h.warned[name] > 0 for h in healthy]),
            }
            for name in (outcomes[0].peers if outcomes else ())
        },
    }


def _share(hits: Sequence[bool]) -> float | None:
    return round(sum(hits) / len(hits), 4) if hits else None

"""A scan over temperatures: samples at each, and the exact curves behind them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lensmaker.core import (
    Comparison,
    Convergence,
    InputError,
    Measurement,
    Prediction,
    Table,
    compare,
    quantity,
)
from lensmaker.core.progress import Progress
from lensmaker.instruments.spins.ensemble import Ensemble
from lensmaker.report.write import write_text
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian
from lensmaker.systems.spins.sampling import Rule, sample
from lensmaker.systems.spins.sampling.provenance import fingerprint
from lensmaker.theories.spins.onsager import Onsager, square_coupling
from lensmaker.theories.spins.solvable import exact_values

SHOWN = ("energy", "specific_heat", "magnetisation", "binder")
"""The quantities of the figure."""

CURVE = 81
"""Points of an exact curve."""


@dataclass(frozen=True)
class Scan:
    """Measurements over temperatures, and what is known exactly.

    Attributes
    ----------
    system
        The Hamiltonian in words.
    measurements, predictions
        At the temperatures of the scan.
    curves
        Name of a quantity → what is drawn behind the points: label, temperatures and values.
    """

    system: str
    measurements: Table[Measurement]
    predictions: Table[Prediction]
    curves: dict[str, list[tuple[str, list[float], list[float]]]]

    def comparisons(self) -> Table[Comparison]:
        """Measured beside exact, where there is an exact value."""
        return compare(self.predictions, self.measurements)[0]

    def rows(self) -> list[dict[str, Any]]:
        """One row for each measurement: temperature, quantity, value, error, exact value, z."""
        pairs = {(c.quantity.name, c.where): c for c in self.comparisons()}
        found = []
        for m in self.measurements:
            pair = pairs.get((m.quantity.name, m.where))
            found.append(
                {
                    "temperature": dict(m.where.coordinates).get("T", math.inf),
                    "quantity": m.quantity.name,
                    "value": m.value,
                    "error": m.error,
                    "exact": pair.prediction.value if pair else None,
                    "z": pair.z_score if pair else None,
                    "samples": m.samples,
                    "convergence": m.convergence.name,
                }
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """As numbers and text alone, for figures and files."""
        return {"system": self.system, "rows": self.rows(), "curves": self.curves, "shown": list(SHOWN)}


def scan(
    hamiltonian: Hamiltonian,
    temperatures: Sequence[float],
    n: int,
    *,
    rule: Rule | None = None,
    seed: int,
    threads: int = 1,
    progress: Progress | None = None,
    state: Path | None = None,
) -> Scan:
    """Draw n samples at each temperature, measure them, and put the exact curves beside.

    Parameters
    ----------
    hamiltonian, temperatures
        What is sampled, and where.
    n, rule, seed, threads, progress
        As for `sample`; each temperature has a seed of its own.
    state
        A file that is kept while the scan goes on: after a kill the same call starts at the temperature where it was.

    Raises
    ------
    InputError
        If there are no temperatures, or the file is that of another scan.
    """
    systems = [Canonical(hamiltonian, float(t)) for t in temperatures]
    if not systems:
        raise InputError("at least one temperature", "none", "pass one")
    signature = "chosen" if rule is None else rule.signature
    marks = [fingerprint(s, n=n, seed=seed + k, rule=signature) for k, s in enumerate(systems)]
    known = {} if state is None else _read(state, marks)
    found: list[Measurement] = []
    for k, system in enumerate(systems):
        if marks[k] not in known:

            def tell(what: str, done: int, of: int, k: int = k, at: Canonical = system) -> None:
                if progress is not None:
                    share = done / of if of else 0.0
                    progress(f"T = {at.temperature:g}: {what}", int(1000 * (k + share)), 1000 * len(systems))

            drawn = sample(system, n, rule=rule, seed=seed + k, threads=threads, progress=tell)
            known[marks[k]] = [_told(m) for m in Ensemble().measure(drawn)]
            if state is not None:
                write_text(state, json.dumps(known))
        found += [_heard(row, system) for row in known[marks[k]]]
    if rule is not None and not rule.is_canonical:
        return Scan(str(hamiltonian), Table(found), Table(), {})
    predictions = [p for s in systems for p in exact_values(s)]
    return Scan(str(hamiltonian), Table(found), Table(predictions), _curves(systems))


def _curves(systems: Sequence[Canonical]) -> dict[str, list[tuple[str, list[float], list[float]]]]:
    """Exact solutions of this size, and the spontaneous magnetisation of the infinite square lattice."""
    low, high = min(s.temperature for s in systems), max(s.temperature for s in systems)
    if not math.isfinite(high):
        return {}
    grid = [low + (high - low) * k / (CURVE - 1) for k in range(CURVE)] if high > low else [low]
    at = [Canonical(systems[0].hamiltonian, t) for t in grid]
    found: dict[str, list[tuple[str, list[float], list[float]]]] = {}
    for system in at:
        for p in exact_values(system):
            _extend(found, p, "exact", system.temperature)
        if not square_coupling(system)[1] and system.sites > 16:
            for p in Onsager().predict(system).select(quantity="magnetisation"):
                _extend(found, p, "infinite lattice", system.temperature)
    return {name: found[name] for name in SHOWN if name in found}


def _extend(found: dict[str, Any], p: Prediction, label: str, temperature: float) -> None:
    curves = found.setdefault(p.quantity.name, [])
    if not curves or curves[-1][0] != label:
        curves.append((label, [], []))
    curves[-1][1].append(temperature)
    curves[-1][2].append(p.value)


def _read(path: Path, marks: Sequence[str]) -> dict[str, Any]:
    if not path.exists():
        return {}
    fix = "remove it to start again, or name another output"
    try:
        known = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError("the state of an interrupted scan", f"{path}, which is damaged", fix) from error
    if not set(known) <= set(marks):
        raise InputError("the state of this scan", f"{path} of another system, seed or option", fix)
    return known


def _told(m: Measurement) -> dict[str, Any]:
    numbers = {"value": m.value, "error": m.error, "samples": m.samples}
    return {"quantity": m.quantity.name, "convergence": m.convergence.name} | numbers


def _heard(row: dict[str, Any], system: Canonical) -> Measurement:
    facts = quantity(row["quantity"]), system.where, row["value"], row["error"]
    return Measurement(*facts, Ensemble.name, row["samples"], Convergence[row["convergence"]])

"""The command `lensmaker spins exact`: what each theory says of a spin system at a temperature."""

from __future__ import annotations

import math
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lensmaker.core import InputError

if TYPE_CHECKING:
    from lensmaker.core import Prediction


def exact(
    temperature: Annotated[float, typer.Option(help="Temperature T in units of energy, k_B = 1.")],
    lattice: Annotated[
        str, typer.Option(help="chain, square, triangular, honeycomb, cubic or complete.")
    ] = "square",
    size: Annotated[str, typer.Option(help="Side of the lattice, or all of them: 20 or 20x40.")] = "8",
    coupling: Annotated[float, typer.Option(help="J of H = −J Σ s s′ − h Σ s.")] = 1.0,
    field: Annotated[float, typer.Option(help="h.")] = 0.0,
    open_edges: Annotated[bool, typer.Option("--open", help="Open edges, not periodic ones.")] = False,
    theory: Annotated[str | None, typer.Option(help="One theory alone; else all that apply.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write JSON.")] = None,
) -> None:
    """Print what the exact and approximate theories predict for an Ising model."""
    from rich.console import Console

    from lensmaker import report as show
    from lensmaker.report.numbers import number
    from lensmaker.systems.spins.canonical import Canonical
    from lensmaker.systems.spins.hamiltonian import ising
    from lensmaker.systems.spins.named_lattices import named_lattice

    if json is not None and not json.parent.is_dir():
        raise InputError(
            "a file that can be written", f"{json}, whose folder is missing", f"make {json.parent} first"
        )
    if not (math.isfinite(coupling) and math.isfinite(field)):
        raise InputError("a finite coupling and field", f"{coupling} and {field}", "pass numbers")
    made = named_lattice(lattice, size, periodic=not open_edges)
    system = Canonical(ising(made, coupling, field), temperature)
    found = _predictions(system, theory)
    console = Console(highlight=False)
    console.print(f"{system.hamiltonian}, at T = {temperature:g}", markup=False)
    rows = [
        {
            "theory": p.theory,
            "quantity": p.quantity.name + _level(p),
            "symbol": p.quantity.symbol,
            "value": number(p.value, 10),
            "error": number(p.error, 1) if p.error else "",
            "regime": p.regime.outside or "inside",
        }
        for p in found
    ]
    console.print(show.table(rows), markup=False)
    if json is not None:
        show.write_text(json, dumps(_record(system, found), indent=2, ensure_ascii=False) + "\n")


def _predictions(system: Any, name: str | None) -> list[Prediction]:
    """Of all theories that have a value, those inside their regime first; or of the one that was asked for."""
    from lensmaker.theories import SPIN_THEORIES

    known = {t.name: t for t in SPIN_THEORIES}
    if name is not None and name not in known:
        raise InputError(f"one of the theories {', '.join(known)}", repr(name), "check the spelling")
    if name is not None:
        if reason := known[name]().why_not(system):
            raise InputError(f"a system that {name} can treat", reason, "leave --theory out to see which can")
        return list(known[name]().predict(system))
    found = [p for t in SPIN_THEORIES for p in t().predict(system) if not math.isnan(p.value)]
    return sorted(found, key=lambda p: not p.regime)


def _level(p: Prediction) -> str:
    """Where it is, beyond its temperature."""
    more = [f"{name} {value:g}" for name, value in p.where.coordinates if name != "T"]
    return f" ({', '.join(more)})" if more else ""


def _record(system: Any, found: list[Prediction]) -> dict[str, Any]:
    h = system.hamiltonian
    return {
        "lattice": str(h.lattice),
        "couplings": dict(h.couplings),
        "temperature": system.temperature,
        "predictions": [
            {
                "theory": p.theory,
                "quantity": p.quantity.name,
                "value": p.value if math.isfinite(p.value) else str(p.value),
                "error": p.error if math.isfinite(p.error) else str(p.error),
                "where": str(p.where),
                "outside": p.regime.outside,
            }
            for p in found
        ],
    }

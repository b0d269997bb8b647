"""The commands about spin systems: sample one, and scan over temperatures."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lensmaker import report as show
from lensmaker.cli.console import check_outputs, print_, progress_bar
from lensmaker.cli.spins_exact import exact
from lensmaker.core import InputError
from lensmaker.report.numbers import number, signed, with_error

if TYPE_CHECKING:
    from lensmaker.systems.spins.hamiltonian import Hamiltonian
    from lensmaker.systems.spins.sampling import Rule

spins_app = typer.Typer(
    help="Sample spin systems and compare them with exact solutions.", no_args_is_help=True
)

Lattice = Annotated[str, typer.Option(help="chain, square, triangular, honeycomb, cubic or complete.")]
Size = Annotated[str, typer.Option(help="Sites, or unit cells, along all sides or each: 20 or 20x40.")]
Coupling = Annotated[float, typer.Option(help="J of H = −JΣss − hΣs.")]
Field = Annotated[float, typer.Option(help="The field h.")]
RuleName = Annotated[str | None, typer.Option("--rule", help="metropolis, heat_bath, …; else the cheapest.")]
Ladder = Annotated[
    str | None, typer.Option(help="Temperatures of parallel tempering, the wanted one among them: 1.5,1.7,2.")
]
Seed = Annotated[int, typer.Option(min=0, max=2**62, help="Seed of all random numbers.")]
Threads = Annotated[int, typer.Option(help="Threads to use; the samples do not depend on it.")]

spins_app.command("exact")(exact)


@spins_app.command()
def sample(
    lattice: Lattice,
    size: Size,
    temperature: Annotated[float, typer.Option(help="T, in units with k_B = 1.")],
    n: Annotated[int, typer.Option("--n", help="How many samples.")],
    out: Annotated[Path, typer.Option(help="Folder to write; an interrupted run there goes on.")],
    coupling: Coupling = 1.0,
    field: Field = 0.0,
    rule: RuleName = None,
    ladder: Ladder = None,
    chains: Annotated[int | None, typer.Option(help="Chains; else as many as suit the rule.")] = None,
    burn_in: Annotated[int | None, typer.Option(help="Sweeps to leave out; else data decide.")] = None,
    thin: Annotated[int | None, typer.Option(help="Sweeps between samples; else data decide.")] = None,
    threads: Threads = 1,
    seed: Seed = 0,
) -> None:
    """Draw samples of an Ising model to a zarr folder, and compare them with what is known exactly."""
    from lensmaker.core import compare
    from lensmaker.instruments.spins.ensemble import Ensemble
    from lensmaker.systems.spins.canonical import Canonical
    from lensmaker.systems.spins.sampling import sample as run
    from lensmaker.theories.spins.solvable import exact_values

    system, made = Canonical(_hamiltonian(lattice, size, coupling, field), temperature), _rule(rule, ladder)
    with progress_bar() as progress:
        samples = run(
            system,
            n,
            rule=made,
            chains=chains,
            seed=seed,
            thin=thin,
            burn_in=burn_in,
            threads=threads,
            progress=progress,
            path=out,
        )
    p = samples.provenance
    print_(f"{samples}.")
    print_(f"τ = {number(p.tau)} sweeps, {number(p.tau_steps)} samples; split R̂ = {number(p.r_hat, 5)}.")
    if n < 4 * p.chains:
        print_("Too few samples of each chain for errors: none are compared.")
        return
    measurements = Ensemble().measure(samples)
    exact = exact_values(system) if made is None or made.is_canonical else ()
    pairs, _, alone = compare(exact, measurements)
    rows = [
        _row(c.measurement, c.prediction.value, c.z_score, c.verdict.value, c.prediction.theory)
        for c in pairs
    ]
    print_(show.table([*rows, *(_row(m, None, None, "", "") for m in alone)]))
    if advice := next((m.convergence.value for m in measurements if m.convergence.value), ""):
        print_(f"Note: {advice}.")


@spins_app.command()
def scan(
    lattice: Lattice,
    size: Size,
    start: Annotated[float, typer.Option("--from", help="The lowest temperature.")],
    stop: Annotated[float, typer.Option("--to", help="The highest temperature.")],
    steps: Annotated[int, typer.Option(help="How many temperatures.")],
    out: Annotated[
        Path, typer.Option(help="An .html figure, or .json or .csv; an interrupted scan goes on.")
    ],
    n: Annotated[int, typer.Option("--n", help="How many samples at each temperature.")] = 2000,
    coupling: Coupling = 1.0,
    field: Field = 0.0,
    rule: RuleName = None,
    threads: Threads = 1,
    seed: Seed = 0,
) -> None:
    """Sample an Ising model over temperatures, and draw it with the exact curves behind the points."""
    from lensmaker.temperature_scan import scan as run

    if out.suffix not in (".html", ".json", ".csv"):
        raise InputError("an output .html, .json or .csv", f"{out}", "name it so")
    check_outputs(out)
    if steps < 1 or not 0 < start <= stop:
        got = f"{steps} from {start:g} to {stop:g}"
        raise InputError(
            "one or more temperatures above 0, rising", got, "pass --from 1.5 --to 3.5 --steps 21"
        )
    hamiltonian, made = _hamiltonian(lattice, size, coupling, field), _rule(rule)
    temperatures = [start + (stop - start) * k / max(1, steps - 1) for k in range(steps)]
    state = out.with_name(f"{out.name}.state")
    with progress_bar() as progress:
        found = run(
            hamiltonian,
            temperatures,
            n,
            rule=made,
            seed=seed,
            threads=threads,
            progress=progress,
            state=state,
        )
    data = found.to_dict()
    print_(f"{found.system}; {n} samples at each of {steps} temperatures.")
    print_(show.scan_plot(data))
    if pairs := found.comparisons():
        far = max(pairs, key=lambda c: abs(c.z_score))
        print_(
            f"{len(pairs)} exact values beside: the farthest measurement is {far.quantity} at {far.where}, "
            f"z = {signed(far.z_score)}."
        )
    if bad := {m.convergence.value for m in found.measurements if m.convergence.value}:
        print_(f"Note: {'; '.join(sorted(bad))}.")
    show.write_text(out, _written(out.suffix, data))
    state.unlink(missing_ok=True)


# -- parts of the commands --------------------------------------------------------------------------


def _hamiltonian(lattice: str, size: str, coupling: float, field: float) -> Hamiltonian:
    from lensmaker.systems.spins.hamiltonian import ising
    from lensmaker.systems.spins.named_lattices import named_lattice

    return ising(named_lattice(lattice, size), J=coupling, h=field)


def _rule(name: str | None, ladder: str | None = None) -> Rule | None:
    from lensmaker.systems.spins.sampling import ParallelTempering
    from lensmaker.systems.spins.sampling.choice import rule_named

    if ladder is None:
        return None if name is None else rule_named(name)
    if name not in (None, ParallelTempering.name):
        raise InputError(
            f"no ladder for {name}", "--ladder", f"leave it out, or pass --rule {ParallelTempering.name}"
        )
    try:
        temperatures = [float(part) for part in ladder.split(",")]
    except ValueError as error:
        raise InputError("temperatures between commas", repr(ladder), "pass --ladder 1.5,1.7,2.0") from error
    return ParallelTempering(temperatures)


def _row(m: Any, exact: float | None, z: float | None, verdict: str, theory: str) -> dict[str, str]:
    return {
        "quantity": str(m.quantity),
        "measured": with_error(m.value, m.error),
        "exact": "" if exact is None else number(exact, 6),
        "z": "" if z is None else signed(z),
        "verdict": verdict,
        "theory": theory,
    }


def _written(suffix: str, data: dict[str, Any]) -> str:
    if suffix == ".html":
        from lensmaker.report.scan_figure import scan_html

        return scan_html(data)
    if suffix == ".json":
        from lensmaker.core import jsonable

        return dumps(jsonable(data), indent=2, ensure_ascii=False) + "\n"
    import pandas as pd

    return str(pd.DataFrame(data["rows"]).to_csv(index=False))

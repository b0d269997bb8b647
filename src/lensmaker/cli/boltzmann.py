"""The commands about Boltzmann machines: train one; what it draws and how good it is are in a file of their own."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import replace
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lensmaker import report as show
from lensmaker.cli.boltzmann_data import opened
from lensmaker.cli.boltzmann_kinds import (
    Device,
    Hidden,
    Operands,
    Phase,
    Reading,
    Visible,
    first_rows,
    image_shape,
    made,
    placed,
    rounded,
    summable,
)
from lensmaker.cli.boltzmann_kinds import phase as estimator
from lensmaker.cli.boltzmann_tables import parted
from lensmaker.cli.boltzmann_use import loglikelihood, picture_kind, sample
from lensmaker.cli.console import check_outputs, print_, progress_bar, termination_as_interrupt
from lensmaker.core import InputError
from lensmaker.report.numbers import number

if TYPE_CHECKING:
    from torch import Tensor

    from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine
    from lensmaker.systems.boltzmann.training import History

boltzmann_app = typer.Typer(
    help="Train Boltzmann machines, sample them, and say what their likelihood is.", no_args_is_help=True
)
boltzmann_app.command("sample")(sample)
boltzmann_app.command("loglikelihood")(loglikelihood)


@boltzmann_app.command()
def fit(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Rows: .npy, .npz, .csv, .zarr, .pt, ….")],
    hidden: Annotated[
        int, typer.Option(max=2**31, help="Hidden units, or filters of a convolutional machine.")
    ],
    out: Annotated[Path, typer.Option(help="A .safetensors file; an interrupted training there goes on.")],
    key: Annotated[str | None, typer.Option(help="Name of the array, in files of several.")] = None,
    visible_units: Annotated[Visible | None, typer.Option(help="What the data are; else they say.")] = None,
    hidden_units: Annotated[
        Hidden | None, typer.Option(help="By default spin for data of ±1, else binary.")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Binarise: what is above becomes 1.")] = None,
    states: Annotated[int | None, typer.Option(min=2, help="States of Potts units: 0 to states − 1.")] = None,
    variance: Annotated[
        float | None, typer.Option(help="Variance of Gaussian visible units; else 1.")
    ] = None,
    biases: Annotated[bool, typer.Option(help="Without, spins have the symmetry of all signs.")] = True,
    convolutional: Annotated[
        str | None, typer.Option(metavar="KERNEL", help="Sides of a kernel on the torus: 5x5.")
    ] = None,
    shape: Annotated[str | None, typer.Option(help="Sides of a picture: 28x28; else a square.")] = None,
    held_out: Annotated[
        str | None, typer.Option(metavar="SHARE|FILE", help="Rows that are only looked at: 0.1, or a file.")
    ] = None,
    epochs: Annotated[int, typer.Option(max=2**31, help="Passes over the data.")] = 20,
    batch: Annotated[int, typer.Option(max=2**31, help="Rows of an update.")] = 128,
    learning_rate: Annotated[float, typer.Option(help="At the start.")] = 0.01,
    final_rate: Annotated[
        float | None, typer.Option(help="At the end, reached by a constant factor.")
    ] = None,
    momentum: Annotated[float, typer.Option(help="What is left of the last change.")] = 0.0,
    l1: Annotated[float, typer.Option(help="Strength of the penalty Σ|W|.")] = 0.0,
    l2: Annotated[float, typer.Option(help="Strength of the penalty ½ Σ W².")] = 0.0,
    centering: Annotated[bool, typer.Option(help="Take products about running means.")] = False,
    phase: Annotated[Phase, typer.Option(help="How the model's half of the gradient is found.")] = Phase.PCD,
    steps: Annotated[
        int | None, typer.Option(max=2**31, help="Sweeps of an update; 1 where nothing is said.")
    ] = None,
    chains: Annotated[
        int | None, typer.Option(max=2**31, help="Persistent chains; else as many as suit.")
    ] = None,
    levels: Annotated[int | None, typer.Option(max=2**31, help="Temperatures of tempered chains.")] = None,
    patience: Annotated[int, typer.Option(help="Epochs without a better one, then stop; 0: never.")] = 0,
    likelihood_every: Annotated[
        int, typer.Option("--likelihood", help="Epochs between looks at the log-likelihood; 0: never.")
    ] = 0,
    mixing_every: Annotated[
        int, typer.Option("--mixing", help="Epochs between looks at the mixing time; 0: never.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, max=2**62, help="Seed of all random numbers.")] = 0,
    device: Annotated[Device, typer.Option(help="Where it learns.")] = Device.CPU,
    operands: Annotated[
        Operands | None, typer.Option(help="Round the factors of products to these; W learns unrounded.")
    ] = None,
    monitor: Annotated[Path | None, typer.Option(help="Write the readings: .html, .json or .csv.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw the filters: .html, .svg or .png.")] = None,
) -> None:
    """Train a restricted Boltzmann machine on rows of a file, and keep it so that it can go on."""
    from lensmaker.systems.boltzmann.training import Looks, Rule, Schedule, Training, rows_of, torchrun
    from lensmaker.systems.boltzmann.training import fit as run
    from lensmaker.systems.boltzmann.training.run import looked_at

    share = _share(held_out)
    unseen_file = Path(held_out) if held_out is not None and share is None else None
    check_outputs(out, monitor, figure, inputs=(data, unseen_file))
    _suffixes(out, monitor)
    picture_kind(figure)
    place = placed(device)
    training = Training(
        epochs=epochs,
        batch=batch,
        learning_rate=Schedule(learning_rate, final_rate),
        phase=estimator(phase, steps=steps, chains=chains, levels=levels),
        rule=Rule(momentum=momentum, l1=l1, l2=l2, centering=centering),
        seed=seed,
        patience=patience,
        looks=Looks(likelihood_every, mixing_every),
    )
    reading = Reading(visible_units, threshold, states, variance)
    table = reading.table(opened(data, key))
    visible = reading.units(table)
    first_rows(rows_of(table), visible)
    machine = made(visible, hidden_units, hidden, convolutional, shape, biases)
    if phase is Phase.EXACT:
        summable(machine)
    training = replace(training, operands=rounded(machine, operands))
    sides = _picture(machine, shape) if figure is not None or shape is not None else ()
    learned, unseen = table, None
    if share is not None:
        learned, unseen = parted(table, share, seed)
    elif unseen_file is not None:
        unseen = reading.table(opened(unseen_file, key))
    rows = rows_of(learned)
    seen, _ = looked_at(machine, rows, unseen)
    machine.initialise(seed=seed, data=first_rows(rows, visible))
    machine.to(place)
    others = "" if unseen is None else f", {unseen.shape[0]} held out"
    chosen = " (decided from the data)" if visible_units is None and threshold is None else ""
    kept = _updates(out)
    with torchrun() as shares:  # of several processes the first one prints and writes
        leads = shares.rank == 0
        if leads:
            print_(f"{len(rows)} rows of {rows.size} numbers{others}; visible units: {visible}{chosen}.")
            print_(f"{machine}; {type(training.phase).__name__}. {training.phase.bias}")
        try:
            with termination_as_interrupt(), progress_bar() if leads else nullcontext() as progress:
                history = run(machine, learned, training, held_out=unseen, path=out, progress=progress)
        except KeyboardInterrupt:
            if leads:
                _say_where_it_is(out, monitor, machine)
            raise typer.Exit(130) from None
    if not leads:
        raise typer.Exit(2 if history.diverged else 0)
    if monitor is not None:
        _write_monitor(monitor, str(machine), history.reason, history.rows())
    if figure is not None:
        _draw(figure, machine, sides)
    if history.diverged:
        got = f"one that {history.reason.partition(':')[0]}, at --learning-rate {learning_rate:g}"
        fix = f"lower it; {out} holds the last good machine, of update {history.updates}"
        raise InputError("a training that stays finite", got, fix)
    print_(show.table(_summary(history.rows())))
    if note := _note(history, seen.double(), machine):
        print_(f"Note: {note}.")
    reason = f"{history.reason[:1].upper()}{history.reason[1:]}"
    again = f", taken up after {kept}" if kept else ""
    print_(f"{reason}, after {history.updates} updates{again}; {out} holds the machine.")


# -- parts of the command ---------------------------------------------------------------------------


def _share(held_out: str | None) -> float | None:
    """A share of the rows, where it is a number."""
    try:
        return None if held_out is None else float(held_out)
    except ValueError:
        return None


def _suffixes(out: Path, monitor: Path | None) -> None:
    if out.suffix != ".safetensors":
        raise InputError("a file .safetensors for the machine", f"{out}", "name it so")
    if monitor is not None and monitor.suffix not in (".html", ".json", ".csv"):
        raise InputError("readings .html, .json or .csv", f"{monitor}", "name them so")


def _picture(machine: RestrictedBoltzmannMachine, shape: str | None) -> tuple[int, ...]:
    """The sides of a picture of a filter."""
    from lensmaker.systems.boltzmann import Convolutional, Potts

    if isinstance(machine.weights, Convolutional):
        return machine.weights.kernel
    if isinstance(machine.visible, Potts) and shape is None:
        return machine.visible.count, machine.visible.q
    return image_shape(shape, machine.visible.size)


def _draw(path: Path, machine: RestrictedBoltzmannMachine, sides: tuple[int, ...]) -> None:
    from lensmaker.report.boltzmann_filters import filters
    from lensmaker.report.figure_page import mosaic_file
    from lensmaker.systems.boltzmann import Convolutional

    W = machine.weights.parameter.detach().cpu()
    kernels = isinstance(machine.weights, Convolutional)
    weights = (W.flatten(1) if kernels else W.t()).numpy()
    told = {"machine": str(machine), "weights": weights, "shape": sides}
    drawn = filters(told | {"of": "kernels" if kernels else "hidden units"})
    show.write_bytes(path, mosaic_file(drawn, path.suffix))


def _write_monitor(path: Path, machine: str, reason: str, rows: list[dict[str, float]]) -> None:
    data = {"machine": machine, "reason": reason, "rows": rows}
    if path.suffix == ".html":
        from lensmaker.report.boltzmann_monitor import monitor_html

        show.write_text(path, monitor_html(data))
    elif path.suffix == ".json":
        from lensmaker.core import jsonable

        show.write_text(path, dumps(jsonable(data), indent=2, ensure_ascii=False) + "\n")
    else:
        import pandas as pd

        show.write_text(path, str(pd.DataFrame(rows).to_csv(index=False)))


def _updates(out: Path) -> int:
    """Those that a file holds already."""
    from lensmaker.systems.boltzmann.training import checkpoint

    return int(checkpoint.read(out)[1].get("updates", 0)) if out.exists() else 0


def _say_where_it_is(out: Path, monitor: Path | None, machine: RestrictedBoltzmannMachine) -> None:
    """After an interrupt: what was kept, and how to go on."""
    from lensmaker.systems.boltzmann.training import checkpoint

    if not out.exists():
        typer.echo("lensmaker: interrupted before anything was learned; nothing was written.", err=True)
        return
    _, facts = checkpoint.read(out)
    if monitor is not None:
        _write_monitor(monitor, str(machine), "interrupted", facts["readings"])
    kept = f"{out} is kept as of update {facts['updates']}, in epoch {facts['epoch'] + 1}"
    typer.echo(f"lensmaker: interrupted; {kept}: give the same command again to go on.", err=True)


ERRORS = {
    "log_likelihood": "log_likelihood_error",
    "held_out_log_likelihood": "log_likelihood_error",
    "mixing_time": "mixing_error",
}
"""Readings → their errors; an infinite one says that the reading cannot be trusted."""

ENDS = {"log_likelihood_low": "log_likelihood", "log_likelihood_high": "log_likelihood"}
"""Ends of intervals → the reading that they are of."""


def _summary(rows: list[dict[str, float]]) -> list[dict[str, str]]:
    """Each reading, the first time and the last time that it was taken, with its error then."""
    found = []
    for name in rows[-1]:
        taken = [row for row in rows if math.isfinite(row[ENDS.get(name, name)])]
        if taken and name not in ("epoch", "updates", *ERRORS.values()):
            ends = {"first": _with_error(name, taken[0]), "last": _with_error(name, taken[-1])}
            found.append({"reading": name.replace("_", " ")} | ends)
    return found


def _with_error(name: str, row: dict[str, float]) -> str:
    value, error = number(row[name], 4), row.get(ERRORS.get(name, ""), math.nan)
    if math.isnan(error):
        return value
    return f"{value}, not converged" if math.isinf(error) else f"{value} ± {number(error, 2)}"


def _note(history: History, seen: Tensor, machine: RestrictedBoltzmannMachine) -> str:
    """A machine that is no better than its units alone has learned nothing, or something wrong."""
    import torch

    if len(machine.visible.states) != 2:
        return ""
    low, high = machine.visible.states
    p = (seen.mean(0) - low) / (high - low)
    alone = float((torch.xlogy(p, p) + torch.xlogy(1 - p, 1 - p)).sum())
    reached = float(history.readings[-1].pseudo_likelihood)
    if reached > alone:
        return ""
    return (
        f"a pseudo-likelihood of {number(reached, 4)} is no better than that of units without weights, "
        f"{number(alone, 4)}: lower the learning rate, or train longer"
    )

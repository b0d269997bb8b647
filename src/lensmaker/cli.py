"""The command line: arguments → one library call → a report."""

from __future__ import annotations

import sys
from enum import Enum
from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer

from lensmaker import report as show
from lensmaker.cli_spins import spins_app
from lensmaker.console import check_outputs, print_, status
from lensmaker.core import InputError, LensmakerError
from lensmaker.report.numbers import number

app = typer.Typer(
    help="An optical bench for neural networks: predict, measure, compare, diagnose and correct.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(spins_app, name="spins")


class Loss(Enum):
    """The losses the command line knows."""

    CROSS_ENTROPY = "cross_entropy"
    MSE = "mse_loss"
    L1 = "l1_loss"
    BCE_WITH_LOGITS = "binary_cross_entropy_with_logits"
    NLL = "nll_loss"
    MODEL = "model"


class FailOn(Enum):
    """What makes the exit code 1."""

    NEVER = "never"
    FINDINGS = "findings"


Target = Annotated[str, typer.Argument(metavar="PACKAGE.MODULE:FACTORY", help="What makes the model.")]
Data = Annotated[Path, typer.Option(help="Batch as .npz: x, or x and y, or the model's named arguments.")]
Weights = Annotated[Path | None, typer.Option(help="Weights: safetensors, or a saved state dict.")]
Html = Annotated[Path | None, typer.Option(help="Write one self-contained HTML file.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write JSON.")]
Axis = Annotated[int, typer.Option(min=0, max=1, help="The batch axis of the inputs.")]
Seed = Annotated[int, typer.Option(min=0, max=2**62, help="Seed of all random numbers.")]


@app.command()
def inspect(
    target: Target,
    data: Data,
    weights: Weights = None,
    loss: Annotated[Loss, typer.Option(help="Loss of (output, y); 'model': the model's own.")] = Loss.MODEL,
    html: Html = None,
    json: Json = None,
    fail_on: Annotated[FailOn, typer.Option(help="Exit with 1 if there are any.")] = FailOn.NEVER,
    trained: Annotated[
        bool | None, typer.Option("--trained/--fresh", help="What the weights are; else inferred.")
    ] = None,
    correct: Annotated[bool, typer.Option(help="Measure again with the corrections applied.")] = False,
    full: Annotated[bool, typer.Option(help="Show every element.")] = False,
    batch_axis: Axis = 0,
    seed: Seed = 0,
) -> None:
    """Predict, measure, compare and diagnose a network, layer by layer."""
    from lensmaker.inspection import inspect as run

    check_outputs(html, json, inputs=(data, weights))
    model, batch = _load(target, data, weights)
    loss_fn = _loss(loss, batch)
    with status() as progress:
        report = run(
            model,
            batch,
            loss_fn,
            trained=trained,
            batch_axis=batch_axis,
            seed=seed,
            progress=progress,
        )
        if correct:
            progress("measuring the corrected network")
            report.correct()
    print_(show.render(report.record, full=full))
    if html is not None:
        report.to_html(html)
    if json is not None:
        report.to_json(json)
    if fail_on is FailOn.FINDINGS and report.findings:
        raise typer.Exit(1)


@app.command()
def prescription(target: Target, data: Data, weights: Weights = None, batch_axis: Axis = 0) -> None:
    """Print the elements of a network: operation, shapes, fan-in, σ_w, σ_b, activation, reach."""
    from lensmaker.systems.networks.prescription import prescription as run

    model, batch = _load(target, data, weights)
    print_(show.prescription_table(run(model, batch, batch_axis=batch_axis)))


@app.command()
def criticality(
    activation: Annotated[str, typer.Argument(metavar="ACTIVATION", help="relu, tanh, gelu, …")],
    sigma_b: Annotated[float, typer.Option(help="Scale of the biases.")] = 0.0,
    sigma_w: Annotated[float | None, typer.Option(help="Scale of the weights; else critical.")] = None,
    html: Html = None,
    json: Json = None,
) -> None:
    """Print and plot where an activation is critical: σ_w(σ_b), fixed points, depth scales, class."""
    from lensmaker.theories.criticality_record import criticality_report

    check_outputs(html, json)
    record = criticality_report(activation, sigma_b, sigma_w)
    layer = f"{record.activation} at σ_w = {record.sigma_w:.5g}, σ_b = {record.sigma_b:.5g}"
    print_(f"{layer}: {record.phase} ({record.phase_meaning}).")
    print_(f"Universality class: {record.universality}. {record.explanation}")
    print_(show.table([_at_five_digits(row) for row in record.rows()]))
    print_(show.criticality_plot(record.to_dict()))
    for note in record.notes:
        print_(f"Note: {note}")
    if html is not None:
        from lensmaker.report.criticality_figure import criticality_html

        show.write_text(html, criticality_html(record.to_dict()))
    if json is not None:
        show.write_text(json, dumps(record.to_dict(), indent=2, ensure_ascii=False) + "\n")


@app.command()
def theories() -> None:
    """List the theories, what they predict and what they assume."""
    from lensmaker.theories import THEORIES

    print_(show.table([_facts(t, "assumptions") for t in THEORIES]))


@app.command()
def instruments() -> None:
    """List the instruments and what they measure."""
    from lensmaker.instruments import INSTRUMENTS

    print_(show.table([_facts(i) for i in INSTRUMENTS]))


@app.command()
def aberrations() -> None:
    """List the aberrations and the quantity that reveals each."""
    from lensmaker.design.diagnose import ABERRATIONS

    print_(show.table([{"name": a.name, "quantity": a.quantity, "summary": a.summary} for a in ABERRATIONS]))


@app.command()
def quantities() -> None:
    """Print the glossary of standard quantities."""
    print_(show.quantities_table())


@app.command()
def cite(
    report: Annotated[Path | None, typer.Argument(help="A report in JSON; else every source.")] = None,
    bibtex: Annotated[bool, typer.Option(help="Print BibTeX.")] = False,
) -> None:
    """Print the sources that a report rests on."""
    if report is None:
        from lensmaker.inspection import references

        entries = references()
    else:
        entries = show.from_json(_read(report)).references
    if bibtex:
        typer.echo("\n\n".join(r.to_bibtex() for r in entries))
    else:
        print_(show.references(entries))


def main() -> None:
    """Run the command line; what goes wrong is one sentence and exit code 2."""
    try:
        app(standalone_mode=True)
    except LensmakerError as error:
        typer.echo(f"lensmaker: {error}", err=True)
        sys.exit(2)


# -- parts of the commands --------------------------------------------------------------------------


def _load(target: str, data: Path, weights: Path | None) -> tuple[Any, Any]:
    from lensmaker.systems.networks.loading import batch_from, load_weights, model_from

    batch = batch_from(data)
    model = model_from(target)
    if weights is not None:
        load_weights(model, weights)
    return model, batch


def _loss(loss: Loss, batch: Any) -> Any:
    if loss is Loss.MODEL:
        return None
    if not isinstance(batch, tuple):
        raise InputError(f"a batch of x and y for the loss {loss.value}", "one without y", "add y to it")
    import torch.nn.functional as functional

    return getattr(functional, loss.value)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            "a report in JSON", f"{path}, which cannot be read", "make one with --json"
        ) from error


def _facts(member: Any, *more: str) -> dict[str, str]:
    row = {"name": member.name, "summary": member.summary, "quantities": ", ".join(member.quantities)}
    return row | {name: "; ".join(getattr(member, name)) for name in more}


def _at_five_digits(row: dict[str, Any]) -> dict[str, str]:
    numbers = {"value": number(row["value"], 5), "error": number(row["error"], 1)}
    return {
        name: numbers.get(name, row[name]) for name in ("symbol", "quantity", "value", "error", "definition")
    }

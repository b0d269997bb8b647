"""The commands about networks: inspect one, print its prescription, and where an activation is critical."""

from __future__ import annotations

from enum import Enum
from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer

from lensmaker import report as show
from lensmaker.cli.console import check_outputs, print_, status
from lensmaker.core import InputError
from lensmaker.report.numbers import number


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


def prescription(target: Target, data: Data, weights: Weights = None, batch_axis: Axis = 0) -> None:
    """Print the elements of a network: operation, shapes, fan-in, σ_w, σ_b, activation, reach."""
    from lensmaker.systems.networks.prescription import prescription as run

    model, batch = _load(target, data, weights)
    print_(show.prescription_table(run(model, batch, batch_axis=batch_axis)))


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


def _at_five_digits(row: dict[str, Any]) -> dict[str, str]:
    numbers = {"value": number(row["value"], 5), "error": number(row["error"], 1)}
    return {
        name: numbers.get(name, row[name]) for name in ("symbol", "quantity", "value", "error", "definition")
    }

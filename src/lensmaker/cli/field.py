"""The command that reads a convolutional network as a differential equation on its own geometry."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer

from lensmaker import report as show
from lensmaker.cli.console import check_outputs, print_, status
from lensmaker.cli.networks import Axis, Html, Json, Seed, Target, Weights
from lensmaker.core import InputError, ModelError
from lensmaker.report.geometry_page import geometry_figures, geometry_page
from lensmaker.report.geometry_table import field_rows, validity_rows
from lensmaker.report.geometry_words import summary_of_geometry

CAPTION = (
    "Axes: rows, then columns. N gain; drift A and metric g of the normalised kernel, in pixels of the input: "
    "a bump moves by −A; V = N − 1/f′ potential; |F| curvature. λ: wavelength above which the operator of second "
    "order is within 10 % of the symbol; share of the input's energy there; ε₂: that operator's error on the input; "
    "σ: width in pixels of what a layer's centre listens to, in parentheses outside the regime of its prediction."
)

PIXELS = 224
"""Height and width of the photographs."""


def field(
    target: Target,
    input_: Annotated[
        Path | None,
        typer.Option("--input", help="Batch as .npz; else photographs, for images of 3 channels."),
    ] = None,
    weights: Weights = None,
    samples: Annotated[int, typer.Option(min=1, help="Of the batch that are looked at.")] = 2,
    layers: Annotated[
        int | None, typer.Option(min=1, help="Most layers whose point spread is measured; else all.")
    ] = None,
    html: Html = None,
    json: Json = None,
    figures: Annotated[
        Path | None, typer.Option(help="Folder for the drawings as SVG, made if it is missing.")
    ] = None,
    batch_axis: Axis = 0,
    seed: Seed = 0,
) -> None:
    """Print each convolution as a differential operator: drift, metric, potential, validity, point spread."""
    from lensmaker.phenomena.geometry import geometry
    from lensmaker.systems.networks import Network

    check_outputs(html, json, inputs=(input_, weights))
    if figures is not None and figures.exists() and not figures.is_dir():
        raise InputError("a folder for the drawings", f"{figures}, which is a file", "name another one")
    model = _model(target, weights)
    batch = _photographs() if input_ is None else _batch(input_)
    with status() as progress:
        progress("reading convolutions")
        network = Network(model, batch, batch_axis=batch_axis, seed=seed)
        try:
            with network.held_still():
                found = geometry(network, samples=samples, layers=layers)
        except ModelError as error:
            if input_ is not None:
                raise
            raise InputError(
                f"a network that reads photographs of 3 × {PIXELS} × {PIXELS}",
                f"{type(model).__name__}, which does not",
                "pass what it reads with --input batch.npz",
            ) from error
    print_(f"{type(model).__name__}, {network.batch}")
    print_(summary_of_geometry(found))
    print_(show.table(field_rows(found)))
    print_(show.table(validity_rows(found)))
    print_(CAPTION)
    for words in dict.fromkeys(f"{layer.kind}: {layer.meaning}" for layer in found):
        print_(words)
    title = f"The geometry of {type(model).__name__}"
    if html is not None:
        show.write_text(html, geometry_page(title, found))
    if json is not None:
        data = {
            "model": type(model).__name__,
            "batch": str(network.batch),
            "layers": show.geometry_json(found),
        }
        show.write_text(json, dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    if figures is not None:
        _draw(figures, geometry_figures(found))


def _draw(folder: Path, drawings: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError("a folder for the drawings", f"{folder}: {reason}", "name another one") from error
    for name, text in drawings.items():
        show.write_text(folder / name, text)


def _model(target: str, weights: Path | None) -> Any:
    from lensmaker.systems.networks.loading import load_weights, model_from

    model = model_from(target)
    if weights is not None:
        load_weights(model, weights)
    return model


def _batch(path: Path) -> Any:
    from lensmaker.systems.networks.loading import batch_from

    return batch_from(path)


def _photographs() -> Any:
    from lensmaker.data import photos

    return photos(PIXELS).normalised().x

"""The command that plans networks for a polynomial: sizes and reachable accuracy against depth."""

from __future__ import annotations

from enum import Enum
from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer

from lensmaker import report as show
from lensmaker.cli.console import check_outputs, print_
from lensmaker.core import InputError
from lensmaker.report.numbers import number


class Arithmetic(Enum):
    """The formats that are planned for."""

    FLOAT64 = "float64"
    FLOAT32 = "float32"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"


def plan(
    polynomial: Annotated[
        str, typer.Argument(metavar="POLYNOMIAL", help='Such as "x1*x2*...*x20" or "x*y**2 - 3*z".')
    ],
    activation: Annotated[
        str, typer.Option(help="tanh, sigmoid, softplus, silu, gelu, erf, exp or sin.")
    ] = "softplus",
    accuracy: Annotated[
        float | None, typer.Option(help="Largest error that will do, for inputs in [−1, 1].")
    ] = None,
    dtype: Annotated[Arithmetic, typer.Option(help="Arithmetic of the network.")] = Arithmetic.FLOAT64,
    layers: Annotated[int | None, typer.Option(help="Most hidden layers; else those of a tree.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Write a figure: .html or .svg.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write JSON.")] = None,
) -> None:
    """Print and plot how many hidden units a polynomial takes, and what accuracy they reach, by depth."""
    import torch

    from lensmaker.numerics.smooth_functions import smooth_function
    from lensmaker.systems.polynomials import Polynomial
    from lensmaker.theories.polynomial_networks.network_plan import network_plan, verdict

    check_outputs(figure, json)
    if figure is not None and figure.suffix not in (".html", ".svg"):
        raise InputError("a figure that ends in .html or .svg", f"{figure}", "name it plan.html")
    made = network_plan(
        Polynomial.parse(polynomial),
        smooth_function(activation),
        accuracy=accuracy,
        dtype=getattr(torch, dtype.value),
        deepest=layers,
    )
    data = made.to_dict()
    print_(f"{data['polynomial']}: {data['activation']} in {data['dtype']}, inputs in [−1, 1]")
    print_(show.table([_told(row) for row in data["constructions"]]))
    print_(show.plan_plot(data))
    for source in dict.fromkeys(f"{row['network']}: {row['source']}" for row in data["constructions"]):
        print_(source)
    print_(verdict(data))
    if figure is not None:
        from lensmaker.report.plan_figure import plan_file

        show.write_bytes(figure, plan_file(data, figure.suffix))
    if json is not None:
        show.write_text(json, dumps(data, indent=2, ensure_ascii=False) + "\n")


def _told(row: dict[str, Any]) -> dict[str, str]:
    from lensmaker.theories.polynomial_networks.network_plan import told

    units = row["units"]
    return {
        "network": row["network"],
        "layers": str(row["layers"]),
        "units": units if isinstance(units, str) else told(units),
        "of each layer": " ".join(str(w) for w in row["widths"]),
        "error": "" if row["error"] is None else number(row["error"], 2),
        "enough": "yes" if row["enough"] else "no" if row["error"] is not None else "",
        "where it does not hold": row["outside"],
    }

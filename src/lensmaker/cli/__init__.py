"""The command line: arguments → one library call → a report."""

from __future__ import annotations

import sys

import typer

from lensmaker.cli.boltzmann import boltzmann_app
from lensmaker.cli.catalogue import aberrations, cite, instruments, quantities, theories
from lensmaker.cli.field import field
from lensmaker.cli.networks import criticality, inspect, prescription
from lensmaker.cli.phenomena import phenomena, run
from lensmaker.cli.plan import plan
from lensmaker.cli.spins import spins_app
from lensmaker.core import LensmakerError

app = typer.Typer(
    help="An optical bench for neural networks: predict, measure, compare, diagnose and correct.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    inspect,
    prescription,
    criticality,
    field,
    plan,
    theories,
    instruments,
    aberrations,
    quantities,
    cite,
    phenomena,
    run,
):
    app.command()(command)
app.add_typer(spins_app, name="spins")
app.add_typer(boltzmann_app, name="boltzmann")

NO_MEMORY = ("can't allocate memory", "Storage size calculation overflowed", "out of memory")
"""What torch says, in errors of no kind of their own."""


def main() -> None:
    """Run the command line; what goes wrong is one sentence and exit code 2."""
    try:
        app(standalone_mode=True)
    except LensmakerError as error:
        typer.echo(f"lensmaker: {error}", err=True)
        sys.exit(2)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(words in str(error) for words in NO_MEMORY):
            raise
        typer.echo(
            "lensmaker: Expected work that fits into memory, but got more: pass smaller sizes.", err=True
        )
        sys.exit(2)

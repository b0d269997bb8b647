"""The commands that list what there is: theories, instruments, aberrations, quantities, sources."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lensmaker import report as show
from lensmaker.cli.console import print_
from lensmaker.core import InputError


def theories() -> None:
    """List the theories, what they predict and what they assume."""
    from lensmaker.theories import THEORIES

    print_(show.table([_facts(t, "assumptions") for t in THEORIES]))


def instruments() -> None:
    """List the instruments and what they measure."""
    from lensmaker.instruments import INSTRUMENTS

    print_(show.table([_facts(i) for i in INSTRUMENTS]))


def aberrations() -> None:
    """List the aberrations and the quantity that reveals each."""
    from lensmaker.design.diagnose import ABERRATIONS

    print_(show.table([{"name": a.name, "quantity": a.quantity, "summary": a.summary} for a in ABERRATIONS]))


def quantities() -> None:
    """Print the glossary of standard quantities."""
    print_(show.quantities_table())


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


# -- parts of the commands --------------------------------------------------------------------------


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

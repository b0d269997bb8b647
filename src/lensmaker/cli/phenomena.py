"""The commands about phenomena: list them, and run one to its findings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lensmaker import report as show
from lensmaker.cli.console import check_outputs, print_, progress_bar, termination_as_interrupt
from lensmaker.core import InputError


def phenomena() -> None:
    """List the phenomena that can be run."""
    from lensmaker.phenomena import PHENOMENA

    print_(show.table([{"name": p.name, "summary": p.summary} for p in PHENOMENA]))


def run(
    name: Annotated[str, typer.Argument(help="Of the phenomenon, as `lensmaker phenomena` lists it.")],
    folder: Annotated[
        Path | None,
        typer.Option(help="Where samples and machines are kept; an interrupted run there goes on."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A small one, in some two minutes.")] = False,
    figures: Annotated[
        Path | None, typer.Option(help="A folder to draw into, made if it is missing.")
    ] = None,
) -> None:
    """Reproduce a phenomenon: make what is missing, print each claim with its number and its controls."""
    from lensmaker.phenomena import PHENOMENA
    from lensmaker.report.claims import claims_table, figures_of

    known = {p.name: p for p in PHENOMENA}
    if name not in known:
        raise InputError(f"one of the phenomena {', '.join(known)}", repr(name), "check the spelling")
    made = known[name].quick() if quick else known[name]()
    kept = Path(f"{name}{'-quick' if quick else ''}") if folder is None else folder
    for place in (kept,) if figures is None else (kept, figures):
        _made(place)
    try:
        with termination_as_interrupt(), progress_bar() as progress:
            outcome = made.run(kept, progress)
    except KeyboardInterrupt:
        again = f"what was made is kept in {kept}; give the same command again to go on"
        typer.echo(f"lensmaker: interrupted; {again}.", err=True)
        raise typer.Exit(130) from None
    print_(claims_table([finding.to_dict() for finding in outcome.findings]))
    print_(f"All numbers are in {kept / 'findings.json'}.")
    for drawn, content in figures_of(outcome.pictures).items() if figures is not None else ():
        assert figures is not None
        show.write_bytes(figures / drawn, content)
        print_(f"Drawn: {figures / drawn}.")


def _made(folder: Path) -> None:
    """Make a folder if it is missing; refuse one that cannot be written to, before the long work."""
    if not folder.is_dir():
        if folder.exists():
            raise InputError("a folder, or a name that is free", f"{folder}, which is a file", "name another")
        check_outputs(folder)
        folder.mkdir()
    check_outputs(folder / "findings.json")

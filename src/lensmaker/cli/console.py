"""What all commands share: printing, a line of status, and outputs that are checked before the work."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from lensmaker.core import InputError


def check_outputs(*paths: Path | None, inputs: tuple[Path | None, ...] = ()) -> None:
    """Refuse what cannot be written, or would replace an input, before the long work, not after it."""
    expected = "a file that can be written"
    named = [p.resolve() for p in paths if p is not None]
    if len(set(named)) < len(named):
        raise InputError("a file for each output", f"{named[0]} for two", "name another one")
    given = {p.resolve() for p in inputs if p is not None}
    for path in named:
        if path in given:
            raise InputError("outputs beside the inputs", f"{path} for both", "name another file")
        folder = path.parent
        if not folder.is_dir():
            raise InputError(expected, f"{path}, whose folder is missing", f"make {folder} first")
        if path.is_dir():
            raise InputError(expected, f"{path}, which is a folder", "name a file in it")
        try:
            with NamedTemporaryFile(dir=folder):
                pass
        except OSError as error:
            reason = f"{path}: {(error.strerror or str(error)).lower()}"
            raise InputError(expected, reason, "choose a folder you may write to") from error


def print_(renderable: Any) -> None:
    """Print what rich can render to standard output, no word of it taken for markup."""
    from rich.console import Console

    Console(highlight=False).print(renderable, markup=False)


@contextmanager
def status() -> Iterator[Any]:
    """A line on standard error that says what is being done."""
    from rich.console import Console

    with Console(stderr=True).status("starting") as line:
        yield lambda stage: line.update(stage)


@contextmanager
def progress_bar() -> Iterator[Any]:
    """A bar on standard error, with the time that is left."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    console = Console(stderr=True)
    hidden = not console.is_terminal
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda what, done, of: bar.update(task, description=what, completed=done, total=of or None)


@contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """Within, SIGTERM is what Ctrl-C is: a batch system that ends a job leaves what is kept."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

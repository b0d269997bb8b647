"""Lists for the terminal: the glossary, the bibliography, and any table of records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lensmaker.core import QUANTITIES, Reference, flatten
from lensmaker.report.numbers import number

if TYPE_CHECKING:
    from rich.table import Table


def table(rows: Iterable[object], title: str = "") -> Table:
    """Any records or mappings as a table, one column for each field.

    Parameters
    ----------
    rows
        Dataclasses (a `core.Table` of them will do) or mappings from column to value.
    """
    flat = [dict(row) if isinstance(row, Mapping) else flatten(row) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    numeric = {n: all(isinstance(row.get(n), int | float | None) for row in flat) for n in names}
    out = _table(title)
    for name in names:
        out.add_column(name.replace("_", " "), justify="right" if numeric[name] else "left", overflow="fold")
    for row in flat:
        out.add_row(*(_plain(cell_text(row.get(name))) for name in names))
    return out


def quantities_table() -> Table:
    """The glossary: every standard quantity with its symbol, unit and definition."""
    out = _table("")
    for label in ("quantity", "symbol", "unit", "definition"):
        out.add_column(label, no_wrap=label != "definition")
    for q in QUANTITIES:
        out.add_row(*map(_plain, (q.name, q.symbol, q.unit, q.definition)))
    return out


def references(entries: Iterable[Reference]) -> Table:
    """The bibliography, each entry with the key it is cited by."""
    out = _table("")
    out.add_column("key", no_wrap=True)
    out.add_column("reference", overflow="fold")
    for entry in entries:
        out.add_row(_plain(entry.key), _plain(str(entry)))
    return out


def cell_text(value: object) -> str:
    """A cell of any table: numbers shortened, sequences joined, nothing as nothing."""
    if value is None:
        return ""
    if isinstance(value, float):
        return number(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(cell_text, value))
    return str(value)


def _table(title: str) -> Table:
    from rich import box
    from rich.table import Table

    return Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)


def _plain(words: str) -> Any:
    from rich.text import Text

    return Text(words)

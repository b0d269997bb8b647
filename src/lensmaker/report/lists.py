"""Lists for the terminal: the prescription, the glossary, the bibliography, and any table of records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lensmaker.core import QUANTITIES, ElementRecord, Reference, flatten
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


def prescription_table(elements: Iterable[ElementRecord]) -> Table:
    """The prescription of a network: each element with its shapes, σ_w, σ_b and reach."""
    elements = tuple(elements)
    rows = prescription_rows(elements)
    out = _table("")
    for label, right in PRESCRIPTION:
        out.add_column(label, justify="right" if right else "left", overflow="fold", no_wrap=right)
    for row in rows:
        out.add_row(*(_plain(cell) for cell in row))
    total = sum(e.parameters for e in elements)
    out.caption = f"{len(rows)} elements, {thousands(total)} parameters (tied ones counted once)"
    return out


PRESCRIPTION = (
    ("#", True),
    ("element", False),
    ("operation", False),
    ("output", False),
    ("fan-in", True),
    ("σ_w", True),
    ("σ_b", True),
    ("then", False),
    ("parameters", True),
    ("field", True),
    ("stride", True),
)
"""Columns of the prescription: heading, and whether it is a number."""


def prescription_rows(elements: Sequence[ElementRecord]) -> list[tuple[str, ...]]:
    """The cells of the prescription, in the order of `PRESCRIPTION`."""
    return [
        (
            str(i),
            str(e.where),
            e.operation,
            shape(e.output_shape),
            "" if e.fan_in is None else str(e.fan_in),
            "" if e.sigma_w is None else number(e.sigma_w),
            "" if e.sigma_b is None else number(e.sigma_b),
            e.activation,
            thousands(e.parameters) if e.parameters else "",
            shape(e.receptive_field),
            shape(e.stride),
        )
        for i, e in enumerate(elements, 1)
    ]


def shape(sizes: Sequence[int] | None) -> str:
    """A shape as a reader writes it.

    Examples
    --------
    >>> shape((64, 3, 32, 32)), shape(None)
    ('64×3×32×32', '')
    """
    return "×".join(map(str, sizes or ()))


def thousands(n: int) -> str:
    """An integer with thin spaces between its thousands."""
    return f"{n:_}".replace("_", "\u2009")


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

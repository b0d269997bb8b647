"""The prescription of a network as a table: each element with its shapes, σ_w, σ_b and reach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lensmaker.core import ElementRecord
from lensmaker.report.numbers import number
from lensmaker.report.train_table import ending

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

COLUMNS = (
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

_SPARED = ("operation", "stride", "field", "output", "then", "#")
"""What a narrow terminal goes without, first to last; an element's name ends with its operation."""

_NARROWEST_NAME = 14


def prescription_table(elements: Iterable[ElementRecord]) -> PrescriptionTable:
    """The prescription as a rich renderable that fits itself to the console's width."""
    return PrescriptionTable(tuple(elements))


@dataclass(frozen=True)
class PrescriptionTable:
    """What `prescription_table` returns; print it with `rich.console.Console().print`."""

    elements: tuple[ElementRecord, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        rows = prescription_rows(self.elements)
        columns = {label: [row[i] for row in rows] for i, (label, _) in enumerate(COLUMNS)}
        columns = {label: cells for label, cells in columns.items() if any(cells)}
        missing = []
        for label in _SPARED:
            if _left(columns, options.max_width) >= min(_width("element", columns), _NARROWEST_NAME):
                break
            if label in columns:
                del columns[label]
                missing.append(label)
        name = max(_left(columns, options.max_width), len("element"))

        out = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
        for label, right in COLUMNS:
            if label in columns:
                out.add_column(label, justify="right" if right else "left", no_wrap=True)
        for i, element in enumerate(self.elements):
            cells = {label: cells[i] for label, cells in columns.items()}
            cells["element"] = ending(element.where, name)
            out.add_row(*(Text(cell) for cell in cells.values()))
        yield out
        total = sum(e.parameters for e in self.elements)
        yield Text(f"{len(rows)} elements, {thousands(total)} parameters (tied ones counted once)")
        told = [label for label in missing if label != "operation"]
        if told:
            yield Text(f"(no room for {', '.join(told)})", "bright_black")


def prescription_rows(elements: Sequence[ElementRecord]) -> list[tuple[str, ...]]:
    """The cells of the prescription, in the order of `COLUMNS`."""
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


def _width(label: str, columns: dict[str, list[str]]) -> int:
    return max(len(label), *map(len, columns.get(label, ())))


def _left(columns: dict[str, list[str]], width: int) -> int:
    """What the other columns leave for the element's name."""
    return width - sum(_width(label, columns) + 2 for label in columns if label != "element")

"""The train as lines of text: predicted, measured and z of each ray at each element, fitted to a width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lensmaker.core import BenchRecord, Quantity, Verdict, Where, quantity
from lensmaker.report.facts import RAYS, Fact, train
from lensmaker.report.notable import between, notable, runs, state, worst_z
from lensmaker.report.numbers import number, reading, signed

if TYPE_CHECKING:
    from rich.text import Text

PREDICTED, MEASURED, FAINT = "blue", "yellow", "bright_black"
STYLES: dict[Verdict | None, str] = {
    Verdict.AGREES: "green",
    Verdict.DEVIATES: "bold red",
    Verdict.OUTSIDE: FAINT,
    Verdict.NOT_CONVERGED: "magenta",
    None: "",
}
_JUDGED = {Verdict.OUTSIDE: "out", Verdict.NOT_CONVERGED: "n.c."}
_ROOMY = 150
_NARROWEST_NAME = 14

Cell = tuple[str, str]
"""Words and their style."""


def train_lines(record: BenchRecord, found: Sequence[Fact], width: int, *, full: bool = False) -> Text:
    """One line for each element, two of heading, and one for each stretch of elements left out."""
    from rich.text import Text

    places = train(record)
    rows: list[dict[str, Fact]] = [{} for _ in places]
    for fact in found:
        if fact.element is not None and fact.quantity.name in RAYS:
            rows[fact.element][fact.quantity.name] = fact
    rays = [quantity(name) for name in RAYS if any(name in row for row in rows)]
    blamed = {i for i, place in enumerate(places) if any(f.where == place for f in record.findings)}
    states = [state(row) for row in rows]
    shown = set(range(len(rows))) if full else notable(states, [worst_z(row) for row in rows], blamed)

    digits = 3 if width >= _ROOMY else 2
    cells = {i: {ray: _cells(rows[i].get(ray.name), digits) for ray in rays} for i in sorted(shown)}
    widths = {ray: _widths(ray, [row[ray] for row in cells.values()], width) for ray in rays}
    number_width = len(str(len(places)))
    longest = max((len(str(places[i])) for i in shown), default=0)
    dropped: list[Quantity] = []
    while rays and _left(width, number_width, [widths[ray] for ray in rays]) < min(longest, _NARROWEST_NAME):
        dropped.insert(0, rays.pop())
    name_width = min(longest, max(_left(width, number_width, [widths[ray] for ray in rays]), 7))

    lines = _heading(rays, widths, number_width + 2 + name_width)
    for run in runs(len(places), shown):
        i = run.start
        if i not in shown:
            words = between([states[k] for k in run])
            lines.append(Text(" " * (number_width + 2) + words, style=f"italic {FAINT}"))
            continue
        line = Text(f"{i + 1:>{number_width}} ", style=FAINT)
        mark, style = ("►", "bold red") if i in blamed else (" ", "default")
        line.append(mark + ending(places[i], name_width).ljust(name_width), style)
        for ray in rays:
            line.append("  ")
            for column, (words, style) in enumerate(cells[i][ray]):
                line.append((" " if column else "") + words.rjust(widths[ray][column]), style)
        lines.append(line)
    if dropped:
        names = ", ".join(_title(ray) for ray in dropped)
        lines.append(Text(f"({names} did not fit into {width} columns)", style=FAINT))
    return Text("\n", no_wrap=True, overflow="crop").join(lines)


def ending(where: Where, width: int) -> str:
    """The end of a long name, which tells more than its beginning.

    Examples
    --------
    >>> ending(Where("encoder.layers.11.self_attn"), 12)
    '….self_attn'
    >>> ending(Where("encoder_layers"), 10)
    '…er_layers'
    """
    name = str(where)
    if len(name) <= width:
        return name
    tail = name[len(name) - width + 1 :]
    dot = tail.find(".", 0, width // 3)
    return "…" + (tail[dot:] if dot >= 0 else tail)


def _cells(fact: Fact | None, digits: int) -> tuple[Cell, Cell, Cell]:
    if fact is None:
        return ("·", FAINT), ("·", FAINT), ("", "")
    predicted = reading(fact.prediction.value, fact.quantity, digits) if fact.prediction else number(None)
    measured = reading(fact.measurement.value, fact.quantity, digits) if fact.measurement else number(None)
    verdict = fact.verdict
    z = _JUDGED.get(verdict, "") if verdict else ""
    if not z and fact.comparison:
        z = signed(fact.comparison.z_score)
    return (predicted, PREDICTED), (measured, MEASURED), (z, STYLES[verdict])


def _labels(width: int) -> tuple[str, str, str]:
    return ("predicted", "measured", "z") if width >= _ROOMY else ("pred", "meas", "z")


def _widths(ray: Quantity, column: Sequence[tuple[Cell, Cell, Cell]], width: int) -> tuple[int, ...]:
    labels = _labels(width)
    predicted, measured, z = (max([len(labels[k]), *(len(row[k][0]) for row in column)]) for k in range(3))
    return predicted, measured, max(z, len(_title(ray)) - predicted - measured - 2, 4)


def _left(width: int, number_width: int, groups: Sequence[tuple[int, ...]]) -> int:
    """What the numbers leave for the name: each group is three columns, two gaps, two spaces before it."""
    return width - number_width - 2 - sum(sum(group) + 4 for group in groups)


def _heading(rays: Sequence[Quantity], widths: Mapping[Quantity, tuple[int, ...]], margin: int) -> list[Text]:
    from rich.text import Text

    first, second = Text(" " * margin, style="bold"), Text("element".rjust(7).ljust(margin), style="bold")
    roomy = all(w[0] >= len("predicted") for w in widths.values())
    for ray in rays:
        first.append("  " + _title(ray).center(sum(widths[ray]) + 2))
        labels = _labels(_ROOMY if roomy else 0)
        second.append("  " + " ".join(label.rjust(w) for label, w in zip(labels, widths[ray], strict=True)))
    return [first, second, Text("─" * len(second.plain), style=FAINT)]


def _title(ray: Quantity) -> str:
    return ray.symbol if ray.name == "chi" else f"{ray.name.replace('_', ' ')} {ray.symbol}"

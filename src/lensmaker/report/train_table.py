"""The train as lines of text: predicted, measured and z of each ray at each element, fitted to a width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lensmaker.core import BenchRecord, Quantity, Verdict, Where, quantity
from lensmaker.report.facts import RAYS, Fact, train
from lensmaker.report.notable import MOST, between, notable, runs, state, worst_z
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

Labels = dict[int, str]
"""Which of a ray's cells are shown, and what stands above them."""

_ALL = ("predicted", "measured", "z")
_LABELS: tuple[Labels, ...] = (
    dict(enumerate(_ALL)),
    {0: "pred", 1: "meas", 2: "z"},
    {1: "meas", 2: "z"},
)
"""From a wide terminal to a narrow one."""


def train_lines(record: BenchRecord, found: Sequence[Fact], width: int, *, most: int | None = MOST) -> Text:
    """One line for each element, two of heading, and one for each stretch of elements left out.

    Parameters
    ----------
    most
        A train up to this long is shown whole, a longer one by its notable elements; None: all of them.
    """
    from rich.text import Text

    places = train(record)
    rows: list[dict[str, Fact]] = [{} for _ in places]
    for fact in found:
        if fact.element is not None and fact.quantity.name in RAYS:
            rows[fact.element][fact.quantity.name] = fact
    rays = [quantity(name) for name in RAYS if any(name in row for row in rows)]
    blamed = {i for i, place in enumerate(places) if any(f.where == place for f in record.findings)}
    states = [state(row) for row in rows]
    shown = notable(states, [worst_z(row) for row in rows], blamed, len(rows) if most is None else most)

    digits = 3 if width >= _ROOMY else 2
    cells = {i: {ray: _cells(rows[i].get(ray.name), digits) for ray in rays} for i in sorted(shown)}
    number_width = len(str(len(places)))
    longest = max((len(str(places[i])) for i in shown), default=0)

    def left(labels: Labels) -> int:
        widths = [_widths(ray, labels, [row[ray] for row in cells.values()]) for ray in rays]
        return width - number_width - 2 - sum(sum(w.values()) + len(w) + 1 for w in widths)

    tried = _LABELS[:1] if width >= _ROOMY else _LABELS[1:]
    labels = next((some for some in tried if left(some) >= min(longest, _NARROWEST_NAME)), tried[-1])
    missing = [] if len(labels) == len(_ALL) else ["the predicted values"]
    dropped: list[str] = []
    while rays and left(labels) < min(longest, _NARROWEST_NAME):
        dropped.insert(0, _title(rays.pop()))
    missing += dropped
    widths = {ray: _widths(ray, labels, [row[ray] for row in cells.values()]) for ray in rays}
    name_width = min(longest, max(left(labels), 7))

    lines = _heading(labels, widths, number_width + 2 + name_width)
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
            for column, room in widths[ray].items():
                words, style = cells[i][ray][column]
                line.append(words.rjust(room) + " ", style)
            line.right_crop()
        lines.append(line)
    if missing:
        lines.append(Text(f"(no room for {', '.join(missing)})", style=FAINT))
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


def _widths(ray: Quantity, labels: Labels, column: Sequence[Sequence[Cell]]) -> dict[int, int]:
    """How wide each labelled column of a ray must be; the first one also makes room for the title."""
    widths = {k: max([len(label), *(len(row[k][0]) for row in column)]) for k, label in labels.items()}
    first, last = min(widths), max(widths)
    widths[last] = max(widths[last], 4)
    widths[first] += max(len(_title(ray)) - sum(widths.values()) - len(widths) + 1, 0)
    return widths


def _heading(labels: Labels, widths: Mapping[Quantity, Mapping[int, int]], margin: int) -> list[Text]:
    from rich.text import Text

    first, second = Text(" " * margin, style="bold"), Text("element".rjust(7).ljust(margin), style="bold")
    for ray, room in widths.items():
        first.append("  " + _title(ray).center(sum(room.values()) + len(room) - 1))
        second.append("  " + " ".join(label.rjust(room[k]) for k, label in labels.items()))
    return [first, second, Text("─" * len(second.plain), style=FAINT)]


def _title(ray: Quantity) -> str:
    return ray.symbol if ray.name == "chi" else f"{ray.name.replace('_', ' ')} {ray.symbol}"

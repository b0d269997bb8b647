"""What training built, in the terminal: the sentence, and one line for each weight, fitted to a width."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lensmaker.core import BenchRecord, Origin, Verdict
from lensmaker.report.built import COLUMNS, SHORT, Departure, departures, most_changed
from lensmaker.report.train_table import FAINT, ending

if TYPE_CHECKING:
    from rich.text import Text

_NARROWEST_NAME, _WIDEST_NAME = 14, 40

CAPTION = "s₁/s₊: largest singular value over the edge of random numbers; ₀: random weights; last, z"

_ORIGINS = {Origin.BUILT: "bold", Origin.DRAWN: "green", Origin.UNTOLD: FAINT}


def built_lines(record: BenchRecord, width: int, *, most: int | None) -> Text:
    """One line for each weight; of more than `most` those that lost most rank, in order."""
    from rich.text import Text

    weights = record.built
    shown = most_changed(weights, len(weights) if most is None else most)
    rows = {i: departures(weights[i]) for i in shown}
    longest = max(len(str(weights[i].where)) for i in shown)
    for parts in (("text", "error", "z"), ("text", "z"), ("text",)):
        rooms = [
            {part: max(len(getattr(row[k], part)) for row in rows.values()) for part in parts}
            for k in range(len(COLUMNS))
        ]
        for room, (_, label, _) in zip(rooms, COLUMNS, strict=True):
            room["text"] += max(len(label) - sum(room.values()) - len(room) + 1, 0)
        left = width - len("spikes") - 2 - sum(sum(r.values()) + len(r) + 1 for r in rooms)
        if left >= min(longest, _NARROWEST_NAME):
            break
    name_width = max(min(longest, left, _WIDEST_NAME), len("weight"))

    head = Text("weight".ljust(name_width) + "  spikes", style="bold")
    for room, (_, label, _) in zip(rooms, COLUMNS, strict=True):
        head.append("  " + label.center(sum(room.values()) + len(room) - 1))
    lines = [head, Text("─" * len(head.plain), style=FAINT)]
    for i, row in rows.items():
        b = weights[i]
        line = Text(ending(b.where, name_width).ljust(name_width), _ORIGINS[b.origin])
        line.append(f"  {b.spikes:>6}", "default")
        for room, cell in zip(rooms, row, strict=True):
            line.append(
                "  " + " ".join(getattr(cell, part).rjust(r) for part, r in room.items()), _style(cell)
            )
        lines.append(line)
    if hidden := len(weights) - len(shown):
        tally = [SHORT[b.origin] for i, b in enumerate(weights) if i not in rows]
        words = ", ".join(f"{tally.count(word)} {word}" for word in SHORT.values() if word in tally)
        lines.append(Text(f"… {hidden} more weights: {words}", style=f"italic {FAINT}"))
    if len(parts) == 1:
        lines.append(Text("(no room for the z-scores)", style=FAINT))
    return Text("\n", no_wrap=True, overflow="crop").join(lines)


def _style(cell: Departure) -> str:
    """A departure is no alarm here, so none is red."""
    styles: dict[Verdict | None, str] = {Verdict.DEVIATES: "bold", Verdict.AGREES: "green"}
    return styles.get(cell.judgement, FAINT)

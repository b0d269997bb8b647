"""The page of the documentation that shows the table: printed from results.json, between two marks.

python benchmarks/architectures/page.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architectures.md"
RESULTS = ROOT / "benchmarks" / "results.json"
FIRST, LAST = "<!-- printed by benchmarks/architectures/page.py -->", "<!-- until here -->"
HEAD = (
    "| architecture | read | predicted | agree | outside the regime | findings |\n|---|---|---|---|---|---|"
)


def table(groups: dict[str, dict[str, Any]]) -> str:
    """All groups as Markdown."""
    parts = [_summary(groups)]
    for group, rows in groups.items():
        lines = [_line(name, row) for name, row in rows.items()]
        parts.append("\n".join([f"## {group[0].upper()}{group[1:]}", "", HEAD, *lines]))
    return "\n\n".join(parts)


def _summary(groups: dict[str, dict[str, Any]]) -> str:
    rows = [row for group in groups.values() for row in group.values()]
    read = [row for row in rows if not row["refused"]]
    totals = {
        key: sum(row[key] for row in read)
        for key in ("elements", "read", "predicted", "comparisons", "agree")
    }
    off = sum(len(row["off"]) for row in read)
    return (
        f"{len(rows)} architectures, {len(rows) - len(read)} of them refused; {totals['elements']:,} elements, "
        "of which "
        f"{_percent(totals['read'], totals['elements'])} measured with an error and "
        f"{_percent(totals['predicted'], totals['elements'])} predicted inside the regime; of "
        f"{totals['comparisons']:,} comparisons there, {_percent(totals['agree'], totals['comparisons'])} agree, and "
        f"{off} of a signal or a gradient are a factor of three away and deviate."
    )


def _line(name: str, row: dict[str, Any]) -> str:
    if row["refused"]:
        return f"| {name} | refused: {row['refused']} | | | | |"
    cells = [
        name,
        f"{row['read']}/{row['elements']}",
        _percent(row["predicted"], row["elements"]),
        _percent(row["agree"], row["comparisons"]),
        "; ".join([*row["outside"], *(f"**off: {place}**" for place in row["off"])]),
        "; ".join(row["findings"]),
    ]
    return "| " + " | ".join(c.replace("|", "\\|").replace("_", "\\_") for c in cells) + " |"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def saved() -> dict[str, dict[str, Any]]:
    """The rows in results.json, by group and name."""
    groups: dict[str, dict[str, Any]] = json.loads(RESULTS.read_text(encoding="utf-8"))["architectures"][
        "groups"
    ]
    return groups


def printed() -> str:
    """The table of the results that are saved."""
    return table(saved())


def write_page() -> None:
    """Put the table between its marks."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(FIRST)
    after = rest.partition(LAST)[2]
    PAGE.write_text(f"{before}{FIRST}\n\n{printed()}\n\n{LAST}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(write_page())

"""The tables of the documentation: printed from results.json, between two marks.

python benchmarks/compile/page.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"
RESULTS = ROOT / "benchmarks" / "results.json"
FIRST, LAST = "<!-- printed by benchmarks/compile/page.py -->", "<!-- until here -->"
BATCHES = ("1", "32", "256")


def speeds(content: dict[str, Any], dtype: str) -> str:
    """Build, error, and the time of a call with the ratio, for each way and number of fields."""
    found = content[dtype]
    lines = [
        f"In {dtype}:",
        "",
        "| | to build | largest error | "
        + " | ".join(f"{b} field{'s' * (b != '1')}" for b in BATCHES)
        + " |",
        "|---|---|---|" + "---|" * len(BATCHES),
    ]
    for name, seconds in found["build"].items():
        cells = [f"`{name}`", f"{seconds:.2g} s", f"{found['error'][name]:.1e}"]
        for rows in BATCHES:
            one = found[rows][name]
            r = one["ratio"]
            cells.append(f"{1e3 * one['seconds']:.3g} ms, {r['median']} ({r['low']}–{r['high']})")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def memory(content: dict[str, Any]) -> str:
    """Bytes for a site and field, by the side of the torus."""
    found = content["bytes_per_site"]
    sides = sorted({side for one in found.values() for side in one}, key=int)
    head = "| bytes a site and field | " + " | ".join(f"{s} × {s}" for s in sides) + " |"
    lines = [head, "|---|" + "---|" * len(sides)]
    for name, one in found.items():
        lines.append(
            "| " + " | ".join([f"`{name}`", *(f"{one[s]:g}" if s in one else "" for s in sides)]) + " |"
        )
    return "\n".join(lines)


def trained(content: dict[str, Any]) -> str:
    """Error and seconds of the compiled and of the trained network, for each polynomial and activation."""
    lines = [
        "| | hidden units | compiled: error, seconds | trained: error | seconds | to 10 % | to 1 % | to 0.1 % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in content.items():
        if not isinstance(row, dict) or "trained" not in row:
            continue
        own, other = row["compiled"], row["trained"]
        reached = [other["reached"][level] for level in ("0.1", "0.01", "0.001")]
        cells = [
            f"`{name}`",
            ", ".join(map(str, row["hidden"])),
            f"{own['error']:.2g}, {own['seconds']['median']:.2g}",
            _spread(other["error"]),
            _spread(other["seconds"]),
            *(f"{r['seconds']:.2g} ({r['runs']})" if r["runs"] else "none" for r in reached),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _spread(one: dict[str, float]) -> str:
    return f"{one['median']:.2g} ({one['low']:.2g}–{one['high']:.2g})"


def printed() -> str:
    """All tables of the results that are saved."""
    everything = json.loads(RESULTS.read_text(encoding="utf-8"))
    content = everything["compile"]
    parts = [speeds(content, "float64"), speeds(content, "float32"), memory(content)]
    return "\n\n".join([*parts, trained(everything["compile_trained"])])


def write_page() -> None:
    """Put the tables between their marks."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(FIRST)
    after = rest.partition(LAST)[2]
    PAGE.write_text(f"{before}{FIRST}\n\n{printed()}\n\n{LAST}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(write_page())

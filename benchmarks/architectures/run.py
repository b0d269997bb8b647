"""What `inspect` makes of the architectures of the day.

    python benchmarks/architectures/run.py [name …]

Inspects each one, or those that are named, with fresh weights of a fixed seed, prints a line for it, and puts it
into results.json and the table in docs/architectures.md.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path += [str(Path(__file__).parents[1])]

from page import saved, write_page
from results import save
from row import Row, row_of
from zoo import REFUSED, ZOO, made, quiet

import lensmaker
from lensmaker.core import InputError

SEED = 0


def inspected(group: str, name: str) -> Row:
    """The row of one case."""
    case = next(c for c in ZOO[group] if c.name == name)
    model, batch, loss = made(case, SEED)
    try:
        with quiet():
            return row_of(lensmaker.inspect(model, batch, loss, batch_axis=case.batch_axis).record)
    except InputError as error:
        if name not in REFUSED:
            raise
        return Row(refused=str(error))


def main(names: list[str]) -> None:
    """Inspect all cases, or those that are named, whose rows are put among the others."""
    groups: dict[str, dict[str, Any]] = saved() if names else {}
    for group, cases in ZOO.items():
        for case in cases:
            if not names or case.name in names:
                row = inspected(group, case.name)
                print(case.name, row, flush=True)
                groups.setdefault(group, {})[case.name] = asdict(row)
    save("architectures", {"seed": SEED, "groups": groups})
    write_page()


if __name__ == "__main__":
    main(sys.argv[1:])

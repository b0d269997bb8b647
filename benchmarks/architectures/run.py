"""What `inspect` makes of the architectures of the day.

    python benchmarks/architectures/run.py [name …]

Inspects each one with fresh weights of a fixed seed and prints a line for it. Without names, all are inspected,
and results.json and the table in docs/architectures.md are written anew.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

sys.path += [str(Path(__file__).parents[1])]

from page import write_page
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
    """Inspect all cases, or those that are named."""
    groups = {}
    for group, cases in ZOO.items():
        rows = {}
        for case in cases:
            if not names or case.name in names:
                rows[case.name] = row = inspected(group, case.name)
                print(case.name, row, flush=True)
        groups[group] = {name: asdict(row) for name, row in rows.items()}
    if not names:
        save("architectures", {"seed": SEED, "groups": groups})
        write_page()


if __name__ == "__main__":
    main(sys.argv[1:])

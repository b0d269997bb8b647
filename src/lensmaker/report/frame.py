"""A bench record as a pandas data frame: one row for each quantity at each place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lensmaker.core import BenchRecord, flatten
from lensmaker.report.facts import facts

if TYPE_CHECKING:
    import pandas as pd


def to_frame(record: BenchRecord) -> pd.DataFrame:
    """Comparisons, and the predictions and measurements without a partner, along the train.

    Columns: `stage` ("inspected"; "corrected" once a correction was measured), `element` (position in
    the train from 0, <NA> off it), `where`, `path`, `call`, `operation`, `quantity`, `symbol`,
    `predicted`, `predicted_error`, `measured`, `measured_error`, `ratio`, `z`, `verdict` (missing
    without a partner), `theory`, `regime`, `instrument`, `samples`, `convergence`.
    """
    import pandas as pd

    found = facts(record)
    rows = [
        _row("inspected", fact.element, fact.comparison or fact.prediction or fact.measurement)
        for fact in found
    ]
    rows += [_row("corrected", fact.element, fact.corrected) for fact in found if fact.corrected]
    frame = pd.DataFrame([row for row in rows if row], columns=list(_COLUMNS))
    return frame.astype({name: kind for name, kind in _COLUMNS.items() if kind})


_COLUMNS = {
    "stage": "",
    "element": "Int64",
    "where": "",
    "path": "",
    "call": "Int64",
    "operation": "",
    "quantity": "",
    "symbol": "",
    "predicted": "float64",
    "predicted_error": "float64",
    "measured": "float64",
    "measured_error": "float64",
    "ratio": "float64",
    "z": "float64",
    "verdict": "",
    "theory": "",
    "regime": "",
    "instrument": "",
    "samples": "Int64",
    "convergence": "",
}


def _row(stage: str, element: int | None, entry: Any) -> dict[str, Any]:
    if entry is None:
        return {}
    row = flatten(entry)
    if "value" in row:
        side = "predicted" if "theory" in row else "measured"
        row = {**row, side: row["value"], f"{side}_error": row["error"]}
    place = entry.where
    return {
        **row,
        "stage": stage,
        "element": element,
        "path": place.path,
        "call": place.call,
        "operation": place.operation,
        "symbol": entry.quantity.symbol,
    }

"""Columnar tables of records: to a data frame, to JSON, to a notebook."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from lensmaker.core.quantities import Quantity
from lensmaker.core.records import Comparison, Regime
from lensmaker.core.where import Where

if TYPE_CHECKING:
    import pandas as pd

Record = TypeVar("Record")

_MOST_ROWS = 60
"""Records that a table shows of itself; of more the first and the last."""


class Table(Sequence[Record], Generic[Record]):
    """An immutable sequence of records of one kind, readable by column.

    Examples
    --------
    >>> table = Table([Where("a"), Where("b", call=1)])
    >>> table.columns["call"]
    [0, 1]
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._records = tuple(records)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Table[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | Table[Record]:
        return Table(self._records[index]) if isinstance(index, slice) else self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and self._records == other._records

    def __hash__(self) -> int:
        return hash(self._records)

    def __add__(self, other: Iterable[Record]) -> Table[Record]:
        return Table(self._records + tuple(other))

    @property
    def columns(self) -> dict[str, list[Any]]:
        """The table as one list for each field."""
        rows = [flatten(record) for record in self._records]
        names: dict[str, None] = {}
        for row in rows:
            names.update(dict.fromkeys(row))
        return {name: [row.get(name) for row in rows] for name in names}

    def select(self, **fields: object) -> Table[Record]:
        """The records whose fields equal the given values, as `columns` spells them."""
        return Table(r for r in self._records if fields.items() <= flatten(r).items())

    def to_frame(self) -> pd.DataFrame:
        """The table as a pandas data frame."""
        import pandas as pd

        return pd.DataFrame(self.columns)

    def to_json(self) -> str:
        """The table as a JSON array of flat objects; numbers that JSON lacks become null."""
        return json.dumps([jsonable(flatten(r)) for r in self._records], ensure_ascii=False)

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(index=False)

    def __str__(self) -> str:
        frame = self.to_frame()
        return frame.to_string(index=False, max_rows=_MOST_ROWS, na_rep="", float_format="{:.4g}".format)

    def __repr__(self) -> str:
        return f"Table({len(self)} records)"


def flatten(record: object) -> dict[str, Any]:
    """One level of columns from a record: nested records become strings or further columns."""
    if isinstance(record, Comparison):
        p, m = record.prediction, record.measurement
        return {
            "quantity": str(record.quantity),
            "where": str(record.where),
            "predicted": p.value,
            "predicted_error": p.error,
            "measured": m.value,
            "measured_error": m.error,
            "ratio": record.ratio,
            "z": record.z_score,
            "verdict": record.verdict.value,
            "theory": p.theory,
            "regime": _cell(p.regime),
            "instrument": m.instrument,
            "samples": m.samples,
            "convergence": _cell(m.convergence),
        }
    if not dataclasses.is_dataclass(record):
        return {"value": _cell(record)}
    row: dict[str, Any] = {}
    for f in dataclasses.fields(record):
        value = getattr(record, f.name)
        row |= _abridged(f.name, value) if isinstance(value, Comparison) else {f.name: _cell(value)}
    return row


def _abridged(name: str, c: Comparison) -> dict[str, Any]:
    """A comparison that is one column of a wider record."""
    error = math.hypot(c.prediction.error, c.measurement.error)
    return {
        name: c.measurement.value,
        f"{name}_null": c.prediction.value,
        f"{name}_error": error,
        f"{name}_z": c.z_score,
        f"{name}_verdict": c.verdict.value,
    }


def _cell(value: object) -> Any:
    if isinstance(value, Where | Quantity):
        return str(value)
    if isinstance(value, Regime):
        return value.outside or "inside"
    if isinstance(value, Enum):
        return value.value or value.name.lower()
    return value


def jsonable(value: Any) -> Any:
    """`value` with tuples as lists, records as objects, and NaN and infinities as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, Table):
        return [jsonable(flatten(r)) for r in value]
    if isinstance(value, list | tuple):
        return [jsonable(v) for v in value]
    if isinstance(value, Where | Quantity | Regime | Enum):
        return jsonable(_cell(value))
    if dataclasses.is_dataclass(value):
        return jsonable(flatten(value))
    return value

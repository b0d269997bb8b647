"""A bench record as JSON: versioned, complete, and readable back."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable
from enum import Enum
from typing import Any

from lensmaker.core import (
    BenchRecord,
    Built,
    Comparison,
    Convergence,
    ElementRecord,
    Finding,
    InputError,
    LayerGeometry,
    Measurement,
    Origin,
    PointSpreadRecord,
    Prediction,
    Quantity,
    Reference,
    Regime,
    Scale,
    Table,
    Training,
    Where,
)

SCHEMA = "lensmaker.bench"
VERSION = 1
"""Raised when a field is renamed, removed or changes its meaning; a new field leaves it as it is."""


def to_json(record: BenchRecord) -> str:
    """Everything in the record, and what follows from it, as a JSON object.

    Each dataclass is an object of its fields, in order; tuples and tables are arrays. A quantity is
    its name, defined once under "quantities"; a regime is the reason it is left, "" inside; other
    enumerations are the names of their members. A number that JSON lacks (NaN, ±∞) is null.
    Comparisons also carry `ratio`, `z` and `verdict`, and a place its printed `name`.

    Examples
    --------
    >>> from lensmaker.core import Table, Training
    >>> text = to_json(BenchRecord("net", "x (1, 2)", Training.FRESH, "said so", Table(), Table()))
    >>> text.splitlines()[1:4]
    ['  "schema": "lensmaker.bench",', '  "version": 1,', '  "model": "net",']
    """
    quantities: dict[str, Quantity] = {}
    body = _encode(record, quantities)
    glossary = {name: {**_fields(q), "scale": q.scale.name} for name, q in sorted(quantities.items())}
    document = {"schema": SCHEMA, "version": VERSION, **body, "quantities": glossary}
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str) -> BenchRecord:
    """The record that `to_json` wrote; null numbers become NaN.

    Raises
    ------
    InputError
        If the text is not such a document, or of a version this release does not know.
    """
    try:
        document = json.loads(text)
        schema = document["schema"], document["version"]
    except (ValueError, KeyError, TypeError) as error:
        got = f"{type(error).__name__}: {error}"
        raise InputError("a JSON report of lensmaker", got, "pass what to_json wrote") from error
    if schema != (SCHEMA, VERSION):
        fix = "write the report again with this release"
        raise InputError(f"schema {SCHEMA} version {VERSION}", f"{schema[0]} version {schema[1]}", fix)
    try:
        return _Reader({n: _quantity(q) for n, q in document["quantities"].items()}).record(document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        got = f"a damaged one: {type(error).__name__}: {error}"
        raise InputError("a JSON report of lensmaker", got, "pass what to_json wrote") from error


def geometry_json(layers: Iterable[LayerGeometry]) -> list[dict[str, Any]]:
    """The layers as they are in the JSON of a record."""
    return [_encode(layer, {}) for layer in layers]


def _encode(value: Any, quantities: dict[str, Quantity]) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Quantity):
        quantities[value.name] = value
        return value.name
    if isinstance(value, Regime):
        return value.outside
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Table | tuple):
        return [_encode(v, quantities) for v in value]
    if not dataclasses.is_dataclass(value):
        return value
    fields = {name: _encode(v, quantities) for name, v in _fields(value).items()}
    if isinstance(value, Where):
        fields["name"] = str(value)
    if isinstance(value, Comparison):
        fields["ratio"] = _encode(value.ratio, quantities)
        fields["z"] = _encode(value.z_score, quantities)
        fields["verdict"] = value.verdict.name
    return fields


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _quantity(fields: dict[str, str]) -> Quantity:
    return Quantity(**{**fields, "scale": Scale[fields["scale"]]})  # type: ignore[arg-type]


@dataclasses.dataclass(frozen=True)
class _Reader:
    """Turns the arrays and objects back into records; knows the document's quantities."""

    quantities: dict[str, Quantity]

    def record(self, document: dict[str, Any]) -> BenchRecord:
        return BenchRecord(
            model=document["model"],
            batch=document["batch"],
            training=Training[document["training"]],
            training_reason=document["training_reason"],
            elements=Table(map(self.element, document["elements"])),
            comparisons=Table(map(self.comparison, document["comparisons"])),
            predictions=Table(map(self.prediction, document["predictions"])),
            measurements=Table(map(self.measurement, document["measurements"])),
            findings=tuple(map(self.finding, document["findings"])),
            corrected=Table(map(self.comparison, document["corrected"])),
            references=tuple(Reference(**entry) for entry in document["references"]),
            versions=_tuples(document["versions"]),
            notes=tuple(document["notes"]),
            built=Table(map(self.built, document.get("built", ()))),
            geometry=Table(map(self.geometry, document.get("geometry", ()))),
        )

    def where(self, entry: dict[str, Any]) -> Where:
        fields = {name: v for name, v in entry.items() if name != "name"}
        return Where(**{**fields, "coordinates": _tuples(fields["coordinates"])})

    def element(self, entry: dict[str, Any]) -> ElementRecord:
        fields = {name: _tuples(v) if isinstance(v, list) else v for name, v in entry.items()}
        return ElementRecord(**{**fields, "where": self.where(entry["where"])})

    def prediction(self, entry: dict[str, Any]) -> Prediction:
        return Prediction(**{**self._entry(entry), "regime": Regime(entry["regime"])})

    def measurement(self, entry: dict[str, Any]) -> Measurement:
        return Measurement(**{**self._entry(entry), "convergence": Convergence[entry["convergence"]]})

    def comparison(self, entry: dict[str, Any]) -> Comparison:
        return Comparison(self.prediction(entry["prediction"]), self.measurement(entry["measurement"]))

    def built(self, entry: dict[str, Any]) -> Built:
        pairs = ("edge", "rank", "chi", "correlation")
        compared = {name: self.comparison(entry[name]) if entry[name] else None for name in pairs}
        where, origin = self.where(entry["where"]), Origin[entry["origin"]]
        return Built(**{**entry, **compared, "where": where, "origin": origin})

    def geometry(self, entry: dict[str, Any]) -> LayerGeometry:
        fields: dict[str, Any] = {name: _known(v) for name, v in entry.items()}
        for name in ("predicted_spread", "measured_spread"):
            spread = entry[name]
            fields[name] = PointSpreadRecord(**{k: _known(v) for k, v in spread.items()}) if spread else None
        return LayerGeometry(**{**fields, "where": self.where(entry["where"])})

    def finding(self, entry: dict[str, Any]) -> Finding:
        fields = {
            **entry,
            "where": self.where(entry["where"]),
            "value": _number(entry["value"]),
            "bound": _number(entry["bound"]),
            "factors": _tuples(entry["factors"]),
            "effect": tuple(map(self.prediction, entry["effect"])),
        }
        return Finding(**fields)

    def _entry(self, entry: dict[str, Any]) -> dict[str, Any]:
        return {
            **entry,
            "quantity": self.quantities[entry["quantity"]],
            "where": self.where(entry["where"]),
            "value": _number(entry["value"]),
            "error": _number(entry["error"]),
        }


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _known(value: Any) -> Any:
    """Tuples for arrays, and NaN for null at any depth."""
    if isinstance(value, list):
        return tuple(map(_known, value))
    return math.nan if value is None else value


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value

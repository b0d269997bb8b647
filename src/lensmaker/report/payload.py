"""What the HTML page's scripts draw from: the facts of a record as plain columns, texts already worded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lensmaker.core import BenchRecord, Comparison, ElementRecord, Quantity, Scale, Verdict
from lensmaker.report.facts import RAYS, Fact, interval, train
from lensmaker.report.families import family
from lensmaker.report.numbers import number, signed, with_error
from lensmaker.report.prescription import shape

BAND = 2.0
"""Half-width of the predicted band in errors."""

CSS: dict[Verdict | None, str] = {
    Verdict.AGREES: "agrees",
    Verdict.DEVIATES: "deviates",
    Verdict.OUTSIDE: "outside",
    Verdict.NOT_CONVERGED: "unconverged",
    None: "unpaired",
}
"""The class that colours a verdict in the page."""

WORDS = {
    "agrees": "agrees",
    "deviates": "deviates",
    "outside": "outside regime",
    "unconverged": "not converged",
    "unpaired": "not compared",
}
"""The words for it."""


def payload(record: BenchRecord, found: Sequence[Fact]) -> dict[str, Any]:
    """Elements, quantities, facts, findings; every number finite, null, "Infinity" or "-Infinity"."""
    places = {where: i for i, where in reversed(tuple(enumerate(train(record))))}
    about = {f.quantity.name: f.quantity for f in found}
    return {
        "elements": [_element(e) for e in record.elements] or [_bare(str(where)) for where in places],
        "quantities": {name: _quantity(q) for name, q in about.items()},
        "rays": [name for name in RAYS if name in about],
        "facts": [_fact(f, record) for f in found],
        "findings": [
            {"e": places.get(f.where), "title": f.aberration.replace("_", " ")} for f in record.findings
        ],
        "geometry": [places.get(layer.where) for layer in record.geometry],
        "verdicts": WORDS,
    }


def _element(element: ElementRecord) -> dict[str, Any]:
    details = [element.operation, f"output {shape(element.output_shape)}"]
    if element.fan_in is not None:
        details.append(f"fan-in {element.fan_in}")
    if element.sigma_w is not None:
        details.append(f"σ_w {number(element.sigma_w)}")
    return {
        "name": str(element.where),
        "operation": element.operation,
        "family": family(element).name.lower(),
        "details": " · ".join(details),
    }


def _bare(name: str) -> dict[str, Any]:
    return {"name": name, "operation": "", "family": "other", "details": ""}


def _quantity(q: Quantity) -> dict[str, Any]:
    words = q.name.replace("_", " ")
    return {
        "title": words[0].upper() + words[1:],
        "symbol": q.symbol,
        "unit": q.unit,
        "definition": q.definition,
        "log": q.scale is Scale.LOG,
    }


def _fact(fact: Fact, record: BenchRecord) -> dict[str, Any]:
    q, compared = fact.quantity, fact.comparison
    css = CSS[fact.verdict]
    row: dict[str, Any] = {
        "e": fact.element,
        "name": str(fact.where),
        "operation": _operation(fact, record),
        "q": q.name,
        "v": css,
        "why": fact.reason,
    }
    if p := fact.prediction:
        row |= {"p": _finite(p.value), "pText": with_error(p.value, p.error), "theory": p.theory}
        row["pLow"], row["pHigh"] = map(_finite, interval(p.value, p.error, q, BAND))
    if m := fact.measurement:
        row |= {"m": _finite(m.value), "mText": with_error(m.value, m.error), "instrument": m.instrument}
        row["mLow"], row["mHigh"] = map(_finite, interval(m.value, m.error, q, 1.0))
        row["samples"] = m.samples
    if compared:
        row |= _judgement(compared, "")
    if after := fact.corrected:
        p, m = after.prediction, after.measurement
        row |= {"cp": _finite(p.value), "cpText": with_error(p.value, p.error)}
        row |= {"cm": _finite(m.value), "cmText": with_error(m.value, m.error)}
        row["cmLow"], row["cmHigh"] = map(_finite, interval(m.value, m.error, q, 1.0))
        row |= _judgement(after, "c")
    return row


def _judgement(compared: Comparison, prefix: str) -> dict[str, Any]:
    return {
        f"{prefix}r": _finite(compared.ratio),
        f"{prefix}rText": number(compared.ratio),
        f"{prefix}z": _finite(compared.z_score),
        f"{prefix}zText": signed(compared.z_score),
        f"{prefix}v": CSS[compared.verdict],
    }


def _operation(fact: Fact, record: BenchRecord) -> str:
    if fact.element is not None and record.elements:
        return record.elements[fact.element].operation
    return fact.where.operation


def _finite(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"

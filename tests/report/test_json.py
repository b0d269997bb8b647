"""The JSON report: versioned, complete, strict, and readable back to the same record."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensmaker.core import BenchRecord, InputError, Table, Training, Where
from lensmaker.report import from_json, to_json
from report.records import collapsing_mlp, long_transformer, pair, residual_network


@pytest.mark.parametrize(
    "make", [lambda: collapsing_mlp(corrected=True), residual_network], ids=("mlp", "resnet")
)
def test_reads_back_the_same_record(make) -> None:
    record = make()
    assert from_json(to_json(record)) == record


def test_every_field_of_the_record_is_there() -> None:
    document = json.loads(to_json(collapsing_mlp(corrected=True)))
    assert document["schema"] == "lensmaker.bench"
    assert document["version"] == 1
    assert {f.name for f in dataclasses.fields(BenchRecord)} <= set(document)
    assert len(document["comparisons"]) == 148
    first = document["comparisons"][0]
    assert first["prediction"]["where"] == {
        "path": "layers.0", "call": 0, "operation": "linear", "ordinal": 0, "coordinates": [],
        "name": "layers.0:linear",
    }  # fmt: skip
    assert document["quantities"]["chi"]["symbol"] == "χ"
    assert document["findings"][0]["effect"][0]["value"] == 0.8


def test_derived_numbers_are_those_of_the_comparison() -> None:
    record = long_transformer(260)
    for entry, comparison in zip(json.loads(to_json(record))["comparisons"], record.comparisons, strict=True):
        assert entry["z"] == comparison.z_score
        assert entry["ratio"] == comparison.ratio
        assert entry["verdict"] == comparison.verdict.name


def test_numbers_that_json_lacks_are_null_and_come_back_as_nan() -> None:
    text = to_json(long_transformer())
    assert not {"NaN", "Infinity"} & set(text.replace(",", " ").split())
    lost = [m for m in (c.measurement for c in from_json(text).comparisons) if not math.isfinite(m.value)]
    assert len(lost) == 5
    assert all(math.isnan(m.value) for m in lost)


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(0, 1e300),
    st.text(),
    st.integers(0, 9),
    st.lists(st.tuples(st.text(), st.floats(allow_nan=False, allow_infinity=False)), max_size=3),
)
def test_any_place_and_value_survive(
    value: float, error: float, path: str, call: int, coordinates: list
) -> None:
    where = Where(path, call, coordinates=tuple(coordinates))
    comparison = pair("mean", where, value, error, value, error)
    record = BenchRecord(path, "x", Training.FRESH, path, Table(), Table([comparison]), notes=(path,))
    assert from_json(to_json(record)) == record


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not json", "a JSON report of lensmaker, but got JSONDecodeError"),
        ("[]", "a JSON report of lensmaker, but got TypeError"),
        ("{}", "a JSON report of lensmaker, but got KeyError: 'schema'"),
        ('{"schema": "lensmaker.bench", "version": 99}', "version 1, but got lensmaker.bench version 99"),
    ],
)
def test_other_documents_are_refused_in_one_sentence(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        from_json(text)

"""A table keeps its records, and turns them into columns, JSON, a data frame and HTML without a loss."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import pytest

from lensmaker.core import (
    BenchRecord,
    Comparison,
    Convergence,
    Finding,
    Measurement,
    Prediction,
    Regime,
    Table,
    Training,
    Where,
    flatten,
    jsonable,
    quantity,
)

CHI = quantity("chi")


def fact(path: str, predicted: float, measured: float, outside: str = "") -> Comparison:
    where = Where(path, operation="relu")
    convergence = Convergence.CONVERGED if math.isfinite(measured) else Convergence.NOT_FINITE
    return Comparison(
        Prediction(CHI, where, predicted, 0.3, "mean_field", Regime(outside)),
        Measurement(CHI, where, measured, 0.4, "signals", 64, convergence),
    )


FACTS = Table([fact("a", 1.0, 1.0), fact("b", 0.0, math.nan, "no <law>"), fact("c", 1.0, math.inf)])


def test_columns_spell_a_comparison_out() -> None:
    columns = FACTS.columns
    assert list(columns) == [
        "quantity",
        "where",
        "predicted",
        "predicted_error",
        "measured",
        "measured_error",
        "ratio",
        "z",
        "verdict",
        "theory",
        "regime",
        "instrument",
        "samples",
        "convergence",
    ]
    assert {name: column[0] for name, column in columns.items()} == {
        "quantity": "chi",
        "where": "a:relu",
        "predicted": 1.0,
        "predicted_error": 0.3,
        "measured": 1.0,
        "measured_error": 0.4,
        "ratio": 1.0,
        "z": 0.0,
        "verdict": "agrees",
        "theory": "mean_field",
        "regime": "inside",
        "instrument": "signals",
        "samples": 64,
        "convergence": "converged",
    }
    assert columns["where"] == ["a:relu", "b:relu", "c:relu"]
    assert columns["regime"] == ["inside", "no <law>", "inside"]
    assert columns["convergence"][1] == Convergence.NOT_FINITE.value


def test_columns_of_unlike_records_are_filled_with_none() -> None:
    @dataclass(frozen=True)
    class Point:
        x: float

    @dataclass(frozen=True)
    class Named:
        name: str
        x: float

    assert Table([Point(1.0), Named("n", 2.0), 3.0]).columns == {
        "x": [1.0, 2.0, None],
        "name": [None, "n", None],
        "value": [None, None, 3.0],
    }


def test_empty_table() -> None:
    empty: Table[Where] = Table()
    assert (len(empty), empty.columns, json.loads(empty.to_json()), len(empty.to_frame())) == (0, {}, [], 0)


def test_a_table_is_an_immutable_sequence() -> None:
    a, b, c = FACTS
    assert FACTS[0] is a
    assert FACTS[-1] is c
    assert FACTS[1:] == Table([b, c])
    assert isinstance(FACTS[1:], Table)
    assert b in FACTS
    assert FACTS[:1] + FACTS[1:] == FACTS
    assert hash(FACTS[:1] + FACTS[1:]) == hash(FACTS)
    assert (a, b, c) != FACTS
    assert Table([a, b]) != Table([b, a])
    assert repr(FACTS) == "Table(3 records)"
    with pytest.raises(TypeError, match="does not support item assignment"):
        FACTS[0] = a  # type: ignore[index]


def test_a_printed_table_shows_its_records() -> None:
    heading, *rows = str(FACTS).splitlines()
    assert heading.split()[:3] == ["quantity", "where", "predicted"]
    assert len(rows) == 3
    assert "a:relu" in rows[0]
    long = str(Table(Where(f"layer{i}") for i in range(1000)))
    assert len(long.splitlines()) < 70
    assert "layer0" in long
    assert "layer999" in long


def test_select() -> None:
    assert FACTS.select(where="a:relu", verdict="agrees") == FACTS[:1]
    assert FACTS.select(where="a:relu", verdict="deviates") == Table()
    assert FACTS.select(quantity="chi") == FACTS
    assert FACTS.select(no_such_field=1) == Table()


def test_json_has_null_for_what_json_lacks() -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    first, second, third = json.loads(FACTS.to_json(), parse_constant=refuse)
    assert (first["measured"], first["z"], first["samples"]) == (1.0, 0.0, 64)
    assert (second["measured"], second["ratio"], second["z"]) == (None, None, None)
    assert (third["measured"], third["z"], third["measured_error"]) == (None, None, 0.4)
    assert json.loads(Table([Where("µ")]).to_json())[0]["path"] == "µ"
    assert "µ" in Table([Where("µ")]).to_json()


def test_numbers_survive_json_bitwise() -> None:
    value = 0.1 + 0.2
    (row,) = json.loads(Table([fact("a", value, value / 3)]).to_json())
    assert (row["predicted"], row["measured"]) == (value, value / 3)


def test_frame_has_the_rows_and_the_columns_in_order() -> None:
    frame = FACTS.to_frame()
    assert list(frame.columns) == list(FACTS.columns)
    assert frame["where"].tolist() == ["a:relu", "b:relu", "c:relu"]
    assert frame["measured"].dtype == float
    assert frame["samples"].dtype == int
    assert math.isnan(frame["measured"][1])


def test_html_escapes_and_shows_every_row() -> None:
    html = FACTS._repr_html_()
    assert html.count("<tr") == 4
    assert "no &lt;law&gt;" in html
    assert "<law>" not in html


@pytest.mark.parametrize(
    ("value", "json_value"),
    [
        (math.nan, None),
        (-math.inf, None),
        (-0.5, -0.5),
        (True, True),
        ("χ", "χ"),
        (None, None),
        ((1, (2.0, math.nan)), [1, [2.0, None]]),
        ({("a", 1): math.inf, "b": [1]}, {"('a', 1)": None, "b": [1]}),
        (CHI, "chi"),
        (Where("a", call=2), "a@2"),
        (Regime(), "inside"),
        (Regime("no law"), "no law"),
        (Convergence.CONVERGED, "converged"),
        (Convergence.NOT_FINITE, Convergence.NOT_FINITE.value),
        (Training.FRESH, Training.FRESH.value),
        (Table([1, math.nan]), [{"value": 1}, {"value": None}]),
    ],
)
def test_jsonable(value: object, json_value: object) -> None:
    assert jsonable(value) == json_value


def test_a_bench_record_becomes_json() -> None:
    effect = Prediction(CHI, Where("a"), 1.0, 0.1, "mean_field")
    finding = Finding(
        "depth_collapse",
        Where("a"),
        "why",
        "chi",
        0.3,
        math.inf,
        "how",
        (("a.weight", 1.8),),
        "what",
        (effect,),
    )
    record = BenchRecord("Net", "64 × 3", Training.FRESH, "spectra", Table(), FACTS, findings=(finding,))
    text = json.loads(json.dumps(jsonable(record), allow_nan=False))
    assert [row["where"] for row in text["comparisons"]] == ["a:relu", "b:relu", "c:relu"]
    assert text["findings"][0]["where"] == "a"
    assert text["findings"][0]["bound"] is None
    assert text["findings"][0]["factors"] == [["a.weight", 1.8]]
    assert text["findings"][0]["effect"][0]["quantity"] == "chi"
    assert text["training"] == Training.FRESH.value
    assert text["corrected"] == []


def test_flatten_shows_regime_and_place_of_a_prediction() -> None:
    prediction = Prediction(CHI, Where("a"), 1.0, 0.1, "mean_field", Regime("no law"))
    assert flatten(prediction) == {
        "quantity": "chi",
        "where": "a",
        "value": 1.0,
        "error": 0.1,
        "theory": "mean_field",
        "regime": "no law",
    }

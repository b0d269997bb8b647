"""Predictions and measurements meet at the same quantity and the same place, and only there."""

from __future__ import annotations

from lensmaker.core import Measurement, Prediction, Where, compare, quantity


def predicted(name: str, where: Where, value: float = 1.0) -> Prediction:
    return Prediction(quantity(name), where, value, 0.1, "theory")


def measured(name: str, where: Where, value: float = 1.0) -> Measurement:
    return Measurement(quantity(name), where, value, 0.1, "instrument", 8)


A, AGAIN, B = Where("a"), Where("a", call=1), Where("b")


def test_pairs_and_what_has_no_partner() -> None:
    predictions = [
        predicted("chi", B, 2.0),
        predicted("chi", A, 3.0),
        predicted("mean", A),
        predicted("chi", AGAIN),
    ]
    measurements = [measured("chi", A, 5.0), measured("mean", B), measured("chi", B, 7.0)]
    pairs, unmeasured, unpredicted = compare(predictions, measurements)
    assert [(c.where, c.prediction.value, c.measurement.value) for c in pairs] == [
        (B, 2.0, 7.0),
        (A, 3.0, 5.0),
    ]
    assert list(unmeasured) == predictions[2:]
    assert list(unpredicted) == [measurements[1]]


def test_each_measurement_is_used_once() -> None:
    pairs, unmeasured, _ = compare([predicted("chi", A, 2.0), predicted("chi", A, 3.0)], [measured("chi", A)])
    assert [c.prediction.value for c in pairs] == [2.0]
    assert [p.value for p in unmeasured] == [3.0]


def test_any_iterable_and_nothing_at_all() -> None:
    pairs, unmeasured, unpredicted = compare(iter([predicted("chi", A)]), (m for m in [measured("chi", A)]))
    assert (len(pairs), len(unmeasured), len(unpredicted)) == (1, 0, 0)
    assert [len(t) for t in compare([], [])] == [0, 0, 0]

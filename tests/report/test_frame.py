"""The data frame: one row for each quantity at each place, nothing lost."""

from __future__ import annotations

import pandas as pd

from lensmaker.core import BenchRecord, Table, Training
from lensmaker.report import to_frame
from report.records import collapsing_mlp, long_transformer, residual_network


def test_one_row_for_each_fact() -> None:
    record = residual_network()
    frame = to_frame(record)
    assert len(frame) == len(record.comparisons) + len(record.measurements)
    alone = frame[frame["predicted"].isna()]
    assert set(alone["quantity"]) == {"operator_norm"}
    assert alone["verdict"].isna().all()
    assert list(alone["measured"]) == [m.value for m in record.measurements]


def test_predictions_without_a_partner_are_rows() -> None:
    record = long_transformer(60)
    alone = to_frame(record).query("quantity == 'mean'")
    assert len(alone) == len(record.predictions)
    assert set(alone["theory"]) == {"mean_field"}
    assert alone["measured"].isna().all()


def test_values_stand_in_their_columns() -> None:
    record = collapsing_mlp()
    frame = to_frame(record).set_index(["where", "quantity"])
    for c in record.comparisons:
        row = frame.loc[str(c.where), c.quantity.name]
        assert (row["predicted"], row["predicted_error"]) == (c.prediction.value, c.prediction.error)
        assert (row["measured"], row["measured_error"]) == (c.measurement.value, c.measurement.error)
        assert (row["z"], row["ratio"], row["verdict"]) == (c.z_score, c.ratio, c.verdict.value)
        assert row["path"] == c.where.path


def test_the_corrected_network_has_its_own_rows() -> None:
    record = collapsing_mlp(corrected=True)
    frame = to_frame(record)
    corrected = frame[frame["stage"] == "corrected"]
    assert len(corrected) == len(record.corrected) == 34
    assert sorted(corrected["measured"]) == sorted(c.measurement.value for c in record.corrected)


def test_kinds_of_columns_do_not_depend_on_the_rows() -> None:
    empty = to_frame(BenchRecord("net", "x", Training.FRESH, "", Table(), Table()))
    full = to_frame(residual_network())
    assert list(empty.columns) == list(full.columns)
    for frame in (empty, full):
        assert isinstance(frame["element"].dtype, pd.Int64Dtype)
        assert frame["z"].dtype == "float64"

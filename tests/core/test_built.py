"""What training built: which weights count as changed, and in which order they stand."""

from __future__ import annotations

import math

import pytest

from lensmaker.core import (
    INSIDE,
    Comparison,
    Measurement,
    Origin,
    Prediction,
    Regime,
    Where,
    quantity,
    what_training_built,
)

FC = Where("fc", operation="linear")


def pair(name: str, z: float, where: Where = FC, regime: Regime = INSIDE) -> Comparison:
    """A comparison that is z errors of one per cent apart."""
    q = quantity(name)
    return Comparison(
        Prediction(q, where, 10.0, 0.1, "null", regime),
        Measurement(q, where, 10.0 * math.exp(0.01 * z), 0.0, "spectra", 100),
    )


def spikes(n: float, where: Where = FC) -> Measurement:
    return Measurement(quantity("spikes"), where, n, 0.0, "spectra", 100)


@pytest.mark.parametrize(
    ("edge", "rank", "origin"),
    [
        (0.0, 0.0, Origin.DRAWN),
        (4.9, -4.9, Origin.DRAWN),
        (5.1, 0.0, Origin.BUILT),
        (0.0, -5.1, Origin.BUILT),
        (5.1, 5.1, Origin.BUILT),
        (-9.0, 0.0, Origin.DRAWN),  # a low edge alone is no trace of training
        (-9.0, 5.1, Origin.UNTOLD),  # as of an orthogonal matrix
    ],
)
def test_origin(edge: float, rank: float, origin: Origin) -> None:
    (found,) = what_training_built(
        [FC], [pair("edge_ratio", edge), pair("effective_rank", rank)], [spikes(2)]
    )
    assert found.origin is origin
    assert found.rank_left == pytest.approx(math.exp(0.01 * rank))


def test_outside_the_regime_nothing_is_told() -> None:
    few = Regime("few rows")
    pairs = [pair("edge_ratio", 9.0, regime=few), pair("effective_rank", -9.0, regime=few)]
    (found,) = what_training_built([FC], pairs, [spikes(1)])
    assert (found.origin, found.rank_left) == (Origin.UNTOLD, 1.0)


def test_all_four_departures_are_kept_and_others_left() -> None:
    pairs = [pair(name, 1.0) for name in ("edge_ratio", "effective_rank", "chi", "second_moment")]
    (found,) = what_training_built([FC], [*pairs, pair("chi", 2.0, Where("other"))], [spikes(3)])
    assert (found.edge, found.rank, found.chi, found.correlation) == (*pairs[:3], None)
    assert found.spikes == 3


def test_the_order_is_that_of_the_signal() -> None:
    rnn, head = Where("rnn", operation="gru"), Where("head", operation="linear")
    places = [head, Where("rnn.weight_hh_l0", operation="gru"), FC, Where("lost")]
    found = what_training_built([FC, rnn, head], [], [spikes(0, place) for place in places])
    assert [str(b.where) for b in found] == ["fc:linear", "rnn.weight_hh_l0:gru", "head:linear", "lost"]


def test_a_weight_that_is_not_finite_has_no_row() -> None:
    assert len(what_training_built([FC], [], [spikes(math.nan)])) == 0


def test_columns_name_both_sides_of_each_departure() -> None:
    rank = pair("effective_rank", -7.0)
    columns = what_training_built([FC], [rank], [spikes(1)]).columns
    assert columns["rank"] == [rank.measurement.value]
    assert (columns["rank_null"], columns["rank_error"], columns["rank_z"]) == ([10.0], [0.1], [rank.z_score])
    assert columns["rank_verdict"] == ["deviates"]
    assert columns["chi"] == [None]
    assert columns["origin"] == ["changed by training"]

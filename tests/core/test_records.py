"""A comparison: its z-score on both scales, and a verdict that blames the right side."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensmaker.core import (
    AGREEMENT_Z,
    INSIDE,
    QUANTITIES,
    Comparison,
    Convergence,
    Measurement,
    Prediction,
    Quantity,
    Regime,
    Scale,
    Verdict,
    Where,
    quantity,
)

LINEAR, LOG = quantity("mean"), quantity("second_moment")
HERE = Where("fc", operation="linear")


def compare(
    predicted: tuple[float, float],
    measured: tuple[float, float],
    of: Quantity = LINEAR,
    regime: Regime = INSIDE,
    convergence: Convergence = Convergence.CONVERGED,
) -> Comparison:
    return Comparison(
        Prediction(of, HERE, *predicted, "theory", regime),
        Measurement(of, HERE, *measured, "instrument", 100, convergence),
    )


@pytest.mark.parametrize(
    ("of", "predicted", "measured", "z"),
    [
        # differences, with errors 3, 4 → 5: (12 − 2) / 5
        (LINEAR, (2.0, 3.0), (12.0, 4.0), 2.0),
        (LINEAR, (12.0, 3.0), (2.0, 4.0), -2.0),
        (LINEAR, (-1.0, 0.0), (1.0, 0.5), 4.0),
        # ratios: relative errors 0.3, 0.4 → 0.5, and ln(e) = 1
        (LOG, (1.0, 0.3), (math.e, 0.4 * math.e), 2.0),
        (LOG, (10 * math.e, 3 * math.e), (10.0, 4.0), -2.0),
        # a relative error that only one side has
        (LOG, (2.0, 0.0), (4.0, 0.4), math.log(2) / 0.1),
        (LOG, (2.0, 0.2), (4.0, 0.0), math.log(2) / 0.1),
        # no logarithm of what is not positive: differences again
        (LOG, (0.0, 0.3), (1.0, 0.4), 2.0),
        (LOG, (1.0, 0.3), (0.0, 0.4), -2.0),
    ],
)
def test_z_score(
    of: Quantity, predicted: tuple[float, float], measured: tuple[float, float], z: float
) -> None:
    assert compare(predicted, measured, of).z_score == pytest.approx(z, rel=1e-12)


@pytest.mark.parametrize("of", [LINEAR, LOG])
def test_z_score_without_errors(of: Quantity) -> None:
    assert compare((1.5, 0.0), (1.5, 0.0), of).z_score == 0.0
    assert compare((1.5, 0.0), (1.6, 0.0), of).z_score == math.inf
    assert compare((1.5, 0.0), (1.4, 0.0), of).z_score == -math.inf


positive = st.floats(1e-6, 1e6)
relative = st.floats(1e-3, 1.0)


@given(p=positive, dp=relative, m=positive, dm=relative, unit=st.floats(1e-3, 1e3))
@pytest.mark.parametrize("scale", Scale)
def test_z_score_knows_no_unit_and_no_side(
    scale: Scale, p: float, dp: float, m: float, dm: float, unit: float
) -> None:
    """It stays when both are measured in another unit, and turns its sign when the two change places."""
    of = dataclasses.replace(LINEAR, scale=scale)
    z = compare((p, p * dp), (m, m * dm), of).z_score
    assert compare((p * unit, p * dp * unit), (m * unit, m * dm * unit), of).z_score == pytest.approx(
        z, 1e-6, 1e-9
    )
    assert compare((m, m * dm), (p, p * dp), of).z_score == pytest.approx(-z, 1e-12)


def test_ratio() -> None:
    assert compare((4.0, 1.0), (1.0, 1.0)).ratio == 0.25
    assert math.isnan(compare((0.0, 1.0), (1.0, 1.0)).ratio)


OUTSIDE = Regime("an LSTM has no law")


@pytest.mark.parametrize(
    ("deviation", "verdict"),
    [
        (0.0, Verdict.AGREES),
        (AGREEMENT_Z - 1e-9, Verdict.AGREES),
        (-AGREEMENT_Z + 1e-9, Verdict.AGREES),
        (AGREEMENT_Z, Verdict.DEVIATES),
        (-AGREEMENT_Z, Verdict.DEVIATES),
        (math.inf, Verdict.DEVIATES),
        (math.nan, Verdict.DEVIATES),
    ],
)
def test_verdict_by_deviation(deviation: float, verdict: Verdict) -> None:
    assert compare((0.0, 0.6), (deviation, 0.8)).verdict is verdict


def test_agreement_is_three_standard_errors() -> None:
    """A false alarm in 370 for a calibrated pair."""
    assert math.erfc(AGREEMENT_Z / math.sqrt(2)) == pytest.approx(1 / 370.4, rel=1e-3)


@pytest.mark.parametrize("measured", [(0.0, 1.0), (100.0, 1.0)])
def test_a_theory_outside_its_regime_is_never_refuted(measured: tuple[float, float]) -> None:
    assert compare((0.0, 1.0), measured, regime=OUTSIDE).verdict is Verdict.OUTSIDE


@pytest.mark.parametrize("regime", [INSIDE, OUTSIDE])
@pytest.mark.parametrize("convergence", [state for state in Convergence if state.name != "CONVERGED"])
@pytest.mark.parametrize("measured", [(0.0, 1.0), (100.0, 1.0)])
def test_what_has_not_converged_refutes_nothing(
    measured: tuple[float, float], convergence: Convergence, regime: Regime
) -> None:
    assert compare((0.0, 1.0), measured, LINEAR, regime, convergence).verdict is Verdict.NOT_CONVERGED


@pytest.mark.parametrize(
    "other", [{"quantity": LOG}, {"where": Where("fc", call=1, operation="linear")}, {"where": Where("fc")}]
)
def test_only_like_is_compared_with_like(other: dict[str, object]) -> None:
    fact = compare((1.0, 0.1), (1.0, 0.1))
    with pytest.raises(ValueError, match="the same quantity at the same place"):
        Comparison(fact.prediction, dataclasses.replace(fact.measurement, **other))


def test_a_comparison_is_of_the_quantity_and_the_place_of_its_prediction() -> None:
    fact = compare((1.0, 0.1), (1.0, 0.1), LOG)
    assert (fact.quantity, fact.where) == (LOG, HERE)


@pytest.mark.parametrize("convergence", Convergence)
def test_numerical_failure_comes_with_advice(convergence: Convergence) -> None:
    advice = convergence.value
    assert (advice == "") == (convergence is Convergence.CONVERGED)
    assert not advice or ": " in advice, "what happened: what to do"


def test_records_cannot_be_changed() -> None:
    fact = compare((1.0, 0.1), (1.0, 0.1))
    for record, field in ((fact, "prediction"), (fact.prediction, "value"), (fact.measurement, "value")):
        with pytest.raises(dataclasses.FrozenInstanceError, match=field):
            setattr(record, field, getattr(record, field))


def test_every_standard_quantity_can_be_compared() -> None:
    for of in QUANTITIES:
        assert compare((1.0, 0.1), (1.1, 0.1), of).verdict is Verdict.AGREES

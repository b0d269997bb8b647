"""What follows from a number, its null and its controls."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lensmaker.core import InputError
from lensmaker.numerics.resampling import Estimate
from lensmaker.phenomena.finding import Judgement, judged, over_trainings

NULL = ("a uniform field", 0.05)


@pytest.mark.parametrize(
    ("value", "controls", "expected"),
    [
        (Estimate(0.60, 0.02), {}, Judgement.SUPPORTED),
        (Estimate(0.60, 0.02), {"K = 0": Estimate(0.06, 0.02)}, Judgement.SUPPORTED),
        (
            Estimate(0.60, 0.02),
            {"K = 0": Estimate(0.06, 0.02), "shuffled": Estimate(0.58, 0.02)},
            Judgement.ARTEFACT,
        ),
        (Estimate(0.60, 0.02), {"K = 0": Estimate(0.90, 0.02)}, Judgement.ARTEFACT),
        (Estimate(0.60, 0.02), {"K = 0": Estimate(0.30, 0.02)}, Judgement.SUPPORTED),
        (Estimate(0.60, 0.02), {"K = 0": Estimate(0.35, 0.02)}, Judgement.ARTEFACT),
        (Estimate(0.60, 0.02), {"K = 0": Estimate(0.35, 0.15)}, Judgement.UNDECIDED),
        (Estimate(0.10, 0.02), {}, Judgement.NOT_SUPPORTED),
        (Estimate(0.01, 0.001), {}, Judgement.NOT_SUPPORTED),
        (Estimate(0.10, 0.02), {"K = 0": Estimate(0.9, 0.02)}, Judgement.NOT_SUPPORTED),
        (Estimate(0.60, math.inf), {}, Judgement.UNDECIDED),
        (Estimate(math.nan, 0.1), {}, Judgement.UNDECIDED),
        (Estimate(0.60, 0.02), {"K = 0": Estimate(math.nan, 0.02)}, Judgement.UNDECIDED),
    ],
)
def test_the_rule(value: Estimate, controls: dict[str, Estimate], expected: Judgement) -> None:
    found = judged("it is local", value, NULL, controls, trainings=1000)
    assert found.judgement is expected
    assert found.reason
    assert found.to_dict()["judgement"] == expected.value


def test_few_trainings_take_more() -> None:
    """Of normal numbers without any effect one in 741 is called larger; 20 000 times five: 27 ± 5.2, |z| < 4."""
    draws = np.random.default_rng(0).normal(size=(20_000, 5))
    found = [judged("", over_trainings(x.tolist()), ("", 0.0), trainings=5).judgement for x in draws]
    assert abs(found.count(Judgement.SUPPORTED) - 27) < 4 * 5.2
    assert judged("", Estimate(1.0, 0.2), ("", 0.0), trainings=5).judgement is Judgement.UNDECIDED
    assert judged("", Estimate(1.0, 0.1), ("", 0.0), trainings=5).judgement is Judgement.SUPPORTED
    one = judged("", Estimate(1.0, 0.01), ("", 0.0), trainings=1)
    assert one.judgement is Judgement.UNDECIDED


def test_an_error_is_of_trainings_not_of_units() -> None:
    assert over_trainings([1.0, 2.0, 4.0]).error == pytest.approx(math.sqrt(7 / 3 / 3))
    assert over_trainings([1.0], spread=0.5) == Estimate(1.0, 0.5)
    assert math.isinf(over_trainings([1.0]).error)
    with pytest.raises(InputError, match="a training or more"):
        over_trainings([])


def test_what_could_not_be_measured_is_not_for_want_of_seeds() -> None:
    lost, fine = Estimate(math.nan, math.nan), Estimate(0.6, 0.01)
    assert judged("", lost, NULL, trainings=9).reason == "it could not be measured"
    assert judged("", fine, NULL, {"K = 0": lost}, trainings=9).reason == "K = 0 could not be measured"
    assert "add seeds" in judged("", Estimate(0.6, math.inf), NULL, trainings=1).reason


def test_the_bounds_of_the_rule() -> None:
    """Just below three errors, and just above; just below half, and just above; of many trainings."""

    def of(value: float, control: float | None = None) -> Judgement:
        controls = {} if control is None else {"K = 0": Estimate(control, 0.001)}
        return judged("", Estimate(value, 0.1), ("", 1.0), controls, trainings=10**9).judgement

    assert of(1.295) is Judgement.NOT_SUPPORTED
    assert of(1.305) is Judgement.SUPPORTED
    assert of(3.0, 1.995) is Judgement.SUPPORTED
    assert of(3.0, 2.005) is Judgement.ARTEFACT


def test_few_trainings_take_more_to_tell_from_a_control_too() -> None:
    """6.6 errors of both together for five of them, where three do for many."""
    value, control = Estimate(1.0, 0.03), {"K = 0": Estimate(0.75, 0.04)}
    null = ("", 0.4)
    assert (
        judged("", value, null, {"K = 0": Estimate(0.69, 0.04)}, trainings=5).judgement is Judgement.UNDECIDED
    )
    assert (
        judged("", value, null, {"K = 0": Estimate(0.66, 0.04)}, trainings=5).judgement is Judgement.SUPPORTED
    )
    assert judged("", value, null, control, trainings=10**9).judgement is Judgement.ARTEFACT
    assert judged("", value, null, control, trainings=5).reason == "K = 0 has 58% of it"

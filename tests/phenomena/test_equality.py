"""What follows from numbers that are said to be one, their margin and their controls."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lensmaker.core import InputError
from lensmaker.numerics.resampling import Estimate
from lensmaker.phenomena.equality import FAMILY, Control, Equality, judged_equal, threshold
from lensmaker.phenomena.finding import Judgement
from lensmaker.report.claims import claims_table

T_C = ("T_c", 2.0)
YES, NO = Judgement.SUPPORTED, Judgement.NOT_SUPPORTED
ARTEFACT, OPEN = Judgement.ARTEFACT, Judgement.UNDECIDED
NEAR = Estimate(2.004, 0.002)


def said(*values: Estimate, **more: object) -> Equality:
    """With a margin of 0.1 and so many trainings that three errors are what Student's t demands of one value."""
    named = {f"case {k}": value for k, value in enumerate(values)}
    return judged_equal("it is T_c", named, T_C, 0.1, **{"trainings": 100_000} | more)


@pytest.mark.parametrize(
    ("value", "expected", "reason"),
    [
        (Estimate(2.00, 0.01), YES, "within the errors"),
        (Estimate(2.02, 0.01), YES, "within the errors"),
        (Estimate(1.98, 0.01), YES, "within the errors"),
        (Estimate(2.04, 0.01), OPEN, "by less than"),  # another number, within the margin
        (Estimate(1.96, 0.01), OPEN, "by less than"),
        (Estimate(2.02, 0.03), OPEN, "too few seeds"),  # might be 2.11
        (Estimate(1.98, 0.03), OPEN, "too few seeds"),
        (Estimate(2.00, 0.04), OPEN, "too few seeds"),
        (Estimate(2.00, 40.0), OPEN, "too few seeds"),  # equal to anything
        (Estimate(2.11, 0.01), OPEN, "too few seeds"),  # might be 2.09
        (Estimate(2.14, 0.01), NO, "differ from 2 (T_c) by more than 0.1: case 0"),
        (Estimate(1.86, 0.01), NO, "by more than"),
        (Estimate(2.00, 0.0), YES, "within the errors"),
        (Estimate(2.00, math.inf), OPEN, "an error is unknown"),
        (Estimate(2.50, math.inf), OPEN, "an error is unknown"),
        (Estimate(math.nan, 0.01), OPEN, "an error is unknown"),
    ],
)
def test_the_rule_for_one_value(value: Estimate, expected: Judgement, reason: str) -> None:
    found = said(value)
    assert found.judgement is expected
    assert reason in found.reason
    assert found.to_dict()["judgement"] == expected.value


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((NEAR, NEAR), YES),
        ((NEAR, Estimate(2.2, 0.01)), NO),
        ((Estimate(2.2, 0.01), NEAR), NO),
        ((NEAR, Estimate(2.02, 0.05)), OPEN),
        ((Estimate(2.2, 0.01), Estimate(2.02, 0.05)), NO),  # one that is surely another is enough
        ((Estimate(2.2, 0.01), Estimate(math.nan, math.nan)), NO),
        ((NEAR, Estimate(math.nan, math.nan)), OPEN),
    ],
)
def test_each_of_the_values_has_to_be_the_target(values: tuple[Estimate, ...], expected: Judgement) -> None:
    assert said(*values).judgement is expected


def test_what_did_not_converge_decides_nothing_and_is_named() -> None:
    found = said(NEAR, NEAR, unsettled=["64 units"])
    assert (found.judgement, found.reason) == (OPEN, "not converged: 64 units")
    refuted = said(NEAR, Estimate(2.5, 0.01), unsettled=["64 units"])
    assert refuted.judgement is NO
    assert refuted.reason.endswith("case 1; not converged: 64 units")
    assert said(unsettled=["16 units", "64 units"]).reason == "not converged: 16 units; 64 units"
    assert "64 units" not in found.values


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        (Control(Estimate(1.80, 0.01), 1.8), ARTEFACT),  # where it would be without the cause
        (Control(Estimate(1.85, 0.01), 1.8), ARTEFACT),  # nearer to that
        (Control(Estimate(1.60, 0.01), 1.8), ARTEFACT),  # beyond it
        (Control(Estimate(2.00, 0.01), 1.8), YES),  # the target, too: that is what draws it
        (Control(Estimate(1.95, 0.01), 1.8), YES),
        (Control(Estimate(2.60, 0.01), 3.0), ARTEFACT),
        (Control(Estimate(2.05, 0.01), 3.0), YES),
        (Control(Estimate(1.91, 0.01), 1.8), OPEN),  # halfway
        (Control(Estimate(1.85, 0.05), 1.8), OPEN),
        (Control(Estimate(1.80, math.inf), 1.8), OPEN),
    ],
)
def test_a_control_that_is_where_nothing_draws_it_makes_an_artefact(
    control: Control, expected: Judgement
) -> None:
    found = said(NEAR, controls={"T = 1.8": control})
    assert found.judgement is expected
    assert found.to_dict()["controls_own"] == {"T = 1.8": control.own}


def test_one_of_two_controls_is_enough_and_none_counts_without_equality() -> None:
    own, drawn = Control(Estimate(1.8, 0.01), 1.8), Control(Estimate(2.0, 0.01), 3.0)
    assert said(NEAR, controls={"a": drawn, "b": own}).judgement is ARTEFACT
    assert said(NEAR, controls={"a": drawn, "b": drawn}).judgement is YES
    assert said(Estimate(2.5, 0.01), controls={"b": own}).judgement is NO
    assert said(Estimate(2.0, 0.5), controls={"b": own}).judgement is OPEN


def test_a_false_word_is_as_rare_as_is_said() -> None:
    """Six normal numbers of five trainings, 6000 times; each rate in four standard deviations."""
    draws = np.random.default_rng(0).normal(size=(6000, 6, 5))
    means, errors = draws.mean(2), draws.std(2, ddof=1) / math.sqrt(5)

    def counted(*centres: float, margin: float) -> dict[Judgement, int]:
        found = []
        for row in np.stack([means + centres, errors], 2).tolist():
            values = {f"{k}": Estimate(*pair) for k, pair in enumerate(row)}
            found.append(judged_equal("", values, ("", 0.0), margin, trainings=5).judgement)
        return {judgement: found.count(judgement) for judgement in Judgement}

    expected = 6000 * FAMILY
    equal = counted(*[0.0] * 6, margin=100.0)  # every error is small enough
    assert abs(equal[OPEN] - expected) < 4 * math.sqrt(expected)
    assert equal[YES] == 6000 - equal[OPEN]
    at_the_edge = counted(*[20.0, -20.0] * 3, margin=20.0)
    assert abs(at_the_edge[NO] - expected / 2) < 4 * math.sqrt(expected / 2)
    assert counted(*[0.0] * 5, 10.0, margin=10.0)[YES] < expected / 2 + 4 * math.sqrt(expected / 2)


def test_few_trainings_demand_more() -> None:
    assert threshold(3, 7) > threshold(8, 7) > threshold(8, 1) > threshold(100_000, 1)
    assert threshold(2, 1) == pytest.approx(1 / math.tan(math.pi * FAMILY / 2), rel=1e-9)  # Cauchy's law
    assert said(Estimate(2.0, 0.03), trainings=100_000).judgement is YES
    assert said(Estimate(2.0, 0.03), trainings=3).judgement is OPEN
    assert said(NEAR, trainings=1).judgement is OPEN


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(InputError, match="a margin above zero"):
        judged_equal("", {"a": NEAR}, T_C, 0.0, trainings=5)
    with pytest.raises(InputError, match="a margin above zero"):
        judged_equal("", {"a": NEAR}, T_C, math.nan, trainings=5)
    with pytest.raises(InputError, match="a value or more"):
        judged_equal("", {}, T_C, 0.1, trainings=5)
    with pytest.raises(InputError, match=r"a control away from T_c by more than 0\.1, but got T = T_c at 2"):
        said(NEAR, controls={"T = T_c": Control(NEAR, 2.0)})


def test_the_table_shows_each_value_its_target_and_its_controls() -> None:
    controls = {"T = 1.8": Control(Estimate(1.81, 0.01), 1.8)}
    found = said(NEAR, Estimate(1.99, 0.01), unsettled=["64 units"], controls=controls)
    table = claims_table([found.to_dict()])
    cells = {str(column.header): str(next(iter(column.cells))) for column in table.columns}
    assert cells == {
        "claim": "it is T_c",
        "measured": "case 0: 2.0040 ± 0.0020\ncase 1: 1.990 ± 0.010\n64 units: not converged",
        "compared with": "= 2 within 0.1 (T_c)",
        "controls": "T = 1.8: 1.810 ± 0.010 (its own: 1.8)",
        "judgement": "undecided: not converged: 64 units",
    }

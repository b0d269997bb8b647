"""`examples/field_equation.py --quick` prints what its page says, and draws."""

from __future__ import annotations

import math

import pytest

from test_examples import example


@pytest.mark.slow
def test_networks_as_field_equations(capsys: pytest.CaptureFixture[str]) -> None:
    found = example("field_equation").main(quick=True)
    for row in found["photograph"]:
        assert row[1:4] == pytest.approx(row[4:7], rel=0.03)
    raw, _, two = found["photograph"]
    assert raw[3] > 0.3
    assert two[3] < 0.011
    layers, within, least, most, ratio, spread = found["errors"]["fresh ResNet"][:6]
    assert (layers, within) == (11, 0)
    assert 0.3 < least < most < 1.3
    assert abs(math.log(ratio)) < 0.1 > spread - 0.05
    for name, mean in (("fresh ResNet", 1.0), ("svhn_net", 0.87)):
        assert found["spreads"][name][3] == pytest.approx(mean, abs=0.05)
    assert "What the centre listens to" in capsys.readouterr().out

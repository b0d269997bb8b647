"""`examples/how_physical.py --quick` finds a magnet local and symmetric, and moved pixels neither."""

from __future__ import annotations

import math

import pytest

from test_examples import example


@pytest.mark.slow
def test_how_physical(capsys: pytest.CaptureFixture[str]) -> None:
    found = {subject.name: subject for subject in example("how_physical").main(quick=True)}
    hot, warm, elsewhere, digits, moved, dealt = list(found.values())[:6]
    for magnet in (hot, warm):
        for name in ("coupling_distance", "translation_share", "reflection_share"):
            here = magnet.form(name)[0]
            assert abs(here.value - 1) < 4 * here.error < 0.2
    assert warm.share(2).value > hot.share(2).value + 4 * hot.share(2).error
    for ordered, shuffled in ((warm, elsewhere), (digits, moved)):
        assert shuffled.share(2).value == pytest.approx(ordered.share(2).value, abs=1e-6)
        for name in ("translation_share", "reflection_share"):
            assert ordered.form(name)[0].value > shuffled.form(name)[0].value + 0.2
        here, random = shuffled.form("coupling_distance")
        assert abs(here.value - random.value) < 4 * random.error
    assert all(math.isnan(dealt.form(name)[0].value) for name in ("coupling_distance", "reflection_share"))
    clothes = next(subject for name, subject in found.items() if name.startswith("clothes"))
    here, random = clothes.form("coupling_distance")
    assert here.value < random.value - 2 * random.error
    assert "none" in capsys.readouterr().out

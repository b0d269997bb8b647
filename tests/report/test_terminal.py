"""The terminal report: what must be said is said, and it fits the width."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from lensmaker.core import (
    QUANTITIES,
    BenchRecord,
    Comparison,
    Measurement,
    Prediction,
    Table,
    Training,
    Where,
    quantity,
)
from lensmaker.report import prescription_table, quantities_table, references, render, table
from lensmaker.report.numbers import number
from report.records import collapsing_mlp, long_transformer, residual_network


def printed(renderable: object, width: int = 100, colour: bool = False) -> str:
    out = io.StringIO()
    system = "standard" if colour else None
    Console(file=out, width=width, force_terminal=colour, color_system=system, legacy_windows=False).print(
        renderable
    )
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 100, 160])
@pytest.mark.parametrize("make", [collapsing_mlp, residual_network, long_transformer])
def test_lines_fit_and_findings_come_first(make, width: int) -> None:
    record = make()
    text = printed(render(record), width)
    assert max(map(len, text.splitlines())) <= width
    assert record.model in text
    assert text.index("finding 1") < text.index("element ")
    flat = " ".join(re.sub("[│╭╮╰╯─]", " ", text).split())
    for finding in record.findings:
        for words in (str(finding.where), finding.cause, finding.correction, finding.predicted_effect):
            assert " ".join(words.split()) in flat


def test_every_element_of_a_short_train_has_its_numbers() -> None:
    record = collapsing_mlp()
    text = printed(render(record), 160)
    lines = {words[1]: words[2:] for words in map(str.split, text.splitlines()) if len(words) == 14}
    at = Where("layers.18", operation="linear")
    for place, name in enumerate(("second_moment", "correlation", "chi", "gradient")):
        (c,) = (c for c in record.comparisons if c.where == at and c.quantity.name == name)
        predicted, measured, z = map(float, lines[str(at)][3 * place : 3 * place + 3])
        assert predicted == pytest.approx(c.prediction.value, rel=5e-3)
        assert measured == pytest.approx(c.measurement.value, rel=5e-3)
        assert z == pytest.approx(c.z_score, abs=0.0501)
    assert all(str(element.where) in text for element in record.elements)
    assert "147 of 148 comparisons agree (|z| < 3), 1 deviates" in text


def test_a_long_train_shows_what_is_notable_and_counts_the_rest() -> None:
    text = printed(render(long_transformer()), 160)
    rows = [line for line in text.splitlines() if re.match(r" *\d+ [ ►]", line)]
    assert len(rows) <= 45
    assert "… 199 more elements agree" in text
    assert "… 21 more elements outside the theory's regime" in text
    assert "top-2 routing picks experts by their scores" in text
    assert re.search(r"334 ►blocks\.33\.attn\.out:linear .* -10\.3", text)
    hidden = sum(int(n) for n in re.findall(r"… (\d+) more element", text))
    assert hidden + len(rows) == 500


def test_full_shows_all() -> None:
    text = printed(render(long_transformer(), full=True), 160)
    assert "more element" not in text
    assert len([line for line in text.splitlines() if re.match(r" *\d+ [ ►]", line)]) == 500


def test_verdicts_have_colours() -> None:
    text = printed(render(collapsing_mlp()), 160, colour=True)
    assert "\x1b[1;31m -6.2\x1b[0m" in text or "\x1b[1;31m-6.2\x1b[0m" in text
    assert "\x1b[32m+0.9\x1b[0m" in text or "\x1b[32m +0.9\x1b[0m" in text


def test_a_narrow_terminal_shows_all_rays_without_the_predicted_values() -> None:
    text = printed(render(collapsing_mlp()), 80)
    assert "(no room for the predicted values)" in text
    record = collapsing_mlp()
    at = Where("layers.18", operation="linear")
    line = next(line.split() for line in text.splitlines() if " " + str(at) + " " in line)
    for place, name in enumerate(("second_moment", "correlation", "chi", "gradient")):
        (c,) = (c for c in record.comparisons if c.where == at and c.quantity.name == name)
        measured, z = map(float, line[2 + 2 * place : 4 + 2 * place])
        assert measured == pytest.approx(c.measurement.value, rel=5e-2)
        assert z == pytest.approx(c.z_score, abs=0.0501)


def test_a_very_narrow_terminal_names_what_it_leaves_out() -> None:
    text = printed(render(collapsing_mlp()), 60)
    assert max(map(len, text.splitlines())) <= 60
    assert "(no room for the predicted values, χ, gradient g)" in text


def test_what_the_theory_means_for_the_network_is_said() -> None:
    fresh, trained = (" ".join(printed(render(r)).split()) for r in (collapsing_mlp(), long_transformer()))
    assert "the theory should hold here, so a deviation is news" in fresh
    assert "the theory is the null hypothesis of random weights" in trained


def test_the_corrected_network_stands_beside_the_predicted_effect() -> None:
    record = collapsing_mlp(corrected=True)
    text = printed(render(record), 160)
    before, after = text.split("after the correction")
    assert "the predicted effect beside the measured one" in after
    assert re.search(r"1 ►layers\.0:linear +0\.8 +0\.8\d* ", after)
    assert len(after.splitlines()) < len(before.splitlines())
    assert "more elements agree" in after
    assert "more elements agree" not in printed(render(record, full=True), 160)


def test_the_effect_is_a_ratio_of_gradients() -> None:
    where = [Where("a"), Where("b")]
    numbers = [(4e-6, 9e-6), (1e-6, 1e-6)]
    gradient = quantity("gradient")
    corrected = Table(
        [
            Comparison(
                Prediction(gradient, place, p, 0.1 * p, "mean_field"),
                Measurement(gradient, place, m, 0.1 * m, "gradients", 8),
            )
            for place, (p, m) in zip(where, numbers, strict=True)
        ]
    )
    record = BenchRecord("net", "x", Training.FRESH, "said so", Table(), Table(), corrected=corrected)
    assert "the gradient at a is 3 times that at b (predicted 2)" in printed(render(record))


def test_an_empty_record_says_so() -> None:
    text = printed(render(BenchRecord("net", "x (1, 2)", Training.FRESH, "said so", Table(), Table())))
    assert "nothing was both predicted and measured" in text
    assert "No findings." in text


def test_markup_in_names_is_text() -> None:
    element = collapsing_mlp().elements[0]
    record = BenchRecord(
        "[red]net[/red]", "x", Training.FRESH, "said so", Table([element]), Table(), notes=("[bold]",)
    )
    text = printed(render(record))
    assert "[red]net[/red]" in text
    assert "Note: [bold]" in text


def test_prescription_lists_each_element() -> None:
    elements = collapsing_mlp().elements
    text = printed(prescription_table(elements), 120)
    assert re.search(r"1 +layers\.0:linear +linear +64×128 +64 +0\.577 +0\.0722 +relu +8\u2009320", text)
    count = 65 * 128 + 15 * 129 * 128 + 129 * 10
    assert count == 257_290
    assert "33 elements, 257\u2009290 parameters" in text


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_a_prescription_fits_and_is_never_cut(width: int) -> None:
    for record in (collapsing_mlp(), residual_network(), long_transformer()):
        text = printed(prescription_table(record.elements), width)
        lines = text.splitlines()
        assert max(map(len, lines)) <= width
        rows = [line for line in lines if re.match(r" *\d+ ", line)]
        assert len(rows) == len(record.elements) + 1  # and the one that counts them
        for line, element in zip(rows, record.elements, strict=False):
            assert number(element.sigma_w) in line if element.sigma_w is not None else True
            assert not re.search(r"\S…", line)  # a name may lose its beginning, nothing its end


def test_glossary_has_every_quantity() -> None:
    text = printed(quantities_table(), 160)
    assert all(q.name in text and q.symbol in text for q in QUANTITIES)


def test_bibliography_and_any_table() -> None:
    record = collapsing_mlp()
    assert "arXiv:1606.05340" in printed(references(record.references), 160)
    text = printed(table(record.comparisons[:2]), 250)
    assert "predicted error" in text
    assert "mean_field" in text
    assert "1.5" in printed(table([{"a": 1.5, "b": None}, {"a": 2.5}]))

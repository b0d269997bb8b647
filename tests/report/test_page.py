"""The HTML report in headless Chromium: it opens offline without complaint, sorts, and follows the reader."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lensmaker.core import BenchRecord, Comparison, Table, Training
from lensmaker.report import to_html
from lensmaker.report.facts import facts, interval, train
from report.page import Page
from report.records import collapsing_mlp, long_transformer, residual_network

RECORDS = (collapsing_mlp, lambda: collapsing_mlp(corrected=True), residual_network, long_transformer)
EMPTY = BenchRecord("net", "x (1, 2)", Training.FRESH, "said so", Table(), Table())
RAYS = {"second_moment", "correlation", "chi", "gradient"}


@pytest.mark.parametrize("make", RECORDS, ids=("mlp", "corrected mlp", "resnet", "transformer"))
def test_opens_without_complaint_and_without_network(page: Page, make: Callable[[], BenchRecord]) -> None:
    record = make()
    page.open(record)
    assert page.complaints() == []
    assert page.requests() == []
    assert page.ask("document.querySelectorAll('#plot .cartesianlayer .subplot').length") == 5
    drawn = page.ask("document.getElementById('plot').calcdata.flat().length")
    assert drawn > 4 * len(record.elements)


def test_an_empty_record_opens(page: Page) -> None:
    page.open(EMPTY)
    assert page.complaints() == []
    assert page.ask("document.querySelectorAll('#table tbody tr').length") == 0


def test_predictions_alone_open(page: Page) -> None:
    record = long_transformer(60)
    page.open(
        BenchRecord(
            record.model, record.batch, record.training, record.training_reason, Table(), Table(),
            Table(c.prediction for c in record.comparisons),
        )
    )  # fmt: skip
    assert page.complaints() == []
    assert set(page.column("verdict")) == {"not compared"}


def test_the_table_has_each_fact_of_the_rays(page: Page) -> None:
    record = collapsing_mlp()
    page.open(record)
    expected = [f for f in facts(record) if f.quantity.name in RAYS]
    assert page.column("element") == [str(f.where) for f in expected]
    assert page.column("verdict") == [f.verdict.value for f in expected if f.verdict]


def test_columns_sort_by_value_not_by_spelling(page: Page) -> None:
    record = collapsing_mlp()
    page.open(record)
    for label, key in (
        ("predicted", lambda c: c.prediction.value),
        ("measured", lambda c: c.measurement.value),
        ("ratio", lambda c: c.ratio),
    ):
        page.sort(label)
        rising = [key(c) for c in _rows(page, record)]
        page.sort(label)
        falling = [key(c) for c in _rows(page, record)]
        assert rising == sorted(rising)
        assert falling == sorted(falling, reverse=True)
        assert len(set(rising)) > 30
    page.sort("z")
    sizes = [abs(c.z_score) for c in _rows(page, record)]
    assert sizes == sorted(sizes, reverse=True)
    page.sort("#")
    assert page.column("#") == sorted(page.column("#"), key=int)


def _rows(page: Page, record: BenchRecord) -> list[Comparison]:
    """The comparisons of the table's rows, in the order in which the page shows them."""
    known = {}
    for c in record.comparisons:
        words = c.quantity.name.replace("_", " ").capitalize()
        known[str(c.where), f"{words} {c.quantity.symbol}"] = c
    return [known[key] for key in zip(page.column("element"), page.column("quantity"), strict=True)]


def test_missing_numbers_sort_last_both_ways(page: Page) -> None:
    page.open(long_transformer(60))
    page.click("#quantities button[data-key=mean]")
    for _ in range(2):
        page.sort("measured")
        column = page.column("measured")
        absent = [text == "—" for text in column]
        assert any(absent)
        assert absent == sorted(absent)


def test_filters_by_words_quantity_and_verdict(page: Page) -> None:
    record = long_transformer(260)
    page.open(record)
    page.ask("(() => { const box = document.getElementById('search'); box.value = 'LSTM';"
             " box.dispatchEvent(new Event('input')); })()")  # fmt: skip
    assert page.column("operation") == ["lstm"] * 48
    page.click("#quantities button[data-key=chi]")
    assert len(page.column("operation")) == 36
    page.click("#verdicts button[data-key=outside]")
    assert page.column("operation") == []
    assert page.ask("document.getElementById('count').textContent") == f"0 of {len(facts(record))} rows"


@pytest.mark.parametrize("make", [residual_network, long_transformer], ids=("resnet", "transformer"))
def test_a_finding_leads_to_its_element(page: Page, make: Callable[[], BenchRecord]) -> None:
    record = make()
    page.open(record)
    for index, finding in enumerate(record.findings):
        element = train(record).index(finding.where)
        page.ask("window.scrollTo(0, 0)")
        page.click(".finding button.go", index)
        page.wait(f"document.getElementById('plot').dataset.selected === '{element}'")
        low, high = map(float, page.ask("document.getElementById('plot').dataset.span").split())
        assert low < element < high
        assert high - low < 0.75 * len(record.elements)
        assert page.ask("Math.abs(document.getElementById('train').getBoundingClientRect().top) < 120")
        marks = "document.getElementById('plot').layout.shapes"
        assert page.ask(f"{marks}.some((s) => s.x0 === {element - 0.5} && s.yref === 'paper')")
        rows = page.ask(
            "[...document.querySelectorAll('#table tr.selected')].map((tr) => tr.dataset.element)"
        )
        assert set(rows) == {str(element)}
        inside = (
            "(() => { const box = document.getElementById('scroll').getBoundingClientRect();"
            f" const row = document.querySelector('#table tr.selected[data-quantity={finding.quantity}]')"
            ".getBoundingClientRect(); return row.top >= box.top && row.bottom <= box.bottom; })()"
        )
        assert page.ask(inside)
    assert page.complaints() == []


def test_a_row_leads_to_the_train(page: Page) -> None:
    page.open(long_transformer(120))
    page.click("#table tbody tr:nth-child(41) td.name")
    page.wait("document.getElementById('plot').dataset.selected === '10'")
    assert page.ask("document.querySelectorAll('#table tr.selected').length") == 4


def test_a_chip_adds_a_panel(page: Page) -> None:
    page.open(residual_network())
    page.click("#panels button[aria-pressed=false]")
    page.wait("document.querySelectorAll('#plot .cartesianlayer .subplot').length === 6")
    assert page.complaints() == []


def test_dark_and_light_are_both_drawn(page: Page) -> None:
    page.open(collapsing_mlp())
    colours = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    before = page.ask(colours)
    page.click("#theme")
    assert page.ask(colours) != before
    assert page.complaints() == []


def test_hostile_names_stay_text(page: Page) -> None:
    page.open(long_transformer(240))
    assert page.ask("document.querySelectorAll('td b, h1 t').length") == 0
    assert (
        page.ask("document.querySelector('.finding p').textContent").count("<script>alert(1)</script>") == 1
    )
    assert page.ask("document.querySelector('h1').textContent") == "GPT<T>(50 layers & 768 wide)"
    assert any("<b>act</b>" in name for name in page.column("element"))


def test_the_policy_forbids_the_network(page: Page) -> None:
    """A picture and a script that call home, planted in the page, are both refused."""
    record = collapsing_mlp()
    planted = (
        '<img src="http://127.0.0.1:9/x.png"><script>fetch("http://127.0.0.1:9/").catch(() => 0)</script>'
    )
    page.open(record, to_html(record).replace("</main>", f"{planted}</main>"))
    refused = [
        words for words in page.complaints() if "violates the following Content Security Policy" in words
    ]
    assert any("x.png" in words for words in refused)
    assert any("127.0.0.1:9/'" in words for words in refused)


def test_the_train_draws_the_record_s_numbers(page: Page) -> None:
    record = collapsing_mlp(corrected=True)
    page.open(record)
    traces = page.ask(
        "document.getElementById('plot').data.map((t) => ({ axis: t.yaxis, fill: t.fill, mode: t.mode,"
        " x: t.x, y: t.y, symbol: t.marker?.symbol, dash: t.line?.dash, up: t.error_y?.array }))"
    )
    scales = page.ask("[2, 3, 4, 5].map((k) => document.getElementById('plot').layout[`yaxis${k}`].type)")
    assert scales == ["log", "linear", "log", "log"]
    for axis, name in (("y2", "second_moment"), ("y3", "correlation"), ("y4", "chi"), ("y5", "gradient")):
        found = [c for c in record.comparisons if c.quantity.name == name]
        band, line, points, ring, *after = (t for t in traces if t["axis"] == axis)
        bounds = [interval(c.prediction.value, c.prediction.error, c.quantity, 2.0) for c in found]
        assert band["y"][:33] == pytest.approx([high for _, high in bounds], rel=1e-12)
        assert band["y"][33:66] == pytest.approx([low for low, _ in reversed(bounds)], rel=1e-12)
        assert line["y"] == [c.prediction.value for c in found]
        assert points["y"] == [c.measurement.value for c in found]
        tops = [interval(c.measurement.value, c.measurement.error, c.quantity, 1.0)[1] for c in found]
        bars = [top - c.measurement.value for top, c in zip(tops, found, strict=True)]
        assert points["up"] == pytest.approx(bars, rel=1e-12)
        assert ring["y"] == [c.measurement.value for c in found if abs(c.z_score) >= 3]
        mended = [c for c in record.corrected if c.quantity.name == name]
        assert [t["y"] for t in after] == (
            [[c.prediction.value for c in mended], [c.measurement.value for c in mended]] if mended else []
        )


def test_axes_are_named(page: Page) -> None:
    page.open(collapsing_mlp())
    shown = page.ask("[...document.querySelectorAll('#plot text')].map((t) => t.textContent)")
    assert "element, in the order of the forward pass" in shown
    assert "layers.18:linear 19" in shown
    assert {"q  [activation²]", "c", "χ", "g  [loss²/activation²]"} <= set(shown)
    assert any(words.startswith("Correlation c") and "Mean cosine" in words for words in shown)


def test_outside_stretches_are_shaded_and_findings_marked(page: Page) -> None:
    record = long_transformer()
    page.open(record)
    shapes = page.ask("document.getElementById('plot').layout.shapes")
    rectangles = {(s["x0"], s["x1"]) for s in shapes if s["type"] == "rect" and s["yref"] == "y3 domain"}
    assert rectangles == {(199.5, 244.5), (379.5, 401.5)}
    assert [s["x0"] for s in shapes if s["type"] == "line"] == [238, 333, 495]


def test_the_corrected_network_has_its_effect_in_words() -> None:
    text = to_html(collapsing_mlp(corrected=True))
    assert "the gradient at layers.0:linear is 1.1 times that at layers.32:linear (predicted 1)" in text
    assert "34 of 34 comparisons agree" in text
    assert "After the correction" not in to_html(collapsing_mlp())


def test_a_narrow_window_does_not_scroll_sideways(page: Page) -> None:
    size = page.browser.get_window_size()
    page.browser.set_window_size(520, 900)
    try:
        page.open(collapsing_mlp(corrected=True))
        width, room = page.ask("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    finally:
        page.browser.set_window_size(size["width"], size["height"])
    assert width <= room < 600

"""What training built, in the terminal, the page, the notebook, JSON and the data frame."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from lensmaker.core import Origin, Table
from lensmaker.report import from_json, render, to_frame, to_html, to_json, to_notebook_html
from lensmaker.report.built import summary_of_built
from report.page import Page
from report.records import collapsing_mlp, partly_trained
from report.test_terminal import printed

SENTENCE = (
    "Training changed 1 of 3 weights, most layers.1:linear (50% of the rank left, 4 spikes up to 2.5 edges). "
    "No different from a random draw: layers.0:linear. "
    "Cannot be told, with too few rows or more even than any draw: layers.2:linear"
)


def test_the_sentence_names_what_changed_most_and_what_did_not() -> None:
    assert summary_of_built(partly_trained()) == SENTENCE
    many = summary_of_built(partly_trained(12))
    assert many.startswith("Training changed 10 of 12 weights, most layers.10:linear (19% of the rank left")
    assert many.count("spikes up to") == 3


def test_a_network_without_a_trace_of_training_says_so() -> None:
    record = partly_trained()
    drawn = dataclasses.replace(record, built=Table([record.built[0]]))
    assert summary_of_built(drawn).startswith(
        "No spectrum of the 1 weight departs from that of random numbers"
    )


@pytest.mark.parametrize("width", [50, 80, 110, 160])
def test_the_terminal_has_a_line_for_each_weight(width: int) -> None:
    text = printed(render(partly_trained()), width)
    assert max(map(len, text.splitlines())) <= width
    assert SENTENCE in " ".join(text.split())
    assert text.index("what training built") < text.index("the train")
    line = next(line for line in text.splitlines() if re.match(r"\S*1:linear +4 ", line))
    assert re.search(r"\b4  +2\.50 .*0\.50 .*2\.00 .*-0\.30", line)
    for z in ("+91.8", "-347", "+13.9", "-30.0"):
        assert (z in line) == (width > 50)
    assert ("± 0.001" in line) == (width > 100)
    assert ("(no room for the z-scores)" in text) == (width == 50)


def test_of_many_weights_those_that_lost_most_rank_are_shown() -> None:
    record = partly_trained(60)
    text = printed(render(record), 110)
    section = text[text.index("r/r₀") : text.index("the train")]
    assert re.findall(r"^layers\.(\d+)", section, re.MULTILINE) == [str(i) for i in range(47, 59)]
    assert "… 48 more weights: 46 changed, 1 no different, 1 not told" in section
    assert "more weights" not in printed(render(record, full=True), 110)


def test_a_fresh_network_has_no_such_section() -> None:
    for text in (
        printed(render(collapsing_mlp())),
        to_html(collapsing_mlp()),
        to_notebook_html(collapsing_mlp()),
    ):
        assert "raining built" not in text.partition("</style>")[2].partition('id="data"')[0]
        assert "raining changed" not in text


def test_json_has_the_section_and_reads_it_back() -> None:
    record = partly_trained()
    text = to_json(record)
    assert from_json(text) == record
    first, second, _ = json.loads(text)["built"]
    assert (first["origin"], second["origin"], second["spikes"]) == ("DRAWN", "BUILT", 4)
    assert second["rank"]["z"] == record.built[1].rank.z_score
    older = {k: v for k, v in json.loads(text).items() if k != "built"}
    assert from_json(json.dumps(older)).built == Table()


def test_the_frame_has_the_null_beside_each_weight() -> None:
    frame = to_frame(partly_trained()).set_index(["where", "quantity"])
    row = frame.loc["layers.1:linear", "effective_rank"]
    assert (row["predicted"], row["measured"], row["verdict"]) == (100.0, 50.0, "deviates")
    built = partly_trained().built.to_frame()
    assert list(built["origin"]) == [origin.value for origin in (Origin.DRAWN, Origin.BUILT, Origin.UNTOLD)]
    assert list(built["rank_null"]) == [100.0] * 3


def test_the_notebook_has_the_sentence_and_the_most_changed() -> None:
    text = to_notebook_html(partly_trained(60))
    assert "Training changed 58 of 60 weights" in text
    assert len(re.findall(r"<code>layers\.\d+:linear</code></td>", text)) == 12
    assert "… and 48 more weights" in text


def test_the_page_has_a_row_for_each_weight_that_leads_to_the_train(page: Page) -> None:
    page.open(partly_trained(12))
    rows = page.ask("[...document.querySelectorAll('#built tbody tr')].map((tr) => tr.innerText)")
    assert len(rows) == 12
    words = [re.split(r"\s+", row) for row in rows]
    assert words[1][:4] == ["layers.1:linear", "changed", "4", "2.50"]
    assert {"+91.8", "-347", "+13.9", "-30.0"} <= set(words[1])
    bars = page.ask(
        "[...document.querySelectorAll('#built td i')].map((i) => i.getBoundingClientRect().width)"
    )
    assert bars[1] == pytest.approx(bars[0] / 2, rel=0.02)
    page.click("#built tbody tr:nth-child(5) td")
    page.wait("document.getElementById('plot').dataset.selected === '4'")
    assert page.complaints() == []


def test_the_section_of_a_narrow_page_scrolls_in_itself(page: Page) -> None:
    size = page.browser.get_window_size()
    page.browser.set_window_size(520, 900)
    try:
        page.open(partly_trained(12))
        width, room = page.ask("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        box = page.ask("(() => { const b = document.querySelector('#built .scroll');"
                       " return [b.scrollWidth, b.clientWidth]; })()")  # fmt: skip
    finally:
        page.browser.set_window_size(size["width"], size["height"])
    assert width <= room
    assert box[0] > box[1]

"""Filters, samples and the monitor as figures: which number is where, in which colour, and that pages open offline."""

from __future__ import annotations

import base64
import io
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lensmaker.report.boltzmann_filters import filters
from lensmaker.report.boltzmann_monitor import monitor_figure, monitor_html, shown
from lensmaker.report.boltzmann_samples import samples
from lensmaker.report.figure_page import mosaic_file
from lensmaker.report.mosaic import GAP, Mosaic
from lensmaker.report.png import diverging, grey, png

NAN = math.nan


def decoded(data: bytes) -> NDArray[np.uint8]:
    """By another reader of PNG."""
    image = pytest.importorskip("PIL.Image")
    return np.asarray(image.open(io.BytesIO(data)).convert("RGB"))


def test_a_png_is_what_was_written() -> None:
    pixels = np.random.default_rng(0).integers(256, size=(7, 13, 3)).astype(np.uint8)
    assert (decoded(png(pixels)) == pixels).all()


def test_colours_are_those_of_signs() -> None:
    blue, white, orange = diverging(np.array([-3.0, 0.0, 3.0]), 2.0).tolist()
    assert blue[2] > blue[0]
    assert white == [255, 255, 255]
    assert orange[0] > orange[2]
    assert diverging(np.zeros(1), 0.0).tolist() == [[255, 255, 255]]
    assert grey(np.array([0.0, 0.0]), 0.0, 0.0).tolist() == [[255, 255, 255]] * 2


def cell(mosaic: Mosaic, row: int, column: int) -> NDArray[np.uint8]:
    """One picture of the grid, a pixel for each value, read from the PNG."""
    pixels = decoded(mosaic.png())
    height, width = mosaic.pictures.shape[1:3]
    zoom = ((pixels.shape[0] - GAP) // mosaic.rows - GAP) // height
    y, x = (GAP + k * (n * zoom + GAP) for k, n in ((row, height), (column, width)))
    return pixels[y : y + height * zoom : zoom, x : x + width * zoom : zoom]


def test_filters_are_ordered_by_norm_and_keep_their_shape() -> None:
    """Three filters of 2 × 3: the second one is the largest, and its only weight is at row 1, column 0."""
    weights = np.zeros((3, 6))
    weights[0, 5], weights[1, 3], weights[2, 0] = -0.5, 2.0, 1.0
    told = {"machine": "M", "weights": weights, "shape": (2, 3), "of": "hidden units"}
    mosaic = filters(told)
    for k, (at, colour) in enumerate((((1, 0), 0), ((0, 0), 0), ((1, 2), 2))):
        picture = cell(mosaic, *divmod(k, mosaic.columns))
        inked = np.argwhere((picture != 255).any(-1)).tolist()
        assert inked == [list(at)], k
        assert picture[at].argmax() == colour
    assert "from the largest norm, 2, to 0.5" in mosaic.caption
    few = filters(told, most=2)
    assert (len(few.pictures), "2 of 3 hidden units" in few.caption) == (2, True)


def test_layers_of_a_body_are_one_above_the_other() -> None:
    """Of 3 × 2 × 4 the weight at layer 2, row 1, column 3 is at row 5, column 3 of a picture of 6 × 4."""
    body = np.zeros((2, 3, 2, 4))
    body[:, 2, 1, 3] = 1.0
    flat = body.reshape(2, 24)
    drawn = filters({"machine": "M", "weights": flat, "shape": (3, 2, 4), "of": "hidden units"})
    assert np.argwhere((cell(drawn, 0, 0) != 255).any(-1)).tolist() == [[5, 3]]
    told = {"machine": "M", "history": flat[None], "sweeps": [0], "shape": (3, 2, 4)}
    drawn = samples(told | {"start": "from random states", "shown": "samples"})
    assert np.argwhere((cell(drawn, 1, 0) < 128).all(-1)).tolist() == [[5, 3]]
    line = filters({"machine": "M", "weights": flat, "shape": (24,), "of": "hidden units"})
    assert line.pictures.shape[1:3] == (1, 24)


def test_one_scale_for_all_filters_and_what_is_beyond_is_said() -> None:
    weights = np.full((10, 100), 0.1)
    weights[0, 0] = 50.0
    mosaic = filters({"machine": "M", "weights": weights, "shape": (10, 10), "of": "hidden units"})
    assert mosaic.ends == ("−0.1", "weight 0", "0.1")
    assert "0.1 % of all weights are beyond it" in mosaic.caption
    blank = filters({"machine": "M", "weights": 0 * weights, "shape": (10, 10), "of": "hidden units"})
    assert (blank.pictures == 255).all()


def test_rows_are_chains_and_columns_are_moments() -> None:
    """Chain k is at moment m in a state that only it has there: one unit is 1, the others are 0."""
    history = np.zeros((3, 2, 6))
    for moment in range(3):
        for chain in range(2):
            history[moment, chain, 2 * moment + chain] = 1
    told = {"machine": "M", "history": history, "sweeps": [0, 10, 1000], "shape": (2, 3)}
    mosaic = samples(told | {"start": "from random states", "shown": "samples"})
    for moment in range(3):
        for chain in range(2):
            picture = cell(mosaic, chain, moment)
            at = divmod(2 * moment + chain, 3)
            assert np.argwhere((picture < 128).all(-1)).tolist() == [list(at)]
    words = re.findall(r">([^<>]+)</text>", mosaic.svg())
    assert words == ["0", "10", "1 000", "1", "2", "sweeps", "chain", "0", "1"]


def test_a_grid_that_is_not_full_ends_in_white() -> None:
    mosaic = Mosaic(np.zeros((3, 4, 4, 3), np.uint8), columns=2, title="T", caption="C")
    assert (cell(mosaic, 1, 0) == 0).all()
    assert (cell(mosaic, 1, 1) == 255).all()


@pytest.mark.parametrize("suffix", [".png", ".svg", ".html"])
def test_what_is_written_is_whole(suffix: str) -> None:
    mosaic = Mosaic(np.zeros((2, 4, 4, 3), np.uint8), columns=2, title="A < B & C", caption="D < E")
    data = mosaic_file(mosaic, suffix)
    if suffix == ".png":
        assert decoded(data).shape == (4 * 19 + 2 * GAP, 2 * 4 * 19 + 3 * GAP, 3)
        return
    text = data.decode()
    assert "A &lt; B &amp; C" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")
    (image,) = re.findall(r"data:image/png;base64,([\w+/=]+)", text)
    assert (decoded(base64.b64decode(image)) == mosaic.pixels(19)).all()


# -- the monitor ------------------------------------------------------------------------------------


def line(epoch: int, **more: float) -> dict[str, float]:
    base = {"epoch": epoch, "updates": 10 * epoch, "reconstruction": 1 / epoch, "largest_weight": 0.1 * epoch}
    return base | {"pseudo_likelihood": -10.0 + epoch, "held_out_pseudo_likelihood": NAN} | more


def curves(rows: list[dict[str, float]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Title of the panel and name of the curve → the curve."""
    plain = json.loads(
        monitor_figure({"machine": "M", "reason": "done", "rows": rows}).to_json(engine="json")
    )
    titles = [p.title for p in shown(rows)]
    return {(titles[int(t["xaxis"][1:] or 1) - 1], t["name"]): t for t in plain["data"]}


def test_each_reading_is_drawn_over_epochs_in_its_panel() -> None:
    rows = [line(k, held_out_pseudo_likelihood=-12.0 + k, free_energy_gap=0.5 * k) for k in (1, 2, 4)]
    found = curves(rows)
    assert set(found) == {
        ("pseudo-likelihood", "learned from"),
        ("pseudo-likelihood", "held out"),
        ("free-energy gap", "free-energy gap"),
        ("reconstruction", "reconstruction"),
        ("largest weight", "largest weight"),
    }
    assert found["pseudo-likelihood", "held out"]["x"] == [1, 2, 4]
    assert found["pseudo-likelihood", "held out"]["y"] == [-11.0, -10.0, -8.0]
    assert found["pseudo-likelihood", "learned from"]["y"] == [-9.0, -8.0, -6.0]
    assert found["free-energy gap", "free-energy gap"]["y"] == [0.5, 1.0, 2.0]


def test_what_was_never_read_is_not_drawn() -> None:
    rows = [line(1), line(2, log_likelihood=NAN, mixing_time=NAN)]
    assert [p.name for p in shown(rows)] == ["pseudo_likelihood", "reconstruction", "largest_weight"]
    assert shown([]) == ()
    assert "no readings" in monitor_html({"machine": "M", "reason": "diverged", "rows": []})


def test_errors_and_intervals_are_drawn_about_what_they_belong_to() -> None:
    """Every other epoch has a likelihood with its interval, of rows held out too, and a mixing time with an error."""
    known = {"log_likelihood": -80.0, "log_likelihood_low": -82.0, "log_likelihood_high": -79.5}
    known |= {"held_out_log_likelihood": -90.0, "log_likelihood_error": 0.6, "mixing_time": 5.0}
    known["mixing_error"] = 0.7
    rows = [line(1, **dict.fromkeys(known, NAN)), line(2, **known), line(3, **dict.fromkeys(known, NAN))]
    rows.append(line(4, **known | {"log_likelihood_error": math.inf, "mixing_error": math.inf}))
    found = curves(rows)
    assert len(found) == 3 + 3
    for name, value in (("learned from", -80.0), ("held out", -90.0)):
        likelihood = found["log-likelihood", name]
        assert (likelihood["x"], likelihood["y"]) == ([2, 4], [value, value])
        assert likelihood["error_y"]["array"] == [0.5, 0.5]
        assert likelihood["error_y"]["arrayminus"] == [2.0, 2.0]
        assert likelihood["marker"]["symbol"] == ["circle", "circle-open"]
    mixing = found["mixing time of the chains", "mixing time of the chains"]
    assert mixing["error_y"]["array"] == mixing["error_y"]["arrayminus"] == [0.7, None]
    assert mixing["marker"]["symbol"] == ["circle", "circle-open"]


def test_a_reading_that_is_new_has_a_panel_of_its_own() -> None:
    rows = [line(1, swap_rate=0.3, swap_rate_error=0.1), line(2, swap_rate=0.4, swap_rate_error=0.1)]
    assert [p.title for p in shown(rows)][-1] == "swap rate"
    assert curves(rows)["swap rate", "swap rate"]["y"] == [0.3, 0.4]


PAGES = {
    "monitor": lambda: monitor_html(
        {"machine": "M", "reason": "all epochs are done", "rows": [line(1), line(2)]}
    ),
    "filters": lambda: mosaic_file(
        filters({"machine": "M", "weights": np.eye(4), "shape": (2, 2), "of": "hidden units"}), ".html"
    ).decode(),
}


@pytest.mark.parametrize("name", PAGES)
def test_pages_open_offline_without_complaint(chromium: Any, tmp_path: Path, name: str) -> None:
    path = tmp_path / "figure.html"
    path.write_text(PAGES[name](), encoding="utf-8")
    chromium.get_log("browser"), chromium.get_log("performance")
    chromium.get(path.as_uri())
    drawn = (
        "document.querySelectorAll('.subplot').length" if name == "monitor" else "document.images.length + 1"
    )
    assert chromium.execute_script(f"return {drawn}") >= 1
    assert [e for e in chromium.get_log("browser") if e["level"] in ("SEVERE", "WARNING")] == []
    sent = [json.loads(e["message"])["message"] for e in chromium.get_log("performance")]
    urls = [m["params"]["request"]["url"] for m in sent if m["method"] == "Network.requestWillBeSent"]
    assert [u for u in urls if u.startswith("http")] == []
    assert chromium.title == {"monitor": "Training of M", "filters": "Filters of M"}[name]

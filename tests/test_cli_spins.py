"""The commands about spins: what they print and write, and one sentence for each bad input."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lensmaker.systems.spins.sampling import Samples

SQUARE = ["--lattice", "square", "--size", "4"]
SAMPLE = ["spins", "sample", *SQUARE, "--temperature", "3.0", "--n", "500", "--out", "a.zarr"]
SCAN = ["spins", "scan", *SQUARE, "--from", "2", "--to", "4", "--steps", "3", "--n", "400", "--out"]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def test_sample_prints_the_comparison_and_writes(lensmaker: Callable[..., tuple[int, str, str]]) -> None:
    command = [*SAMPLE, "--rule", "heat_bath"]
    code, out, err = lensmaker(*command)
    assert (code, err) == (0, "")
    assert re.search(r"500 samples of 16 spins on square 4 × 4.*seed 0", out)
    for name in ("energy", "specific_heat", "magnetisation", "binder"):
        assert re.search(rf"{name} +\S+ ± \S+ +\S+ +[+-]\d\.\d +agrees +enumeration", out), out
    found = Samples.load("a.zarr")
    assert found.spins.shape == (500, 16)
    assert lensmaker(*command)[1] == out, "nothing is left to do"
    assert sorted(p.name for p in Path().iterdir()) == ["a.zarr"]


def test_what_conserves_is_not_compared_with_what_does_not(
    lensmaker: Callable[..., tuple[int, str, str]],
) -> None:
    code, out, _ = lensmaker(*SAMPLE, "--rule", "kawasaki")
    assert code == 0
    assert "enumeration" not in out


def test_parallel_tempering_takes_its_ladder(lensmaker: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = lensmaker(*SAMPLE, "--ladder", "3,3.5,4")
    assert code == 0
    assert "parallel_tempering(3.0, 3.5, 4.0; heat_bath)" in out
    assert re.search(r"energy +\S+ ± \S+ +\S+ +[+-]\d\.\d +agrees +enumeration", out), out


@pytest.mark.parametrize("suffix", ["html", "json", "csv"])
def test_scan_draws_and_writes(suffix: str, lensmaker: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = lensmaker(*SCAN, f"s.{suffix}")
    assert (code, err) == (0, "")
    for name in ("energy", "specific heat", "magnetisation", "binder"):
        assert f"{name} " in out
    assert re.search(r"15 exact values beside: the farthest measurement is .*, z = [+-]\d\.\d\.", out), out
    assert [p.name for p in Path().iterdir()] == [f"s.{suffix}"]
    text = Path(f"s.{suffix}").read_text()
    if suffix == "html":
        assert "Plotly.newPlot" in text
        return
    rows = json.loads(text)["rows"] if suffix == "json" else list(csv.DictReader(text.splitlines()))
    assert {float(row["temperature"]) for row in rows} == {2.0, 3.0, 4.0}
    assert len(rows) == 18
    beside = [row for row in rows if row["exact"] not in (None, "")]
    assert all(abs(float(r["value"]) - float(r["exact"])) < 4.5 * float(r["error"]) for r in beside)


def test_a_scan_goes_on_where_it_was(
    lensmaker: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lensmaker import temperature_scan

    lensmaker(*SCAN, "whole.json")
    real, calls = temperature_scan.sample, []

    def counted(*args: object, **options: object) -> object:
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args, **options)

    monkeypatch.setattr(temperature_scan, "sample", counted)
    assert lensmaker(*SCAN, "s.json")[0] == 130
    assert sorted(p.name for p in Path().iterdir()) == ["s.json.state", "whole.json"]
    code, _, err = lensmaker(*SCAN, "s.json", "--seed", "7")
    assert (code, "of another system, seed or option" in err) == (2, True)
    assert lensmaker(*SCAN, "s.json")[0] == 0
    assert len(calls) == 4, "the first two temperatures were known"
    assert Path("s.json").read_text() == Path("whole.json").read_text()


BAD = {
    "lattice": ([*SAMPLE, "--lattice", "kagome"], "one of the lattices chain, .*, but got 'kagome'"),
    "rule": ([*SAMPLE, "--rule", "wolf"], "one of the rules metropolis, .*, but got 'wolf'"),
    "cold": ([*SAMPLE, "--temperature", "-1"], r"a temperature above 0, but got -1\.0"),
    "not a number": ([*SAMPLE, "--temperature", "nan"], "a temperature above 0, but got nan"),
    "size": ([*SAMPLE, "--size", "1"], "at least two sites along a periodic axis"),
    "no samples": ([*SAMPLE, "--n", "0"], "at least one sample, but got 0"),
    "no ladder": ([*SAMPLE, "--rule", "parallel_tempering"], "no ladder of temperatures"),
    "ladder of another": (
        [*SAMPLE, "--rule", "wolff", "--ladder", "3,4"],
        "no ladder for wolff, but got --ladder",
    ),
    "ladder without": ([*SAMPLE, "--ladder", "4,5"], "T = 3, which is not on its ladder"),
    "ladder of words": ([*SAMPLE, "--ladder", "3,hot"], "temperatures between commas, but got '3,hot'"),
    "hot": ([*SAMPLE, "--temperature", "inf", "--rule", "multi_spin"], "an infinite temperature"),
    "threads": ([*SAMPLE, "--threads", "0"], "at least one thread, but got 0"),
    "as large as no memory": ([*SAMPLE, "--size", "1000000"], "work that fits into memory"),
    "folder": ([*SAMPLE, "--out", "no/a.zarr"], "a path in a folder that exists"),
    "suffix": ([*SCAN, "s.pdf"], r"an output \.html, \.json or \.csv, but got s\.pdf"),
    "falling": ([*SCAN, "s.csv", "--from", "5"], "one or more temperatures above 0, rising"),
    "negative": ([*SCAN, "s.csv", "--from", "-1"], "one or more temperatures above 0, rising"),
    "scan folder": ([*SCAN, "no/s.csv"], "whose folder is missing"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_nothing_written(
    case: str, lensmaker: Callable[..., tuple[int, str, str]]
) -> None:
    words, sentence = BAD[case]
    code, out, err = lensmaker(*words)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"lensmaker: Expected [^\n]+\.\n", err), err
    assert re.search(sentence, err), err
    assert list(Path().iterdir()) == []


def test_damaged_and_foreign_folders_are_left_alone(
    lensmaker: Callable[..., tuple[int, str, str]],
) -> None:
    Path("a.zarr").mkdir()
    Path("a.zarr/thesis.txt").write_text("mine")
    code, _, err = lensmaker(*SAMPLE)
    assert code == 2
    assert re.fullmatch(r"lensmaker: Expected samples that lensmaker wrote, but got a\.zarr[^\n]+\.\n", err)
    assert Path("a.zarr/thesis.txt").read_text() == "mine"


@pytest.mark.slow
def test_a_command_that_was_killed_goes_on(tmp_path: Path) -> None:
    """The second run ends with what a run without a kill writes."""
    words = [*SAMPLE[:-2], "--thin", "40", "--n", "20000", "--out"]
    command = [sys.executable, "-m", "lensmaker", *words]
    options = {"cwd": tmp_path, "env": {**os.environ}, "stdout": subprocess.DEVNULL}
    with subprocess.Popen([*command, "a.zarr"], **options) as run:
        while not (tmp_path / "a.zarr.state").exists():
            assert run.poll() is None
            time.sleep(0.02)
        run.send_signal(signal.SIGKILL)
    assert (tmp_path / "a.zarr.state").exists()
    subprocess.run([*command, "a.zarr"], check=True, **options)
    subprocess.run([*command, "b.zarr"], check=True, **options)
    one, two = (Samples.load(tmp_path / name) for name in ("a.zarr", "b.zarr"))
    assert (one.spins == two.spins).all()
    assert one.provenance == two.provenance

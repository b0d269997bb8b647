"""What the documentation quotes of the benchmarks is what `results.json` says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
RESULTS = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("benchmark", [name for name in ("kernels", "spectra") if name in RESULTS])
def test_each_case_is_quoted_as_it_was_measured(benchmark: str) -> None:
    """| `case` | … | median (low–high) |."""
    quoted = {
        name: tuple(map(float, ratio))
        for name, *ratio in re.findall(
            r"^\| `(\w+)` \|.*\| ([\d.]+) \(([\d.]+)–([\d.]+)\) \|$", PAGE, re.MULTILINE
        )
    }
    for name, case in RESULTS[benchmark]["cases"].items():
        ratio = case["ratio"]
        assert quoted[name] == (ratio["median"], ratio["low"], ratio["high"]), name


def test_the_scores_of_the_planted_faults_are_quoted() -> None:
    score = RESULTS["planted_faults"]
    shares = [score["right"], score["factors_within_10_percent"], score["recovered"], score["false_alarms"]]
    shares += [share for peer in score["peers"].values() for share in peer.values() if share]
    section = PAGE.split("## What it finds")[1].split("\n## ")[0]
    assert [x for x in shares if f"{100 * x:.1f} %" not in section] == []
    assert f"| cases | {score['cases']} |" in section
    assert score["cases"] >= 200


def test_the_costs_of_an_inspection_are_quoted() -> None:
    section = PAGE.split("In passes, median and range")[1].split("\n## ")[0]
    for name, case in RESULTS["inspect"]["cases"].items():
        (row,) = (line for line in section.splitlines() if line.startswith(f"| `{name}` |"))
        for ours in ("lensmaker", "lensmaker_cpu", "lensmaker_one_core", "torchlens", "weightwatcher"):
            assert f"| {case[ours]['median']} ({case[ours]['low']}–{case[ours]['high']}) |" in row
        assert f"| {case['nngeom']['median']:.0f} |" in row
        assert row.endswith(f"| {case['peak_memory']['ratio']} |")
        assert case["peak_memory"]["ratio"] < 1.5

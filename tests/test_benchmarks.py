"""What the documentation quotes of the benchmarks is what `results.json` says."""

from __future__ import annotations

import importlib
import json
import re
import sys
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


def test_the_speeds_of_the_rules_are_quoted() -> None:
    section = PAGE.split("## Samplers beside")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| ([\d.]+) \| (.*) \|$", section, re.MULTILINE)
    assert len(rows) == 16
    for name, side, ns, ratios in rows:
        measured = RESULTS["samplers"][f"side_{side}"][name]
        assert float(ns) == float(f"{measured['ns']:.3g}")
        for ratio in measured["ratios"].values():
            assert f"{ratio['median']} ({ratio['low']}–{ratio['high']})" in ratios
    for rule, cells in re.findall(r"^\| `(\w+)` \| (.* µs) \|$", section, re.MULTILINE):
        for cell, temperature in zip(cells.split(" | "), ("2.0", "T_c", "3.0"), strict=True):
            cost = RESULTS["samplers"]["independent_samples_side_64"][rule][temperature]
            slow = max(cost["microseconds_of_an_independent_sample"].values())
            assert cost["is_known"]
            assert cell.split(" → ")[1] == f"{slow:.3g} µs"
            assert cell.split(" → ")[0] in cost["tau_in_sweeps"].values()
    limits = RESULTS["samplers"]["limits"]
    assert f"draws {limits['random_bits_per_update']['drawn']} random bits" in section
    assert f"runs at {limits['of_the_generator']['multi_spin_1024']} of" in section


def test_the_samplers_keep_to_what_was_promised() -> None:
    """Ratios to mcising in one run, on one core, at T_c."""
    wanted = {("multi_spin", 64): 40, ("multi_spin", 1024): 40, ("checkerboard", 1024): 10}
    wanted |= {(rule, side): 1.3 for rule in ("wolff", "swendsen_wang") for side in (64, 1024)}
    for (rule, side), least in wanted.items():
        ratios = RESULTS["samplers"][f"side_{side}"][rule]["ratios"]
        (against,) = (ratio for peer, ratio in ratios.items() if peer.startswith("mcising"))
        assert against["median"] >= least


def test_the_speeds_of_boltzmann_machines_are_quoted() -> None:
    section = PAGE.split("## Boltzmann machines beside")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\d+) × (\d+), (\d+) \| ([\d.]+) \| (.*) \|$", section, re.MULTILINE)
    assert len(rows) == sum(len(RESULTS["rbm"][size]) for size in ("784_500_128", "1600_400_100"))
    for name, visible, hidden, batch, ms, ratio in rows:
        measured = RESULTS["rbm"][f"{visible}_{hidden}_{batch}"][name]
        r = measured["ratio"]
        assert ms == f"{1e3 * measured['seconds']:.2f}"
        assert ratio == f"{r['median']} ({r['low']}–{r['high']})"
    found = re.findall(
        r"^\| `((?:mnist|ising)_\w+)` \| (\S+) ± (\S+) \| (\S+) \| (\S+) \|", section, re.MULTILINE
    )
    assert len(found) == sum(name.startswith(("mnist", "ising")) for name in RESULTS["rbm_quality"])
    for name, value, error, up, down in found:
        told = RESULTS["rbm_quality"][name]
        quoted = tuple(map(float, (value, error, up, down)))
        assert quoted == (told["log_likelihood"], told["error"], told["up"], told["down"])


def test_boltzmann_machines_keep_to_what_was_promised() -> None:
    """Of five products of matrices in single precision, an update takes three quarters at least."""
    for size in ("784_500_128", "1600_400_100"):
        assert RESULTS["rbm"][size]["bound"]["ratio"]["median"] >= 0.75
        for peer in ("rbms", "rbms_uncentred", "scikit_learn", "scikit_learn_float32"):
            assert RESULTS["rbm"][size][peer]["ratio"]["median"] > 1


def test_the_tables_of_compiled_polynomials_are_those_of_the_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks" / "compile"))
    sys.modules.pop("page", None)  # another benchmark has one, too
    page = importlib.import_module("page")
    sys.modules.pop("page")
    shown = PAGE.partition(page.FIRST)[2].partition(page.LAST)[0]
    assert shown.strip() == page.printed()
    assert shown.count("\n| `") == 9 + 9 + 5 + 8


def test_what_is_said_of_compiled_polynomials_was_measured() -> None:
    section = " ".join(PAGE.split("## Compiled polynomials beside")[1].split("\n## ")[0].split())
    speeds, trained = RESULTS["compile"], RESULTS["compile_trained"]
    of = {
        rows: {n: r["ratio"]["median"] for n, r in speeds["float64"][rows].items()}
        for rows in ("1", "32", "256")
    }
    by_hand = [1 / each["torch_by_hand"] for each in of.values()]
    assert f"{min(by_hand):.0f} to {max(by_hand):.0f} times as fast" in section
    for peer in ("sympytorch", "klay", "lambdify_torch", "lambdify_numpy"):
        ratios = [of[rows][peer] for rows in of]
        assert f"{ratios[0]:.3g}, {ratios[1]:.3g} and {ratios[2]:.3g} times" in section, peer
    rows = {name: row for name, row in trained.items() if name.endswith(("_gelu", "_tanh"))}
    assert len(rows) == 8
    assert all(row["compiled"]["error"] < row["compiled"]["bound"] < 1e-9 for row in rows.values())
    assert all(row["compiled"]["error"] < 2e-10 for row in rows.values())
    assert all(row["compiled"]["first_seconds"] < 1 for row in rows.values())
    middle = {name: row["trained"]["error"]["median"] for name, row in rows.items()}
    assert [round(1e3 * middle[f"product_2_{σ}"]) for σ in ("tanh", "gelu")] == [1, 4]
    assert min(row["trained"]["error"]["low"] for name, row in rows.items() if "product_4" in name) == 0.19
    assert min(middle["product_8_gelu"], middle["product_8_tanh"]) > 1
    memory = speeds["bytes_per_site"]["compiled_gelu"].values()
    assert max(memory) < 1.1 * min(memory), "it grows as the number of sites"
    assert set(speeds["parameters"]["compiled_gelu"].values()) == {101}


def test_the_readme_claims_what_was_measured() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    ratios = {
        (rule, side): next(
            r["median"] for peer, r in RESULTS["samplers"][f"side_{side}"][rule]["ratios"].items()
        )
        for rule in ("multi_spin", "multi_spin_512_chains", "wolff", "swendsen_wang")
        for side in (64, 1024)
    }
    bits = [r for (rule, _), r in ratios.items() if rule.startswith("multi")]
    clusters = [r for (rule, _), r in ratios.items() if not rule.startswith("multi")]
    assert f"takes {min(bits):.0f} to {max(bits):.0f} times as many spin updates" in readme
    assert f"clusters {min(clusters)} to {max(clusters)} times" in readme.replace("\n", " ")


def test_field_equations_beside_py_pde_are_quoted() -> None:
    section = PAGE.split("## Field equations beside py-pde")[1].split("\n## ")[0]
    rows = 0
    for name, case in RESULTS["field_solve"]["cases"].items():
        for who, found in case.items():
            ratio = found["py_pde_over_it"]
            told = "" if who == "py_pde" else f"{ratio['median']} ({ratio['low']}–{ratio['high']})"
            row = f"| `{name}` | `{who}` | {found['cpu_seconds']:.3f} | {found['error']:.1e} | {told} |"
            assert row in section
            rows += 1
        assert f"{case['py_pde']['first_cpu_seconds']:.0f} s" in section
    assert rows == section.count("\n| `")


def test_what_is_inferred_of_field_equations_is_quoted() -> None:
    """| `case` | `who` | error | false term | seconds | ratio |, and nowhere is another one nearer."""
    section = PAGE.split("## Field equations beside PySINDy")[1].split("\n## ")[0]
    for name, case in RESULTS["scattering"]["cases"].items():
        for who, row in case.items():
            ratio = row["ratio"]
            shown = f"{row['error']:.2g} | {row['largest_false_term']:.2g} | {row['seconds']:.2f}"
            quoted = f"| `{name}` | `{who}` | {shown} | {ratio['median']} ({ratio['low']}–{ratio['high']}) |"
            assert quoted in section, quoted
        assert min(row["error"] for row in case.values()) == case["lensmaker"]["error"]

"""`lensmaker spins exact`: the table of predictions, its JSON, and one sentence for each bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from lensmaker.cli.spins_exact import exact
from lensmaker.core import InputError
from lensmaker.systems.spins.named_lattices import LATTICES


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command("exact")(exact)
    app.command("other")(lambda: None)
    return CliRunner().invoke(app, ["exact", *arguments], env={"COLUMNS": "140", "NO_COLOR": "1"})


def rows(result: Result) -> dict[tuple[str, str], str]:
    assert result.exit_code == 0, result.output
    words = [line.split() for line in result.output.splitlines()]
    return {(w[0], w[1]): w[3] for w in words if len(w) > 4}


def test_every_theory_that_applies_is_in_the_table() -> None:
    done = run("--lattice", "square", "--size", "20", "--temperature", "2.0")
    found = rows(done)
    assert "400 spins on square 20 × 20, periodic: J = 1, at T = 2" in done.output
    assert found["kaufman", "energy"] == "-1.745557125"
    assert found["onsager", "magnetisation"] == "0.9113193779"
    assert {theory for theory, _ in found} >= {"kaufman", "onsager", "bethe", "tap"}
    assert "enumeration" not in done.output
    assert "correlation lengths long, not 10" in done.output
    assert "nan" not in done.output
    inside = [i for i, line in enumerate(done.output.splitlines()) if line.rstrip().endswith(" inside")]
    assert inside == list(range(inside[0], inside[0] + len(inside)))  # those come first


def test_one_theory_a_field_and_open_edges(tmp_path: Path) -> None:
    options = (
        "--lattice chain --size 5 --temperature 1 --field 0.3 --coupling -0.5 --open --theory enumeration"
    )
    done = run(*options.split(), "--json", str(tmp_path / "exact.json"))
    assert "J = -0.5, h = 0.3" in done.output
    record = json.loads((tmp_path / "exact.json").read_text(encoding="utf-8"))
    assert record["couplings"] == {"J": -0.5, "h": 0.3}
    assert {p["theory"] for p in record["predictions"]} == {"enumeration"}
    energy = next(p for p in record["predictions"] if p["quantity"] == "energy")
    assert f"{energy['value']:.10g}" == rows(done)["enumeration", "energy"]
    assert energy["outside"] == ""


def test_levels_of_decimation_are_told_apart() -> None:
    done = run("--lattice", "chain", "--size", "8", "--temperature", "1", "--theory", "decimation")
    assert "coupling (level 0)" in done.output
    assert "coupling (level 3)" in done.output


@pytest.mark.parametrize("lattice", LATTICES)
def test_each_lattice_is_made(lattice: str) -> None:
    assert run("--lattice", lattice, "--size", "3", "--temperature", "3").exit_code == 0


def test_sides_may_differ() -> None:
    done = run("--lattice", "cubic", "--size", "2x3x2", "--temperature", "3", "--theory", "elimination")
    assert "12 spins on cubic 2 × 3 × 2, periodic" in done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--lattice kagome --temperature 2", "one of the lattices chain, square"),
        ("--size big --temperature 2", "a side, or sides such as 20x40, but got 'big'"),
        ("--size 2x3x4 --temperature 2", "one side or 2 for a square lattice"),
        ("--size 0 --temperature 2", "whole sides of at least 1"),
        ("--temperature -1", "a temperature above 0"),
        ("--temperature nan", "a temperature above 0"),
        ("--temperature 2 --coupling inf", "a finite coupling and field"),
        ("--temperature 2 --theory onsagger", "one of the theories enumeration"),
        ("--temperature 2 --theory enumeration", r"enumeration can treat, but got its 64 spins have 2\^64"),
        ("--temperature 2 --json nowhere/at/all.json", "whose folder is missing"),
    ],
)
def test_bad_input_gets_one_sentence(arguments: str, words: str) -> None:
    result = run(*arguments.split())
    assert isinstance(result.exception, InputError)
    with pytest.raises(InputError, match=words):
        raise result.exception


def test_the_help_names_every_option() -> None:
    done = run("--help")
    assert done.exit_code == 0
    for option in ("lattice", "size", "temperature", "coupling", "field", "open", "theory", "json"):
        assert f"--{option}" in done.output

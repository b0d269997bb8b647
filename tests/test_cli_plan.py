"""`lensmaker plan`: the table, the figure, the JSON, and one sentence for each bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from lensmaker.cli.plan import plan
from lensmaker.core import InputError
from lensmaker.report.plan_figure import plan_charts, plan_file


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command("plan")(plan)
    app.command("other")(lambda: None)
    return CliRunner().invoke(app, ["plan", *arguments], env={"COLUMNS": "160", "NO_COLOR": "1"})


def test_the_table_and_its_files(tmp_path: Path) -> None:
    figure, record = tmp_path / "plan.html", tmp_path / "plan.json"
    done = run("x1*x2*…*x20", "--accuracy", "1e-8", "--figure", str(figure), "--json", str(record))
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.output.splitlines()]
    units = [words[2] for words in lines if words[:1] == ["layers"]]
    assert units == ["112", "76", "76", "78"]
    assert "1048576" in done.output
    assert "Smallest for an error of 1e-08: 76 units in 3 hidden layers (layers)" in done.output
    data = json.loads(record.read_text(encoding="utf-8"))
    assert [row["units"] for row in data["constructions"]] == [2**20, 2**19, 112, 76, 76, 78, 76, 80]
    assert data["constructions"][data["smallest"]]["layers"] == 3
    assert [row["enough"] for row in data["constructions"][:3]] == [False, False, False]
    page = figure.read_text(encoding="utf-8")
    assert "hidden units" in page
    assert "asked for" in page
    above, below = plan_charts(data)
    assert above["series"][0]["points"] == [(1, 2.0**20), (2, 112.0), (3, 76.0), (4, 76.0), (5, 78.0)]
    assert len(below["series"][0]["points"]) == 5
    assert plan_file(data, ".svg").startswith(b"<svg")


def test_formats_and_activations_change_errors_alone() -> None:
    tables = [
        run("x*y*z*w", "--dtype", d, "--activation", a) for d, a in (("float64", "tanh"), ("float32", "gelu"))
    ]
    for done in tables:
        assert done.exit_code == 0, done.output
        assert "Smallest" in done.output
    assert "tanh in float64" in tables[0].output
    assert "gelu in float32" in tables[1].output


def test_a_polynomial_of_several_terms_and_of_powers() -> None:
    done = run("x**3*y + 2*x*y - 7", "--layers", "2", "--activation", "exp")
    assert "2 monomials each by itself" in done.output
    assert "with powers above 1 a bound from above" in done.output
    assert "with biases" not in done.output


def test_sizes_beyond_all_memory_are_planned_not_built() -> None:
    done = run("x1*x2*...*x200", "--layers", "3")
    assert "2^200" in done.output
    assert "no digit" not in done.output


@pytest.mark.parametrize("factor", ["1e12*", "1e-12*", "0.001*"])
def test_a_factor_leaves_as_many_digits(factor: str) -> None:
    """Of 10^12 xy no digit was said to be left, as its error is above one half."""
    for text in ("x*y", "x1*x2*...*x20"):
        plain, scaled = (run(one).output.rsplit("Smallest", 1)[1] for one in (text, factor + text))
        assert scaled.partition("error")[0] == plain.partition("error")[0]


def test_an_accuracy_that_none_has() -> None:
    assert (
        "None has an error of 1e-30 in float32"
        in run("x*y", "--accuracy", "1e-30", "--dtype", "float32").output
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("sin(x)", "a polynomial of numbers, names"),
        ("x*y/", "a polynomial of numbers, names"),
        ("7", "a polynomial with a variable in it, but got 7"),
        ("x1*x2*...*x600", "at most 512 variables in a product"),
        ("x**5000", "of powers that add up to 4096"),
        ("x*y --activation relu", "the name of a smooth activation function, but got 'relu'"),
        ("x*y --accuracy 0", "an accuracy above 0"),
        ("x*y --accuracy nan", "an accuracy above 0"),
        ("x*y --layers 0", "from 1 to 12 hidden layers"),
        ("x*y --figure plan.png", "a figure that ends in .html or .svg"),
        ("x*y --json nowhere/at/all.json", "whose folder is missing"),
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
    for option in ("activation", "accuracy", "dtype", "layers", "figure", "json"):
        assert f"--{option}" in done.output

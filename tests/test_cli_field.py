"""`lensmaker field`: the tables, the files, and one sentence for each bad input."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner, Result

from lensmaker.cli.field import field
from lensmaker.core import InputError, LensmakerError

NETWORKS = '''
import torch
from torch import nn


def blurs():
    """Two blurs, one of them to the left, and a mixer."""
    net = nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(2)], nn.Conv2d(1, 2, 1))
    for conv in net[:2]:
        nn.init.constant_(conv.weight, 1 / 9)
    net[1].weight.data[..., 2] = 0.5
    return net


def dense():
    return nn.Linear(4, 2)


def gray():
    return nn.Conv2d(1, 2, 3)


def photo():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 5, stride=4), nn.ReLU(), nn.Conv2d(4, 4, 3))
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "fieldnets.py").write_text(NETWORKS, encoding="utf-8")
    x = np.random.default_rng(0).normal(size=(3, 1, 24, 24)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x)
    np.savez(tmp_path / "rows.npz", x=x[:, 0, 0, :4])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    monkeypatch.delitem(sys.modules, "fieldnets", raising=False)
    return tmp_path


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command("field")(field)
    app.command("other")(lambda: None)
    return CliRunner().invoke(app, ["field", *arguments], env={"COLUMNS": "160", "NO_COLOR": "1"})


def test_the_tables_and_the_files(folder: Path) -> None:
    done = run(
        "fieldnets:blurs",
        "--input",
        "x.npz",
        "--html",
        "f.html",
        "--json",
        "f.json",
        "--figures",
        "drawn/here",
    )
    assert done.exit_code == 0, done.output
    assert "3 convolutions: 2 diffusive, 1 that move nothing" in done.output
    rows = [line.split() for line in done.output.splitlines() if line.startswith((" 0 ", " 1 ", " 2 "))]
    assert rows[0][:4] == ["0", "diffusive", "1", "0,"]
    assert rows[2][1] == "local"
    data = json.loads((folder / "f.json").read_text(encoding="utf-8"))
    first, second, mixer = data["layers"]
    assert first["metric"][0][0] == pytest.approx(2 / 3)
    # Weights 1/9, 1/9 and 1/2 by column, in each of three rows.
    assert second["drift"] == pytest.approx([0, (1 / 2 - 1 / 9) / (2 / 9 + 1 / 2)])
    assert second["measured_spread"]["drift"][1] > 0.4
    assert first["measured"] == pytest.approx(first["expected"], rel=0.5)
    assert mixer["kind"] == "local"
    assert mixer["measured"] is None
    page = (folder / "f.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=\"http", page)
    assert page.count('class="layer"') == 3
    assert sorted(p.name for p in (folder / "drawn" / "here").iterdir()) == ["fields.svg", "point-spread.svg"]


def test_layers_and_samples_are_few_if_asked(folder: Path) -> None:
    done = run("fieldnets:blurs", "--input", "x.npz", "--layers", "1", "--samples", "1", "--json", "f.json")
    assert done.exit_code == 0, done.output
    layers = json.loads((folder / "f.json").read_text(encoding="utf-8"))["layers"]
    assert [row["measured_spread"] is not None for row in layers] == [False, True, False]


def test_weights_are_loaded(folder: Path) -> None:
    blurs = torch.nn.Sequential(
        *[torch.nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(2)], torch.nn.Conv2d(1, 2, 1)
    )
    state = blurs.state_dict()
    state["0.weight"] = torch.eye(3)[None, None]
    torch.save(state, folder / "w.pt")
    done = run("fieldnets:blurs", "--input", "x.npz", "--weights", "w.pt", "--json", "f.json")
    assert done.exit_code == 0, done.output
    (first, *_) = json.loads((folder / "f.json").read_text(encoding="utf-8"))["layers"]
    assert first["metric"][0] == pytest.approx([2 / 3, 2 / 3])


def test_photographs_are_read_without_an_input() -> None:
    pytest.importorskip("skimage")
    done = run("fieldnets:photo", "--layers", "1")
    assert done.exit_code == 0, done.output
    assert "17 samples: float32[17, 3, 224, 224]" in done.output


def file(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text("", encoding="utf-8")


BAD: dict[str, tuple[list[str], str]] = {
    "no convolution": (["fieldnets:dense", "--input", "rows.npz"], "with .*convolution"),
    "not for photographs": (
        ["fieldnets:gray"],
        "reads photographs of 3 × 224 × 224, but got Conv2d.*--input",
    ),
    "does not run": (["fieldnets:gray", "--input", "rows.npz"], "to run on the batch"),
    "no such input": (["fieldnets:gray", "--input", "y.npz"], "y.npz, which is not there"),
    "no such model": (["fieldnets:nothing"], "'fieldnets' without 'nothing'"),
    "no colon": (["fieldnets"], "package.module:factory"),
    "a file for a folder": (
        ["fieldnets:gray", "--input", "x.npz", "--figures", "fieldnets.py"],
        "a folder for the drawings, but got fieldnets.py, which is a file",
    ),
    "a folder below a file": (
        ["fieldnets:gray", "--input", "x.npz", "--figures", "fieldnets.py/below"],
        "a folder for the drawings, but got fieldnets.py/below",
    ),
    "a missing folder": (
        ["fieldnets:gray", "--input", "x.npz", "--json", "no/f.json"],
        "whose folder is missing",
    ),
    "over the input": (["fieldnets:gray", "--input", "x.npz", "--json", "x.npz"], "beside the inputs"),
}


@pytest.mark.parametrize(("arguments", "words"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_one_sentence(arguments: list[str], words: str, folder: Path) -> None:
    if arguments[0] == "fieldnets:gray" and "--input" not in arguments:
        pytest.importorskip("skimage")
    done = run(*arguments)
    assert isinstance(done.exception, LensmakerError)
    assert re.search(words, str(done.exception))
    assert "\n" not in str(done.exception)


@pytest.mark.parametrize("option", ["--samples", "--layers"])
def test_counts_start_at_one(option: str) -> None:
    done = run("fieldnets:gray", "--input", "x.npz", option, "0")
    assert done.exit_code == 2


def test_errors_are_input_errors() -> None:
    assert issubclass(InputError, LensmakerError)

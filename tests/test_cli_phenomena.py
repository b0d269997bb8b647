"""`lensmaker run` and `lensmaker phenomena`: what is printed and kept, and what is said of bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from command import Run
from lensmaker.core.progress import Progress
from lensmaker.phenomena import PHENOMENA
from lensmaker.phenomena.base import Outcome
from lensmaker.phenomena.block_spin import BlockSpin
from phenomena.test_block_spin import SMALL


@pytest.fixture(autouse=True)
def _smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = replace(SMALL, epochs=1, seeds=1)
    monkeypatch.setattr(BlockSpin, "quick", classmethod(lambda cls: cls(plan)))


def test_phenomena_are_listed(lensmaker: Callable[..., Run]) -> None:
    found = lensmaker("phenomena")
    assert found.code == 0
    for phenomenon in PHENOMENA:
        assert phenomenon.name in found.out


def test_a_run_prints_its_claims_and_draws(lensmaker: Callable[..., Run], tmp_path: Path) -> None:
    kept, drawn = tmp_path / "kept", tmp_path / "drawn"
    found = lensmaker("run", "block-spin", "--quick", "--folder", str(kept), "--figures", str(drawn))
    assert found.code == 0
    findings = json.loads((kept / "findings.json").read_text())["findings"]
    assert found.out.count("undecided") == len(findings) == 10
    assert {path.name for path in drawn.iterdir()} == {
        *(f"fields-{name}.html" for name in ("ising", "l1-off", "shuffled-sites", "k-0", "random-weights")),
        "reconstructions.html",
    }


def test_an_interrupted_run_says_how_to_go_on(
    lensmaker: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(self: BlockSpin, folder: Path, progress: Progress | None = None) -> Outcome:
        raise KeyboardInterrupt

    monkeypatch.setattr(BlockSpin, "run", stopped)
    found = lensmaker("run", "block-spin", "--quick", "--folder", str(tmp_path / "kept"))
    assert found.code == 130
    assert "give the same command again to go on" in found.err


def test_bad_input_is_one_sentence(lensmaker: Callable[..., Run], tmp_path: Path) -> None:
    file, missing = tmp_path / "file", tmp_path / "no" / "such"
    file.write_text("mine")
    kept = str(tmp_path / "kept")
    for words, said in (
        (("blockspin",), "one of the phenomena block-spin"),
        (("block-spin", "--quick", "--folder", str(file)), "which is a file"),
        (("block-spin", "--quick", "--folder", kept, "--figures", str(file)), "which is a file"),
        (("block-spin", "--quick", "--folder", str(missing)), "whose folder is missing"),
        (("block-spin", "--quick", "--folder", kept, "--figures", str(missing)), "whose folder is missing"),
    ):
        found = lensmaker("run", *words)
        assert found.code == 2
        assert said in found.err
        assert found.err.count("\n") == 1
    assert file.read_text() == "mine"


def test_a_folder_that_cannot_be_written_to_is_said_before_the_work(
    lensmaker: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("lensmaker.cli.console.NamedTemporaryFile", refused)
    monkeypatch.setattr(BlockSpin, "run", lambda *_: pytest.fail("it has begun"))
    for words in (("--folder", str(tmp_path)), ("--folder", str(tmp_path), "--figures", str(tmp_path))):
        found = lensmaker("run", "block-spin", "--quick", *words)
        assert found.code == 2
        assert "permission denied: choose a folder you may write to" in found.err

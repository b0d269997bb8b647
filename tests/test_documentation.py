"""Every page runs as it is written, no code on it escapes being run, and all links hold."""

from __future__ import annotations

import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

from documents import ROOT, run_page

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
FENCES = {"python", "console", "text", "json", "mermaid"}


def page_parameter(path: Path) -> object:
    """A page with `<!-- slow -->` in it is a slow test."""
    marks = [pytest.mark.slow] if "<!-- slow -->" in path.read_text(encoding="utf-8") else []
    return pytest.param(path, marks=marks, id=str(path.relative_to(ROOT)))


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader sits in an empty folder, at a terminal of 110 columns without colours."""
    for name, value in {"COLUMNS": "110", "NO_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "reader"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("page", [page_parameter(page) for page in PAGES])
def test_page_runs_as_written(page: Path, reader: Path) -> None:
    fences = re.findall(r"^ *```(\S+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(fences) <= FENCES, "a fence of another kind would not be run"
    run = run_page(page)
    assert run >= sum(fence in ("python", "console") for fence in fences)


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        ("```python\nassert 1 + 1 == 3\n```", "^$"),
        ("```python\n>>> 1 + 1\n3\n```", "Expected:\n    3"),
        ("```console\n$ make nonsense\n```", "No rule to make target"),
        ("```console\n$ conda install lensmaker\n```", "do not know how to run conda"),
        ("```console\n$ python examples/nonsense.py\n```", "does not exist"),
        ("```console\n$ lensmaker good\n0.97 ± 0.03\n```", "but the page shows:\n0.97"),
        ("```console\n$ lensmaker bad\n```", "ended with exit code 2:\nExpected a batch"),
        ("```console\n$ lensmaker good # exit code 2\n```", "ended with exit code 0"),
        (
            '```python title="net.py"\nwidth = 3\n```\n\n```python\nimport net\n\nassert net.width == 4\n```',
            "^$",
        ),
    ],
)
def test_a_false_page_is_noticed(
    page: str, complaint: str, reader: Path, command_line: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(reader))
    (reader / "page.md").write_text(page)
    with pytest.raises(AssertionError, match=complaint):
        run_page(reader / "page.md")


def test_a_true_page_passes(reader: Path, command_line: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(reader))
    (reader / "page.md").write_text(
        '```python title="net.py"\nwidth = 3\n```\n\n```python\nimport net\n\nassert net.width == 3\n```\n\n'
        "```console\n$ pip install .\n$ make test\n$ lensmaker good \\\n  really\nq = 0.98 ± ...\n"
        "$ lensmaker bad # exit code 2\nExpected a batch...\n```\n"
    )
    assert run_page(reader / "page.md") == 3
    assert "net" not in sys.modules


@pytest.fixture
def command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a command line in the place of lensmaker's that knows one good and one bad word."""

    def main() -> None:
        if sys.argv[1] == "bad":
            print("Expected a batch, but got none: pass one.", file=sys.stderr)
            raise SystemExit(2)
        print("q = 0.98 ± 0.02")

    monkeypatch.setitem(sys.modules, "lensmaker.cli", types.SimpleNamespace(main=main))


@pytest.mark.slow
def test_documentation_builds_without_a_warning(tmp_path: Path) -> None:
    build = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert build.returncode == 0, build.stdout + build.stderr
    assert "activation²" in (tmp_path / "quantities" / "index.html").read_text(encoding="utf-8")


def test_the_table_of_architectures_is_that_of_the_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks" / "architectures"))
    import page

    shown = page.PAGE.read_text(encoding="utf-8").partition(page.FIRST)[2].partition(page.LAST)[0]
    assert shown.strip() == page.printed()
    assert shown.count("\n| ") > 50

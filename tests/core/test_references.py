"""A reference prints as a line and as BibTeX, with nothing where nothing is known."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

import lensmaker
from lensmaker.core import Reference, bibliography

FULL = Reference("poole2016", "B. Poole", "Exponential expressivity", 2016, "NeurIPS", "arXiv:1606.05340")
BARE = Reference("neal1996", "R. M. Neal", "Priors for infinite networks", 1996)

SOURCES = sorted(Path(lensmaker.__file__).parent.rglob("*.py"))


def test_line() -> None:
    assert str(FULL) == "B. Poole, “Exponential expressivity”, NeurIPS (2016), arXiv:1606.05340"
    assert str(BARE) == "R. M. Neal, “Priors for infinite networks” (1996)"


def test_bibtex() -> None:
    assert FULL.to_bibtex() == (
        "@inproceedings{poole2016,\n"
        "  author = {B. Poole},\n"
        "  title = {Exponential expressivity},\n"
        "  year = {2016},\n"
        "  booktitle = {NeurIPS},\n"
        "  note = {arXiv:1606.05340}\n"
        "}"
    )
    assert BARE.to_bibtex().count("=") == 3


def test_bibtex_tells_authors_apart() -> None:
    for authors in ("B. Hanin, M. Nica, G. Yang", "B. Hanin, M. Nica and G. Yang"):
        entry = Reference("three", authors, "Three", 2020).to_bibtex()
        assert "author = {B. Hanin and M. Nica and G. Yang}" in entry


@pytest.mark.parametrize(
    ("venue", "heading"),
    [
        ("ICLR", "@inproceedings{k"),
        ("Ann. Statist. 29, 295", "@article{k"),
        ("Cambridge University Press", "@book{k"),
        ("", "@misc{k"),
    ],
)
def test_bibtex_knows_what_a_source_is(venue: str, heading: str) -> None:
    assert Reference("k", "A", "T", 2020, venue).to_bibtex().startswith(heading)


def written(paths: list[Path]) -> Counter[str]:
    """How often each key is written as the first argument of a `Reference`."""
    calls = (node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    return Counter(
        str(call.args[0].value)
        for call in calls
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "Reference"
        and call.args
        and isinstance(call.args[0], ast.Constant)
    )


def test_no_source_is_written_twice() -> None:
    keys = written(SOURCES)
    assert len(keys) > 100
    assert [key for key, times in keys.items() if times > 1] == []


def test_a_source_that_is_written_twice_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text('R = Reference("lin2017", "H. W. Lin", "Why?", 2017)\n')
    (tmp_path / "two.py").write_text(
        'class T:\n    references = (Reference("lin2017", "Lin", "Why", 2016),)\n'
    )
    assert written(sorted(tmp_path.glob("*.py"))) == {"lin2017": 2}


def test_the_bibliography_is_named_after_its_keys_and_used() -> None:
    entries = {name: entry for name, entry in vars(bibliography).items() if isinstance(entry, Reference)}
    text = "".join(path.read_text(encoding="utf-8") for path in SOURCES if path.name != "bibliography.py")
    for name, entry in entries.items():
        assert str(entry.year) in name
        assert entry.key.startswith(re.split(r"_\d|_BN|_NICA|_JANUSZ", name)[0].lower())
        assert re.search(rf"\b{name}\b", text), name

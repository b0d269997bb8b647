"""A reference prints as a line and as BibTeX, with nothing where nothing is known."""

from __future__ import annotations

import pytest

from lensmaker.core import Reference

FULL = Reference("poole2016", "B. Poole", "Exponential expressivity", 2016, "NeurIPS", "arXiv:1606.05340")
BARE = Reference("neal1996", "R. M. Neal", "Priors for infinite networks", 1996)


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

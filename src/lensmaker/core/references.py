"""Bibliography: each theory and instrument declares the entries it rests on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    """A bibliography entry.

    Examples
    --------
    >>> title = "Exponential expressivity"
    >>> str(Reference("poole2016", "B. Poole et al.", title, 2016, "NeurIPS", "arXiv:1606.05340"))
    'B. Poole et al., “Exponential expressivity”, NeurIPS (2016), arXiv:1606.05340'
    """

    key: str
    authors: str
    title: str
    year: int
    venue: str = ""
    identifier: str = ""

    def __str__(self) -> str:
        venue = f", {self.venue}" if self.venue else ""
        identifier = f", {self.identifier}" if self.identifier else ""
        return f"{self.authors}, “{self.title}”{venue} ({self.year}){identifier}"

    def to_bibtex(self) -> str:
        """The entry in BibTeX: an article if its venue has a volume, a book if that is a publisher."""
        kind, venue = _kind(self.venue)
        fields = {
            "author": self.authors.replace(" and ", ", ").replace(", ", " and "),
            "title": self.title,
            "year": str(self.year),
            venue: self.venue,
            "note": self.identifier,
        }
        body = ",\n".join(f"  {k} = {{{v}}}" for k, v in fields.items() if v)
        return f"@{kind}{{{self.key},\n{body}\n}}"


def _kind(venue: str) -> tuple[str, str]:
    """The type of the entry, and the name of the field that holds its venue."""
    if not venue:
        return "misc", "howpublished"
    if "Press" in venue or "Springer" in venue:
        return "book", "publisher"
    if any(letter.isdigit() for letter in venue):
        return "article", "journal"
    return "inproceedings", "booktitle"

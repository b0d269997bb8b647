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
        """The entry in BibTeX."""
        fields = {
            "author": self.authors.replace(" and ", ", ").replace(", ", " and "),
            "title": self.title,
            "year": str(self.year),
            "journal": self.venue,
            "note": self.identifier,
        }
        body = ",\n".join(f"  {k} = {{{v}}}" for k, v in fields.items() if v)
        return f"@article{{{self.key},\n{body}\n}}"

"""The generated pages: the reference, one page for each part of lensmaker, and the glossary of quantities."""

from __future__ import annotations

import pkgutil

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import lensmaker
from lensmaker.core import QUANTITIES


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to those that are written."""
    for part in pkgutil.iter_modules(lensmaker.__path__):
        page = f"# lensmaker.{part.name}\n\n::: lensmaker.{part.name}\n"
        files.append(File.generated(config, f"reference/{part.name}.md", content=page))
    files.append(File.generated(config, "reference/quantities.md", content=glossary()))
    return files


def glossary() -> str:
    """All standard quantities as a Markdown table."""
    rows = [
        f"| `{q.name}` | {_cell(q.symbol)} | {_cell(q.unit)} | {_cell(q.definition)} |" for q in QUANTITIES
    ]
    return "\n".join(
        ["# Quantities", "", "| name | symbol | unit | definition |", "|---|---|---|---|", *rows, ""]
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")

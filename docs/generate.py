"""The generated pages: the reference, one page for each part of lensmaker, and the glossary of quantities."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import lensmaker
from lensmaker.core import QUANTITIES


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to those that are written."""
    for name in parts():
        page = f"reference/{name.removeprefix('lensmaker.')}.md"
        files.append(File.generated(config, page, content=reference(name)))
    files.append(File.generated(config, "quantities.md", content=glossary()))
    return files


def parts() -> Iterator[str]:
    """The modules at the top, the packages in them, and below these the packages that say what they export."""
    for part in pkgutil.iter_modules(lensmaker.__path__, "lensmaker."):
        yield part.name
        if part.ispkg:
            for inner in _packages(part.name):
                yield inner
                yield from (deeper for deeper in _packages(inner) if _exports(deeper))


def _packages(name: str) -> Iterator[str]:
    folder = importlib.import_module(name).__path__
    yield from (inner.name for inner in pkgutil.iter_modules(folder, f"{name}.") if inner.ispkg)


def _exports(name: str) -> bool:
    return hasattr(importlib.import_module(name), "__all__")


def reference(name: str) -> str:
    """A page that shows what the module exports, or all its files where it exports nothing."""
    exports = _exports(name)
    return f"# {name}\n\n::: {name}\n    options:\n      show_submodules: {str(not exports).lower()}\n"


def glossary() -> str:
    """All standard quantities as a Markdown table."""
    head = ["# Quantities", "", "| name | symbol | unit | definition |", "|---|---|---|---|"]
    rows = [
        f"| `{q.name}` | {_cell(q.symbol)} | {_cell(q.unit)} | {_cell(q.definition)} |" for q in QUANTITIES
    ]
    return "\n".join([*head, *rows, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")

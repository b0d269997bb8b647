"""Runs a page of the documentation from top to bottom, as a reader would.

Python blocks run in one namespace, and `>>>` lines must print what the page shows. In a console block every
line after `$` is run, and must print what stands below it, where `...` stands for anything. A block with a
title is a file, which the reader has written before going on.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from sybil import Document, Example, Region
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer

ROOT = Path(__file__).parent.parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
UNRUN = ("apt-get", "cd", "git", "pip", "python")
"""Commands that set the scene; the examples that `python` names have tests of their own."""


def run_page(path: Path) -> int:
    """Run all examples of a page in the current folder, and return how many there were."""
    parsers = (
        PythonCodeBlockParser(doctest_optionflags=FLAGS),
        CodeBlockParser("console", console),
        titled_files,
    )
    with forgotten_modules():
        examples = list(Document.parse(str(path), *parsers))
        for example in examples:
            example.evaluate()
    return len(examples)


def titled_files(document: Document) -> Iterable[Region]:
    """Find the blocks ```` ```python title="net.py" ````."""
    info = re.compile(r'\w+ title="(?P<name>[^"]+)"$\n', re.MULTILINE)
    for region in RawFencedCodeBlockLexer(info)(document):
        region.parsed, region.evaluator = region.lexemes["source"], write_file
        yield region


def write_file(example: Example) -> None:
    Path(example.region.lexemes["name"]).write_text(str(example.parsed), encoding="utf-8")


def console(example: Example) -> str | None:
    """Run the commands of a console block; what differs from the page is returned."""
    for session in re.split(r"^\$ ", str(example.parsed), flags=re.MULTILINE)[1:]:
        command, _, shown = session.replace("\\\n", " ").partition("\n")
        code, printed = run(command)
        expected = re.search(r"# exit code (\d+)$", command)
        if code != int(expected[1] if expected else 0):
            return f"$ {command}\nended with exit code {code}:\n{printed}"
        if shown.strip() and not doctest.OutputChecker().check_output(shown, printed, FLAGS):
            return f"$ {command}\nprinted:\n{printed}\nbut the page shows:\n{shown}"
    return None


def run(command: str) -> tuple[int, str]:
    """Exit code and output of a shell command of the documentation."""
    program, *arguments = shlex.split(command, comments=True)
    if program == "lensmaker":
        return lensmaker(arguments)
    if program == "make":  # a dry run: `make test` would run itself
        make = subprocess.run(
            ["make", "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
        return make.returncode, make.stderr
    if program == "python" and not (ROOT / arguments[0]).exists():
        return 2, f"{arguments[0]} does not exist"
    return (0, "") if program in UNRUN else (127, f"the tests do not know how to run {program}")


def lensmaker(arguments: list[str]) -> tuple[int, str]:
    """Run the console script in this process, where torch is imported already."""
    from lensmaker.__main__ import main

    output, before = io.StringIO(), sys.argv
    sys.argv = ["lensmaker", *arguments]
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            code = main()
    except SystemExit as exit_:
        code = exit_.code
    finally:
        sys.argv = before
    return (code if isinstance(code, int) else int(code is not None)), output.getvalue()


@contextlib.contextmanager
def forgotten_modules() -> Iterator[None]:
    """Forget the modules that a page wrote and imported: the next page may use the same names."""
    here, path = str(Path.cwd()), list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = path
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None)).startswith(here):
                del sys.modules[name]

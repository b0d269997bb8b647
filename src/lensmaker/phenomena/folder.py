"""The folder of a run: marked with its plan, and written so that a kill at any moment leaves whole files."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lensmaker.core import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def mark(path: Path, plan: DataclassInstance) -> None:
    """Write the plan into a folder, or see that it is the one that is there.

    Raises
    ------
    InputError
        If the folder is missing, or holds another plan.
    """
    if not path.is_dir():
        raise InputError("a folder that exists", f"{path}", f"make {path} first")
    file, wanted = path / "plan.json", json.loads(json.dumps(asdict(plan)))
    if not file.exists():
        put(file, wanted)
    elif taken(file) != wanted:
        fix = "name another folder, or remove it to start again"
        raise InputError("the folder of this plan", f"{path} of another one", fix)


def put(path: Path, content: Any) -> None:
    """Write JSON beside the file, see it on the disk, and put it in its place.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     put(Path(folder, "a.json"), {"T": 2.0})
    ...     put(Path(folder, "a.json"), {"T": 3.0})
    ...     taken(Path(folder, "a.json")), len(list(Path(folder).iterdir()))
    ({'T': 3.0}, 1)
    """
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def taken(path: Path) -> Any:
    """What `put` wrote.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        fix = "remove it, and the same run makes it again"
        raise InputError("a file that the run wrote", f"{path}, which is damaged", fix) from error

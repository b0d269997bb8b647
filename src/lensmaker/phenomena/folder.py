"""The folder of a run: marked with its plan, and written so that a kill at any moment leaves whole files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from lensmaker.core import InputError, jsonable

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

AGAIN = "remove it, and the same run makes it again"


@runtime_checkable
class Told(Protocol):
    """A finding of any kind."""

    def to_dict(self) -> dict[str, object]:
        """Name → value."""


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
    elif taken(file, "remove that file, if the folder is of this plan") != wanted:
        fix = "name another folder, or remove it to start again"
        raise InputError("the folder of this plan", f"{path} of another one", fix)


def publish(folder: Path, findings: Iterable[Told], facts: Iterable[Mapping[str, Any]]) -> None:
    """Write `findings.json` for any reader of JSON: numbers that it lacks are null.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    found = {"findings": [f.to_dict() for f in findings], "facts": list(facts)}
    put(folder / "findings.json", jsonable(found))


def put(path: Path, content: Any) -> None:
    """Write JSON beside the file, see it on the disk, and put it in its place.

    Raises
    ------
    InputError
        If the folder is not writable, the path is no regular file, or the disk is full.

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
    try:
        with partial.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        fix = "choose a folder you may write to"
        raise InputError("a file that can be written", f"{path}: {reason}", fix) from error
    finally:
        partial.unlink(missing_ok=True)


def taken(path: Path, fix: str = AGAIN) -> Any:
    """What `put` wrote.

    Parameters
    ----------
    fix
        What to do if it is damaged.

    Raises
    ------
    InputError
        If it cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:100]
        raise InputError("a file of JSON", f"{path}, which is damaged ({reason})", fix) from error

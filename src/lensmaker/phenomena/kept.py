"""Facts of a run as JSON in its folder: written whole or not at all, and read with a sentence if they are damaged."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from lensmaker.core import InputError
from lensmaker.core.tables import jsonable


def write_json(path: Path, value: Any) -> None:
    """Write a value beside `path`, see it on the disk, and put it in its place; numbers that JSON lacks are null.

    Raises
    ------
    InputError
        If the folder is not writable, the path is no regular file, or the disk is full.
    """
    partial = path.with_name(f".{path.name}.partial")
    text = json.dumps(jsonable(value), indent=1, allow_nan=False)
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        fix = "choose a folder you may write to"
        raise InputError("a file that can be written", f"{path}: {reason}", fix) from error
    finally:
        partial.unlink(missing_ok=True)


def read_json(path: Path, fix: str) -> Any:
    """What `write_json` wrote.

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

"""Writing a report whole or not at all."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from lensmaker.core import InputError


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write `text` as UTF-8; see `write_bytes`."""
    return write_bytes(path, text.encode())


def write_bytes(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write `data` beside `path`, then move it there in one step; return the path.

    A reader sees the earlier file or the new one, never half of it; a failure leaves no trace.

    Raises
    ------
    InputError
        If the folder is missing or not writable, the path is not a regular file, or the disk is full.
    """
    expected = "a file that can be written"
    try:
        target = Path(path).resolve()
        if not target.parent.is_dir():
            raise InputError(
                expected, f"{path}, in a folder that does not exist", f"make {target.parent} first"
            )
        if target.exists() and not target.is_file():
            kind = "a folder" if target.is_dir() else "no regular file"
            raise InputError(expected, f"{path}, which is {kind}", "name a file")
        _replace(target, data)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(expected, f"{path}: {reason}", "choose a folder you may write to") from error
    return target


def _replace(target: Path, data: bytes) -> None:
    partial = target.with_name(f".lensmaker-{os.getpid()}-{threading.get_ident()}.partial")
    try:
        partial.write_bytes(data)
        if target.exists():
            partial.chmod(target.stat().st_mode)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)

"""All that a training needs to go on as if it had never stopped, in one file that is replaced at once."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from torch import Tensor

from lensmaker.core import InputError

FORMAT = "lensmaker.boltzmann.1"


def write(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write beside the file, then put it in its place: a kill at any moment leaves the last whole one."""
    from safetensors.torch import save

    told = {"format": FORMAT, "facts": json.dumps(facts)}
    data = save({name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}, metadata=told)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and facts of a file.

    Raises
    ------
    InputError
        If it is not there, truncated, or no file of a Boltzmann machine.
    """
    from safetensors import SafetensorError, safe_open

    expected, fix = "a file of a Boltzmann machine", "check the path, or train again"
    if not path.is_file():
        raise InputError(expected, f"{path}, which is not there", fix)
    try:
        with safe_open(path, framework="pt") as file:
            told = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:100]
        raise InputError(expected, f"{path}, which is damaged ({reason})", fix) from error
    if told.get("format") != FORMAT:
        raise InputError(expected, f"{path}, which is another safetensors file", fix)
    return tensors, json.loads(told["facts"])

"""The state of an unfinished run: one file, replaced in one step, so that a kill at any moment leaves a whole one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from lensmaker.core import InputError
from lensmaker.systems.spins.sampling.rule import State


def write_state(path: Path, meta: dict[str, Any], state: State) -> None:
    """Write facts and arrays beside `path`, see them on the disk, and put them in its place."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        arrays: dict[str, Any] = {"meta.json": np.array(json.dumps(meta)), **state}
        np.savez(file, **arrays)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_state(path: Path) -> tuple[dict[str, Any], State]:
    """What `write_state` wrote.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        meta = json.loads(str(arrays.pop("meta.json")))
        return dict(meta), arrays
    except Exception as error:  # zip, numpy and json each raise their own
        raise InputError(
            "the state of an interrupted run",
            f"{path}, which is damaged",
            f"remove it and {path.name.removesuffix('.state')} to start again",
        ) from error

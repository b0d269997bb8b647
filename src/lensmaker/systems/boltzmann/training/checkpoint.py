"""All that a training needs to go on as if it had never stopped, in one file that is replaced at once."""

from __future__ import annotations

import glob
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lensmaker.core import InputError

FORMAT = "lensmaker.boltzmann.1"

EXPECTED = "a file of a Boltzmann machine"


def target(path: str | os.PathLike[str]) -> Path:
    """Where to write.

    Raises
    ------
    InputError
        If the folder is missing.
    """
    found = Path(path)
    if not found.absolute().parent.is_dir():
        fix = f"make {found.absolute().parent} first"
        raise InputError("a path in a folder that exists", f"{path}", fix)
    return found


def write(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write beside the file, then put it in its place: a kill at any moment leaves the last whole one.

    Raises
    ------
    InputError
        If the folder is not writable, the path is a folder, or the disk is full; the last whole file stays.
    """
    from safetensors.torch import save

    copies = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
    text = json.dumps(facts)
    told = {"format": FORMAT, "facts": text, "sha256": _sum_of(copies, text)}
    try:
        _replace(path.resolve(), save(copies, metadata=told))
    except OSError as error:
        got = f"{path}: {(error.strerror or str(error)).lower()}"
        fix = "choose a folder you may write to, with room in it"
        raise InputError("a file that can be written", got, fix) from error


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and facts of a file.

    Raises
    ------
    InputError
        If it is not there, damaged, or no file of a Boltzmann machine.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InputError(EXPECTED, f"{path}, which is not there", "check the path, or train again")
    try:
        with safe_open(path, framework="pt") as file:
            told = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise damaged(path, error) from error
    if told.get("format") != FORMAT:
        got = f"{path}, which is another safetensors file"
        raise InputError(EXPECTED, got, "check the path, or train again")
    text = told.get("facts", "")
    if told.get("sha256", _sum_of(tensors, text)) != _sum_of(tensors, text):  # the first files have none
        raise damaged(path, "its numbers are not those that were written")
    try:
        facts = json.loads(text)
    except ValueError as error:
        raise damaged(path, error) from error
    if not isinstance(facts, dict) or not isinstance(facts.get("machine"), dict):
        raise damaged(path, "it does not say of which machine it is")
    return tensors, facts


def damaged(path: str | os.PathLike[str], why: object) -> InputError:
    """What is raised where a file cannot be what was written."""
    reason = " ".join(str(why).split())[:100] or type(why).__name__
    return InputError(EXPECTED, f"{path}, which is damaged ({reason})", "check the path, or train again")


def _replace(path: Path, data: bytes) -> None:
    _forget_the_dead(path)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _forget_the_dead(path: Path) -> None:
    """Remove what processes left that were killed while they wrote."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.partial-*"):
        number = left.name.rpartition("-")[2]
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            left.unlink(missing_ok=True)
        except (OSError, ValueError):
            continue  # it lives, or is no file of ours


def _sum_of(tensors: dict[str, Tensor], text: str) -> str:
    """A number that changes with any bit of the tensors and facts."""
    found = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()

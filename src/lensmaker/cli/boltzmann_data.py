"""Rows of numbers in files of any common kind, and machines in files of their own and of rbms."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from lensmaker.cli.boltzmann_tables import Flat
from lensmaker.core import InputError, LensmakerError, MissingDependencyError

if TYPE_CHECKING:
    from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine

EXPECTED = "rows of numbers in a .npy, .npz, .csv, .pt or .safetensors file, or in a zarr folder"


def opened(path: Path, key: str | None = None) -> Flat:
    """The table in a file, memory-mapped or read along where the format allows it.

    Parameters
    ----------
    key
        The name of the array, in files of several.

    Raises
    ------
    InputError
        If the file is missing, damaged or of something else, or several arrays are in it and none is named.
    """
    if not path.exists():
        raise InputError(EXPECTED, f"{path}, which is not there", "check the path")
    name = path.name.lower()
    reader = _zarr if path.is_dir() else next((r for end, r in READERS.items() if name.endswith(end)), None)
    if reader is None:
        raise InputError(EXPECTED, f"{path}", "convert it to one of these")
    if key is not None and not path.is_dir() and name.endswith((".npy", ".csv", ".csv.gz")):
        raise InputError("--key for files of several arrays", f"--key {key} for {path}", "leave it out")
    try:
        source = reader(path, key)
    except (LensmakerError, MemoryError):
        raise
    except pickle.UnpicklingError as error:
        got = f"{path}, which is damaged or a pickle that runs code when it is opened"
        raise InputError(EXPECTED, got, "save the tensor alone") from error
    except ModuleNotFoundError as error:
        fix = "pip install lensmaker[spins]"
        raise MissingDependencyError(f"the package {error.name} to read {path}", "none", fix) from error
    except Exception as error:  # readers raise whatever they met
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise InputError(EXPECTED, f"{path}, which cannot be read ({reason})", "write it again") from error
    if len(source.shape) < 2:
        got = f"shape {tuple(source.shape)} in {path}"
        raise InputError("a table of samples, (n, units)", got, "give each sample a row")
    kind = getattr(source, "dtype", None)
    if isinstance(kind, np.dtype) and kind.kind not in "fiub":
        raise InputError("real numbers", f"data of type {kind} in {path}", "convert them")
    return Flat(source)


def machine_in(path: Path) -> RestrictedBoltzmannMachine:
    """The machine in a file that `fit` or `save` wrote, or in an HDF5 file of rbms.

    Raises
    ------
    InputError
        If the file is missing, damaged, of something else, or a pickle, which is never opened.
    """
    from lensmaker.systems.boltzmann.files import from_rbms, load

    if path.suffix.lower() in (".pkl", ".pickle", ".joblib"):
        got = f"{path}, a pickle, which runs code when it is opened"
        fix = "in Python, pass the estimator to from_sklearn and save the machine"
        raise InputError("a .safetensors file of a machine, or an HDF5 file of rbms", got, fix)
    return from_rbms(path) if path.suffix.lower() in (".h5", ".hdf5") else load(path)


# -- one for each format ----------------------------------------------------------------------------


def _npy(path: Path, key: str | None) -> Any:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _npz(path: Path, key: str | None) -> Any:
    with np.load(path, allow_pickle=False) as arrays:
        return arrays[_named(arrays.files, path, key)]


def _csv(path: Path, key: str | None) -> Any:
    import pandas as pd

    first = pd.read_csv(path, header=None, nrows=1, dtype=str).iloc[0]
    cells = ["" if missing else str(cell) for cell, missing in zip(first, first.isna(), strict=True)]
    headed = _is_header(cells)
    if headed and _is_number(cells[-1]):
        typer.echo(
            f"lensmaker: the first row of {path.name}, 0, 1, 2 …, was taken for names of columns.", err=True
        )
    index = 0 if headed and len(cells) > 1 and not cells[0] else None  # as pandas writes row numbers
    found = pd.read_csv(path, header=0 if headed else None, index_col=index)
    return found.to_numpy(np.float32)


def _is_header(cells: list[str]) -> bool:
    """Whether the first row names columns, some of them perhaps by nothing, or numbers them as pandas does.

    Of fewer than four columns 0, 1, 2 may well be data.

    Examples
    --------
    >>> _is_header(["a", "b"]), _is_header(["", ""]), _is_header(["0", "1", "2", "3"]), _is_header(["0", "1"])
    (True, False, True, False)
    """
    named = cells[1:] if not cells[0] else cells
    if len(named) >= 4 and named == [str(k) for k in range(len(named))]:
        return True
    return any(cells) and not any(_is_number(cell) for cell in cells if cell)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell.strip().lower() in ("true", "false")
    return True


def _pt(path: Path, key: str | None) -> Any:
    import torch

    found = torch.load(path, map_location="cpu", weights_only=True)
    if isinstance(found, Mapping):
        found = found[_named(list(found), path, key)]
    if not isinstance(found, torch.Tensor):
        raise InputError(EXPECTED, f"{path} with a {type(found).__name__} in it", "save a tensor")
    return _plain(found)


def _safetensors(path: Path, key: str | None) -> Any:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return _plain(file.get_tensor(_named(list(file.keys()), path, key)))


def _zarr(path: Path, key: str | None) -> Any:
    import zarr

    from lensmaker.systems.spins.sampling.storage import FORMAT, state_path

    found: Any = zarr.open(path, mode="r")
    if not hasattr(found, "array_keys"):
        return found
    if state_path(path).exists():
        fix = "run the same command again: it goes on"
        raise InputError("complete samples", f"{path} of an interrupted run", fix)
    names = sorted(found.array_keys())
    ours = found.attrs.get("format") == FORMAT
    return found["spins" if ours and key is None else _named(names, path, key)]


def _plain(tensor: Any) -> Any:
    return (tensor.float() if tensor.is_floating_point() else tensor).detach().numpy()


def _named(names: list[str], path: Path, key: str | None) -> str:
    """The key, or the only name there is."""
    if key is None and len(names) == 1:
        return names[0]
    if key is None or key not in names:
        listed = ", ".join(map(str, names[:6])) or "nothing"
        got = f"{path} with {listed}" + ("" if key is None else f", and --key {key}")
        fix = f"pass --key {names[0]}" if names else "write it again"
        raise InputError("the name of one array of the file", got, fix)
    return key


READERS: dict[str, Callable[[Path, str | None], Any]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".csv": _csv,
    ".csv.gz": _csv,
    ".pt": _pt,
    ".pth": _pt,
    ".safetensors": _safetensors,
}
"""How the file's name ends → what reads it."""

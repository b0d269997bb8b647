"""Samples in a zarr folder: written chunk by chunk, opened by xarray.

Spins are int8 under zstd, not packed to bits: at infinite temperature, the worst case, that is 1.5 times the size
of packed bits (7.8 against 5.1 MB for 10 000 × 4096), less than that below T_c, and any reader of zarr sees ±1.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lensmaker.core import InputError
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian
from lensmaker.systems.spins.sampling.model_record import Model, digest, model_of, record
from lensmaker.systems.spins.sampling.provenance import Provenance
from lensmaker.systems.spins.sampling.samples import Samples, columns

if TYPE_CHECKING:
    import xarray as xr
    import zarr

FORMAT = "lensmaker.samples"
EMPTY = -128
"""No state of any spin."""

EXPECTED = "samples that lensmaker wrote"
MOST_COUPLINGS = 64
"""As many are told one by one among the attributes."""

COLUMNS = {
    "energy": ("float64", float("nan")),
    "magnetisation": ("float64", float("nan")),
    "chain": ("int32", -1),
    "sweep": ("int64", -1),
}
"""Name → type, and what stands where none was written yet."""


def create(path: Path, system: Canonical[Any], n: int, rows: int, mark: str = "") -> zarr.Group:
    """An empty folder for n samples, `rows` of them a chunk; EMPTY stands where none were written yet."""
    import zarr
    from zarr.codecs import ZstdCodec

    group = zarr.open_group(path, mode="w", zarr_format=3)
    squeezed = [ZstdCodec(level=3, checksum=True)]
    spins = group.create_array(
        "spins",
        shape=(n, system.sites),
        chunks=(min(rows, n), system.sites),
        dtype="int8",
        compressors=squeezed,
        dimension_names=("sample", "site"),
        fill_value=EMPTY,
    )
    spins.attrs["coordinates"] = "chain sweep"
    for name, (dtype, nothing) in COLUMNS.items():
        group.create_array(
            name,
            shape=(n,),
            chunks=(min(rows, n),),
            dtype=dtype,
            compressors=squeezed,
            dimension_names=("sample",),
            fill_value=nothing,
        )
    group.attrs["mark"] = mark
    _write_hamiltonian(group.create_group("hamiltonian"), system.hamiltonian)
    return group


def opened(path: Path, mark: str) -> zarr.Group:
    """The folder of a run that goes on.

    Raises
    ------
    InputError
        If it is not there, damaged, or that of another run.
    """
    import zarr

    expected = f"the samples of this interrupted run at {path}"
    fix = f"remove {path} and {state_path(path).name} to start again"
    try:
        group: Any = zarr.open_group(path, mode="r+", use_consolidated=False)
        found = [str(group.attrs["mark"]), *(group[name].shape for name in ("spins", *COLUMNS))]
    except Exception as error:  # the readers of zarr raise whatever they met
        raise InputError(expected, "a folder that is missing or damaged", fix) from error
    if found[0] != mark:
        raise InputError(expected, "those of another run", fix)
    return group


def write_chunk(group: Any, start: int, spins: torch.Tensor, found: dict[str, Any]) -> None:
    """Samples from number `start` on."""
    end = start + len(spins)
    group["spins"][start:end] = spins.numpy()
    for name in COLUMNS:
        group[name][start:end] = found[name]


def finish(path: Path, samples: Samples, mark: str = "") -> None:
    """Write the provenance: from here on the samples are complete."""
    import zarr

    group = zarr.open_group(path, mode="r+")
    group.attrs.update(_attributes(samples) | {"mark": mark})
    with warnings.catch_warnings():  # that consolidated metadata is no part of version 3 of the format yet
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(path)


def save(samples: Samples, path: str | os.PathLike[str]) -> None:
    """Write samples that are in memory; see `Samples.save`."""
    target = Path(path)
    if target.exists() or state_path(target).exists():
        raise InputError("a path where nothing is yet", f"{path}", "name another one, or remove it")
    if not target.parent.is_dir():
        raise InputError("a path in a folder that exists", f"{path}", f"make {target.parent} first")
    partial = target.with_name(f".{target.name}.partial-{os.getpid()}")
    rows = max(1, (1 << 22) // samples.system.sites)
    write_chunk(create(partial, samples.system, len(samples), rows), 0, samples.spins, columns(samples))
    finish(partial, samples)
    partial.rename(target)


def state_path(path: Path) -> Path:
    """Where the state of an unfinished run is kept."""
    return path.with_name(f"{path.name}.state")


def load(path: str | os.PathLike[str], *, partial: bool = False) -> Samples:
    """Read samples back; see `Samples.load`."""
    import zarr

    target = Path(path)
    if not target.is_dir():
        got = f"{path}, which is a file" if target.is_file() else f"{path}, which is not there"
        raise InputError(EXPECTED, got, "check the path")
    facts, done = _unfinished(target, partial)
    try:
        group: Any = zarr.open_group(target, mode="r", use_consolidated=False)
        told: dict[str, Any] = dict(group.attrs)
        if facts is None and told.get("format") != FORMAT:
            raise InputError(EXPECTED, f"{path}, which is something else", "check the path")
        model = _model(group["hamiltonian"])
        if facts is None and told["model"] != digest(model):
            raise InputError(EXPECTED, f"{path}, whose Hamiltonian is damaged", "draw them again")
        known = told if facts is None else facts
        system, provenance = Canonical(model, float(known["temperature"])), provenance_of(known["provenance"])
        spins = torch.from_numpy(np.asarray(group["spins"][:done]))
        columns_of = {name: np.asarray(group[name][:done]) for name in COLUMNS}
    except (InputError, MemoryError):
        raise
    except Exception as error:  # the readers of zarr and of its codecs raise whatever they met
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(EXPECTED, f"{path}, which is damaged ({reason})", "draw them again") from error
    empty = bool((spins == EMPTY).any()) or any(
        bool(np.isnan(c).any()) if c.dtype.kind == "f" else bool((c < 0).any()) for c in columns_of.values()
    )
    if empty:
        raise InputError(EXPECTED, f"{path}, of which a part is missing", "draw them again")
    return Samples(spins, system, provenance)


def _unfinished(path: Path, partial: bool) -> tuple[dict[str, Any] | None, int | None]:
    """What the state of an interrupted run tells, and how many samples it has; nothing where it is complete."""
    from lensmaker.systems.spins.sampling.run_state import read_state

    if not state_path(path).exists():
        return None, None
    if not partial:
        raise InputError(
            "complete samples", f"{path} of an interrupted run", "run the same command again: it goes on"
        )
    meta, _ = read_state(state_path(path))
    if not meta["done"]:
        raise InputError("an interrupted run with samples", f"{path}, in burn-in", "run the command again")
    return meta, int(meta["done"])


def mark_of(path: Path) -> str:
    """The fingerprint of the run that wrote complete samples; "" where it was no run."""
    import zarr

    return str(zarr.open_group(path, mode="r", use_consolidated=False).attrs.get("mark", ""))


def provenance_of(facts: dict[str, Any]) -> Provenance:
    """What `Provenance.to_dict` wrote; null is nan."""
    numbers: dict[str, Any] = {k: float("nan") if v is None else v for k, v in facts.items()}
    return Provenance(**{**numbers, "versions": tuple(facts["versions"].items())})


def to_xarray(samples: Samples) -> xr.Dataset:
    """The samples as a dataset; see `Samples.to_xarray`."""
    import xarray as xr

    found = columns(samples)
    data = {name: ("sample", found[name]) for name in ("energy", "magnetisation")}
    return xr.Dataset(
        {"spins": (("sample", "site"), samples.spins.numpy()), **data},
        coords={name: ("sample", found[name]) for name in ("chain", "sweep")},
        attrs=_attributes(samples),
    )


def _attributes(samples: Samples) -> dict[str, Any]:
    h = samples.system.hamiltonian
    facts = samples.provenance.to_dict()
    return {
        "format": FORMAT,
        "temperature": samples.system.temperature,
        "model": digest(h),
        "hamiltonian": str(h),
        **_couplings(h),
        "lattice": str(h.lattice),
        "provenance": {k: None if v != v else v for k, v in facts.items()},
    }


def _couplings(model: Model) -> dict[str, Any]:
    if not isinstance(model, Hamiltonian):
        return {}
    J = model.couplings
    return {"couplings": dict(J) if len(J) <= MOST_COUPLINGS else f"{len(J)} of them"}


def _write_hamiltonian(group: zarr.Group, model: Model) -> None:
    facts, arrays = record(model)
    group.attrs.update(facts)
    for name, array in arrays.items():
        chunks = tuple(max(1, n) for n in array.shape)
        group.create_array(name, shape=array.shape, chunks=chunks, dtype=array.dtype)[...] = array


def _model(group: Any) -> Model:
    return model_of(dict(group.attrs), {name: np.asarray(array[:]) for name, array in group.arrays()})

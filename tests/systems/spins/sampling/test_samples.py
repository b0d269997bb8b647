"""Samples on disk: whole after a kill at any moment, opened by xarray, and refused where they are damaged."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from lensmaker.core import InputError
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import from_matrix, hamiltonian, ising
from lensmaker.systems.spins.lattices import honeycomb, square
from lensmaker.systems.spins.multistate import Multistate
from lensmaker.systems.spins.named_models import blume_capel, potts
from lensmaker.systems.spins.sampling import HeatBath, Samples, Wolff, drawing, sample
from lensmaker.systems.spins.sampling.storage import state_path

SYSTEM = Canonical(ising(square(8), h=0.1), 2.5)
RUN = """
import sys
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import square
from lensmaker.systems.spins.sampling import drawing, sample
drawing.CHUNK = 1 << 12
sample(Canonical(ising(square(8), h=0.1), 2.5), 3001, seed=5, path=sys.argv[1], progress=print)
"""


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "CHUNK", 1 << 12)


@pytest.fixture(scope="module")
def whole() -> Samples:
    return sample(SYSTEM, 3001, seed=5)


def same(one: Samples, other: Samples) -> bool:
    return bool((one.spins == other.spins).all()) and one.provenance == other.provenance


def test_a_folder_holds_what_memory_holds(tmp_path: Path, whole: Samples, small_chunks: None) -> None:
    path = tmp_path / "a.zarr"
    assert same(sample(SYSTEM, 3001, seed=5, path=path), whole)
    assert same(Samples.load(path), whole)
    assert not state_path(path).exists()
    assert same(sample(SYSTEM, 3001, seed=5, path=path), whole), "nothing is left to do"


@pytest.mark.parametrize("at", [0, 1, 2, 3, 5, 9, 20])
def test_an_interrupt_leaves_what_was_done(
    at: int, tmp_path: Path, whole: Samples, small_chunks: None
) -> None:
    calls = iter(range(10**6))

    def interrupt(what: str, done: int, of: int) -> None:
        if next(calls) == at:
            raise KeyboardInterrupt

    path = tmp_path / "a.zarr"
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        sample(SYSTEM, 3001, seed=5, path=path, progress=interrupt)
    if at > 6:
        part = Samples.load(path, partial=True)
        assert len(part) > 0
        assert (part.spins == whole.spins[: len(part)]).all()
        with pytest.raises(InputError, match="interrupted run: run the same command again"):
            Samples.load(path)
    assert same(sample(SYSTEM, 3001, seed=5, path=path), whole)


def _killed(path: Path, after: int, wait: float) -> None:
    """Kill a run so many seconds after it has told its progress for so many times."""
    command = [sys.executable, "-uc", RUN, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ}) as run:
        assert run.stdout is not None
        for _ in range(after):
            run.stdout.readline()
        time.sleep(wait)
        run.send_signal(signal.SIGKILL)


def _goes_on(path: Path) -> None:
    subprocess.run([sys.executable, "-c", RUN, str(path)], check=True, capture_output=True)


def test_a_run_that_was_killed_goes_on(tmp_path: Path, whole: Samples) -> None:
    path = tmp_path / "a.zarr"
    draw = random.Random(0)
    for after in (3, 9):
        _killed(path, after, draw.uniform(0, 0.01))
    assert len(Samples.load(path, partial=True)) < 3001
    _goes_on(path)
    assert same(Samples.load(path), whole)


@pytest.mark.slow
def test_a_run_that_was_killed_often_goes_on(tmp_path: Path, whole: Samples) -> None:
    draw = random.Random(1)
    for k in range(8):
        path = tmp_path / f"{k}.zarr"
        for _ in range(4):
            _killed(path, draw.randint(1, 20), draw.uniform(0, 0.03))
        _goes_on(path)
        assert same(Samples.load(path), whole)


def test_xarray_opens_them(tmp_path: Path, whole: Samples) -> None:
    import xarray as xr

    whole.save(tmp_path / "a.zarr")
    found = xr.open_zarr(tmp_path / "a.zarr")
    assert found.sizes == {"sample": 3001, "site": 64}
    assert set(found.coords) == {"chain", "sweep"}
    assert found.attrs["temperature"] == 2.5
    assert found.attrs["couplings"] == {"J": 1.0, "h": 0.1}
    assert found.attrs["provenance"]["seed"] == 5
    assert set(found.attrs["provenance"]["versions"]) == {"lensmaker", "numba", "numpy", "torch"}
    assert found.load().equals(whole.to_xarray())
    energy = SYSTEM.hamiltonian.energy(torch.from_numpy(found.spins.values)) / 64
    assert np.allclose(found.energy, energy, rtol=1e-12)
    steps = found.sweep.values[found.chain.values == 3]
    assert set(np.diff(steps)) == {whole.provenance.thin}


SYSTEMS = {
    "honeycomb": Canonical(ising(honeycomb(3), J=-1.5), 2.0),
    "matrix": Canonical(from_matrix(np.eye(3)[::-1] - np.diag([0, 1, 0]), [0.1, 0, 0]), 1.0),
    "products": Canonical(hamiltonian(4, {"K": [[0, 1, 2]]}, {"K": 0.5}, weights={"K": [2.0]}), 1.0),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_hamiltonian_comes_back(name: str, tmp_path: Path) -> None:
    found = sample(SYSTEMS[name], 50, rule=HeatBath(), seed=0)
    found.save(tmp_path / "a.zarr")
    back = Samples.load(tmp_path / "a.zarr")
    h, other = found.system.hamiltonian, back.system.hamiltonian
    assert back.system.temperature == found.system.temperature
    assert (h.energy(found.spins) == other.energy(found.spins)).all()
    assert str(h) == str(other)
    assert h.couplings == other.couplings


def _damage(path: Path, kind: str) -> None:
    chunks = [p for p in (path / "spins" / "c").rglob("*") if p.is_file()]
    if kind == "a chunk is missing":
        chunks[0].unlink()
    elif kind == "a chunk is cut":
        chunks[0].write_bytes(chunks[0].read_bytes()[:-9])
    elif kind == "a bit is turned":
        data = bytearray(chunks[0].read_bytes())
        data[len(data) // 2] ^= 1
        chunks[0].write_bytes(bytes(data))
    elif kind == "no metadata":
        (path / "zarr.json").unlink()
    elif kind == "half of the metadata":
        (path / "zarr.json").write_bytes((path / "zarr.json").read_bytes()[:80])
    elif kind == "no Hamiltonian":
        shutil.rmtree(path / "hamiltonian")


@pytest.mark.parametrize(
    "kind",
    [
        "a chunk is missing",
        "a chunk is cut",
        "a bit is turned",
        "no metadata",
        "half of the metadata",
        "no Hamiltonian",
    ],
)
def test_damaged_samples_are_refused_and_left(kind: str, tmp_path: Path, whole: Samples) -> None:
    path = tmp_path / "a.zarr"
    whole.save(path)
    _damage(path, kind)
    before = {p: p.read_bytes() for p in path.rglob("*") if p.is_file()}
    with pytest.raises(InputError, match=r"samples that lensmaker wrote, but got .*(damaged|missing)"):
        Samples.load(path)
    with pytest.raises(InputError, match="samples that lensmaker wrote"):
        sample(SYSTEM, 3001, seed=5, path=path)
    assert {p: p.read_bytes() for p in path.rglob("*") if p.is_file()} == before


def test_other_samples_are_not_overwritten(tmp_path: Path, small_chunks: None) -> None:
    path = tmp_path / "a.zarr"
    sample(SYSTEM, 100, seed=1, path=path)
    for n, seed, system in ((100, 2, SYSTEM), (50, 1, SYSTEM), (100, 1, Canonical(SYSTEM.hamiltonian, 2.6))):
        with pytest.raises(InputError, match=r"these samples at .*, but got others: 100 samples of 64 spins"):
            sample(system, n, seed=seed, path=path)
    with pytest.raises(InputError, match="a path where nothing is yet"):
        sample(SYSTEM, 16, seed=1).save(path)


def test_paths_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="in a folder that exists"):
        sample(SYSTEM, 10, seed=0, path=tmp_path / "no" / "a.zarr")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="file"):
        sample(SYSTEM, 10, seed=0, path=tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
    with pytest.raises(InputError, match="which is not there"):
        Samples.load(tmp_path / "none")
    path = tmp_path / "a.zarr"
    state_path(path).write_bytes(b"PK nonsense")
    with pytest.raises(InputError, match=r"a\.zarr\.state, which is damaged: remove it"):
        sample(SYSTEM, 10, seed=0, path=path)


@pytest.mark.parametrize("model", [potts(square(6), 3), blume_capel(honeycomb(3), D=0.4, h=0.1)], ids=str)
def test_spins_of_many_states_are_kept_too(model: Multistate, tmp_path: Path, small_chunks: None) -> None:
    system, path = Canonical(model, 1.5), tmp_path / "a.zarr"
    memory, calls = sample(system, 1000, seed=2), iter(range(10**6))

    def interrupt(what: str, done: int, of: int) -> None:
        if done and next(calls) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        sample(system, 1000, seed=2, path=path, progress=interrupt)
    assert same(sample(system, 1000, seed=2, path=path), memory)
    found = Samples.load(path)
    assert same(found, memory)
    other = found.system.hamiltonian
    assert isinstance(other, Multistate)
    assert str(other) == str(model)
    assert torch.equal(other.energy(found.spins), model.energy(found.spins))
    assert found.to_xarray()["spins"].dtype == np.int8
    with pytest.raises(InputError, match="but got others"):
        sample(Canonical(potts(square(6), 4), 1.5), 1000, seed=2, path=path)


def test_a_file_of_the_states_that_fills_itself_with_none_of_them(tmp_path: Path) -> None:
    """State 0 of three is a state: what is missing is told by another number."""
    found = sample(Canonical(potts(square(6), 3, J=-1.0), 0.2), 40, seed=0)
    assert (found.spins == 0).any()
    found.save(tmp_path / "a.zarr")
    _damage(tmp_path / "a.zarr", "a chunk is missing")
    with pytest.raises(InputError, match="of which a part is missing"):
        Samples.load(tmp_path / "a.zarr")


def _altered(path: Path, kind: str) -> None:
    import zarr

    if kind == "the Hamiltonian":
        (path / "hamiltonian" / "cliques0" / "c" / "0" / "0").unlink()
    elif kind == "a weight":
        chunk = path / "hamiltonian" / "weights0" / "c" / "0"
        group = zarr.open_group(path / "hamiltonian", mode="r+")
        group["weights0"][0] = 2.0
        assert chunk.exists()
    elif kind == "energies":
        shutil.rmtree(path / "energy" / "c")
    elif kind == "sweeps":
        shutil.rmtree(path / "sweep" / "c")
    else:
        group = zarr.open_group(path, mode="r+", use_consolidated=False)
        attrs = dict(group.attrs)
        if kind == "temperature":
            del attrs["temperature"]
        elif kind == "a temperature of words":
            attrs["temperature"] = "warm"
        elif kind == "provenance":
            del attrs["provenance"]
        else:
            attrs["provenance"]["tea"] = 1
        group.attrs.clear()
        group.attrs.update(attrs)


@pytest.mark.parametrize(
    "kind",
    [
        "the Hamiltonian",
        "a weight",
        "energies",
        "sweeps",
        "temperature",
        "a temperature of words",
        "provenance",
        "a key too many",
    ],
)
def test_what_was_altered_is_refused(kind: str, tmp_path: Path) -> None:
    sample(SYSTEM, 100, seed=0).save(tmp_path / "a.zarr")
    _altered(tmp_path / "a.zarr", kind)
    with pytest.raises(InputError, match=r"samples that lensmaker wrote, but got .*(damaged|missing)"):
        Samples.load(tmp_path / "a.zarr")


def _interrupted(path: Path, seed: int = 1) -> None:
    def interrupt(what: str, done: int, of: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        sample(SYSTEM, 3001, seed=seed, path=path, progress=interrupt)


def test_a_state_without_its_folder_or_with_another_is_refused(tmp_path: Path, small_chunks: None) -> None:
    path = tmp_path / "a.zarr"
    _interrupted(path)
    kept = tmp_path / "kept"
    shutil.copytree(path, kept)
    shutil.rmtree(path)
    with pytest.raises(InputError, match=r"missing or damaged: remove .*a\.zarr and a\.zarr\.state"):
        sample(SYSTEM, 3001, seed=1, path=path)
    sample(SYSTEM, 3001, seed=2, path=tmp_path / "other.zarr")
    shutil.copytree(tmp_path / "other.zarr", path)
    with pytest.raises(InputError, match="those of another run"):
        sample(SYSTEM, 3001, seed=1, path=path)
    shutil.rmtree(path)
    shutil.copytree(kept, path)
    assert same(sample(SYSTEM, 3001, seed=1, path=path), sample(SYSTEM, 3001, seed=1))


def test_a_part_of_a_huge_run_is_read_without_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"

    def interrupt(what: str, done: int, of: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        sample(SYSTEM, 10**12, rule=HeatBath(), seed=1, path=path, burn_in=0, thin=1, progress=interrupt)
    part = Samples.load(path, partial=True)
    assert 0 < len(part) < 10**7


NUMPY = """
import sys
import numpy as np
from lensmaker.systems.spins import Canonical, Samples, ising, sample, square
from lensmaker.systems.spins.sampling import HeatBath
system = Canonical(ising(square(np.int64(4))).with_couplings(J=np.float32(1)), np.float32(2))
counts = {"seed": np.int64(3), "chains": np.int64(4)}
found = sample(system, np.int64(40), rule=HeatBath(), path=sys.argv[1], **counts)
assert (Samples.load(sys.argv[1]).spins == found.spins).all()
"""


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    """In a process of its own, where nobody looks at types."""
    subprocess.run([sys.executable, "-c", NUMPY, str(tmp_path / "a.zarr")], check=True)
    with pytest.raises(InputError, match="a seed of 0 or more"):
        sample(SYSTEM, 10, seed=-1)


def test_another_number_of_clusters_is_another_run(tmp_path: Path) -> None:
    system = Canonical(ising(square(4)), 2.0)
    options = {"seed": 1, "burn_in": 0, "thin": 1, "path": tmp_path / "a.zarr"}
    sample(system, 40, rule=Wolff(clusters=1), **options)
    with pytest.raises(InputError, match="but got others"):
        sample(system, 40, rule=Wolff(clusters=50), **options)


def test_names_that_are_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    for path, message in (
        (".", "a name for a folder"),
        ("", "a name for a folder"),
        ("file", "which is a file"),
    ):
        with pytest.raises(InputError, match=message):
            sample(SYSTEM, 10, seed=0, path=path)

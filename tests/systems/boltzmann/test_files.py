"""Machines come back from files as they went, and those of other packages mean the same here."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lensmaker.core import InputError
from lensmaker.systems.boltzmann import (
    Binary,
    Convolutional,
    Gaussian,
    Potts,
    Rectified,
    RestrictedBoltzmannMachine,
    Spin,
)
from lensmaker.systems.boltzmann.deep import DeepBoltzmannMachine
from lensmaker.systems.boltzmann.deep.halves import halves
from lensmaker.systems.boltzmann.files import from_rbms, from_sklearn, load, load_deep, save
from lensmaker.systems.boltzmann.training import Training, fit

MACHINES = {
    "binary": lambda: RestrictedBoltzmannMachine(4, 3),
    "double": lambda: RestrictedBoltzmannMachine(4, 3, dtype=torch.float64),
    "unbiased": lambda: RestrictedBoltzmannMachine(Spin(4), Spin(3), biased=False),
    "potts": lambda: RestrictedBoltzmannMachine(Potts(3, q=4), Binary(2)),
    "real": lambda: RestrictedBoltzmannMachine(Gaussian(5, variance=0.3), Rectified(4)),
    "convolutional": lambda: RestrictedBoltzmannMachine(Spin(12), Spin(24), Convolutional((3, 4), (2, 3), 2)),
}


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_comes_back(name: str, tmp_path: Path) -> None:
    machine = MACHINES[name]()
    machine.initialise(seed=1, scale=1.0)
    save(machine, tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors")
    assert again.spec == machine.spec
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), machine.parameters(), strict=True))
    assert [p.requires_grad for p in again.parameters()] == [p.requires_grad for p in machine.parameters()]


def test_a_training_that_was_kept_is_a_machine(tmp_path: Path) -> None:
    data = (torch.rand(50, 4, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    machine = RestrictedBoltzmannMachine(4, 3)
    fit(machine, data, Training(epochs=2, batch=10), path=tmp_path / "t.safetensors")
    assert torch.equal(load(tmp_path / "t.safetensors").weights.parameter, machine.weights.parameter)


def test_the_machine_of_scikit_learn() -> None:
    rbm = pytest.importorskip("sklearn.neural_network").BernoulliRBM(n_components=3, n_iter=3, random_state=0)
    with pytest.raises(InputError, match="a fitted BernoulliRBM"):
        from_sklearn(rbm)
    data = (np.random.default_rng(0).random((40, 5)) < 0.4).astype(np.float64)
    machine = from_sklearn(rbm.fit(data))
    rows = torch.from_numpy(data)
    assert machine.free_energy(rows).detach().numpy() == pytest.approx(rbm._free_energy(data), rel=1e-12)
    assert machine.hidden.mean(machine.hidden_field(rows)).detach().numpy() == pytest.approx(
        rbm.transform(data)
    )


@pytest.mark.parametrize("kind", ["BBRBM", "PBRBM"])
def test_a_file_of_rbms(kind: str, tmp_path: Path) -> None:
    """As rbms 0.5 lays it out: one group for each update that was kept, with the parameters in `params`."""
    h5py = pytest.importorskip("h5py")
    draw, path = np.random.default_rng(0), tmp_path / "m.h5"
    shape = (4, 3) if kind == "BBRBM" else (4, 5, 3)
    with h5py.File(path, "w") as file:
        file["model_type"] = kind
        for update in (1, 20):
            group = file.create_group(f"update_{update}").create_group("params")
            group["weight_matrix"] = draw.normal(size=shape).astype(np.float32)
            group["vbias"] = draw.normal(size=shape[:-1]).astype(np.float32)
            group["hbias"] = draw.normal(size=3).astype(np.float32)
        W = file["update_20/params/weight_matrix"][()]
        first = file["update_1/params/hbias"][()]
    machine = from_rbms(path)
    assert machine.weights.parameter.detach().numpy().reshape(shape) == pytest.approx(W)
    assert machine.visible.size == W.size // 3
    assert from_rbms(path, 1).hidden_bias.detach().numpy() == pytest.approx(first)
    with pytest.raises(InputError, match="one of the updates … 1, 20, but got 7"):
        from_rbms(path, 7)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="which is damaged"):
        from_rbms(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    for read in (load, from_rbms):
        with pytest.raises(InputError, match="which is not there"):
            read(tmp_path / "none")
    with pytest.raises(InputError, match="in a folder that exists"):
        save(RestrictedBoltzmannMachine(2, 2), tmp_path / "no" / "m.safetensors")
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="another safetensors file"):
        load(tmp_path / "other.safetensors")


# -- files that are wrong ---------------------------------------------------------------------------


def write_rbms(
    path: Path, kind: str = "BBRBM", shape: tuple[int, ...] = (4, 3), **others: np.ndarray
) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file["model_type"] = kind
        params = {
            "weight_matrix": np.ones(shape, ">f4"),
            "vbias": np.ones(shape[:-1], "f4"),
            "hbias": np.ones(shape[-1:], "f4"),
        }
        group = file.create_group("update_7")
        for name, values in (params | others).items():
            group[name] = values
        file.create_group("update_final")


def test_files_of_rbms_that_are_not_understood(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    write_rbms(path)
    assert from_rbms(path).hidden_bias.tolist() == [1.0, 1.0, 1.0]
    cases: dict[str, dict[str, Any]] = {
        "model_type BGRBM in": {"kind": "BGRBM"},
        "weights of 3 sides for PBRBM, but got shape \\(4, 3\\)": {"kind": "PBRBM"},
        "weights of 2 sides for BBRBM, but got shape \\(2, 2, 3\\)": {"shape": (2, 2, 3)},
        "hidden biases of shape \\(3,\\), as the weights have it, but got shape \\(1,\\)": {
            "hbias": np.ones(1)
        },
        "visible biases of shape \\(4,\\), as the weights have it, but got shape \\(5,\\)": {
            "vbias": np.ones(5)
        },
        "hidden_bias of .* with others in it": {"hbias": np.array([1, np.nan, 1])},
        "which is damaged \\(data of type complex128\\)": {"hbias": np.ones(3, complex)},
    }
    for said, changed in cases.items():
        write_rbms(path, **changed)
        with pytest.raises(InputError, match=said):
            from_rbms(path)


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    machine = RestrictedBoltzmannMachine(4, 3)
    machine.weights.parameter.data[1, 2] = torch.inf
    save(machine, tmp_path / "m.safetensors")
    with pytest.raises(InputError, match=r"a machine of finite numbers, but got weights\.parameter of"):
        load(tmp_path / "m.safetensors")
    deep = DeepBoltzmannMachine(4, 3, 2)
    next(deep.parameters()).data.fill_(torch.nan)
    save(deep, tmp_path / "d.safetensors")
    with pytest.raises(InputError, match="a machine of finite numbers"):
        load_deep(tmp_path / "d.safetensors")
    rbm = pytest.importorskip("sklearn.neural_network").BernoulliRBM(n_components=3, n_iter=1, random_state=0)
    rbm.fit(np.eye(4))
    rbm.intercept_hidden_[0] = np.nan
    with pytest.raises(InputError, match="hidden_bias of the estimator"):
        from_sklearn(rbm)
    rbm.intercept_hidden_ = np.zeros(1)
    with pytest.raises(InputError, match=r"hidden biases of shape \(3,\)"):
        from_sklearn(rbm)


def test_one_turned_bit_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    machine = RestrictedBoltzmannMachine(4, 3)
    machine.initialise(seed=0)
    save(machine, path)
    whole = path.read_bytes()
    for place in (whole.index(b"count") - 4, len(whole) - 1):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(InputError, match=r"m.safetensors, which is damaged \("):
            load(path)


def test_files_without_a_sum_are_read_and_their_damages_told(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "m.safetensors"
    machine = RestrictedBoltzmannMachine(2, 2)
    tensors = {f"machine.{name}": p.detach() for name, p in machine.named_parameters()}
    facts = json.dumps({"machine": machine.spec})
    told = {"format": "lensmaker.boltzmann.1", "facts": facts}
    save_file(tensors, path, metadata=told)
    assert load(path).spec == machine.spec
    bad: list[tuple[dict[str, Any], dict[str, str]]] = [
        (tensors, {"format": told["format"]}),
        (tensors, told | {"facts": facts[:-3]}),
        (tensors, told | {"facts": "[1]"}),
        (tensors, told | {"facts": json.dumps({"machine": machine.spec | {"weights": {}}})}),
        ({n: t for n, t in tensors.items() if "visible" not in n}, told),
        ({n: t for n, t in tensors.items() if "weights" not in n}, told),
        (tensors | {"machine.hidden_bias": torch.zeros(5)}, told),
    ]
    for held, said in bad:
        save_file(held, path, metadata=said)
        with pytest.raises(InputError, match=r"m.safetensors, which is damaged \("):
            load(path)


def test_a_file_that_cannot_be_written_is_one_sentence_and_the_last_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = RestrictedBoltzmannMachine(2, 2)
    with pytest.raises(InputError, match=r"a file that can be written, but got .*: is a directory"):
        save(machine, tmp_path)
    path = tmp_path / "m.safetensors"
    save(machine, path)
    whole = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="no space left on device: choose a folder"):
        save(machine, path)
    assert path.read_bytes() == whole
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    path = tmp_path / "m.safetensors"
    dead, alive = (tmp_path / f".{path.name}.partial-{pid}" for pid in (ended.pid, os.getppid()))
    other = tmp_path / ".another.safetensors.partial-1"
    for left in (dead, alive, other):
        left.write_bytes(b"half")
    save(RestrictedBoltzmannMachine(2, 2), path)
    assert not dead.exists()
    assert alive.exists()
    assert other.exists()


def test_a_machine_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one of the units"):
        save(halves(DeepBoltzmannMachine(2, 2, 2)), tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []

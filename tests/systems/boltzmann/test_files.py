"""Machines come back from files as they went, and those of other packages mean the same here."""

from __future__ import annotations

from pathlib import Path

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
from lensmaker.systems.boltzmann.files import from_rbms, from_sklearn, load, save
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

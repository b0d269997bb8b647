"""Deep machines come back from files as they went."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lensmaker.core import InputError
from lensmaker.systems.boltzmann import (
    Convolutional,
    DeepBeliefNetwork,
    DeepBoltzmannMachine,
    Dense,
    Gaussian,
    Potts,
    RestrictedBoltzmannMachine,
    Spin,
)
from lensmaker.systems.boltzmann.deep import (
    DeepTraining,
    FineTuning,
    fine_tune,
    fit_deep,
    fit_stack,
    pretrain,
)
from lensmaker.systems.boltzmann.files import load, load_deep, save
from lensmaker.systems.boltzmann.training import Training


def fine_tuned() -> DeepBeliefNetwork:
    network = DeepBeliefNetwork.of_layers(4, 3, 2)
    network.untie()
    return network


DEEP = {
    "binary": lambda: DeepBoltzmannMachine(4, 3, 2),
    "double": lambda: DeepBoltzmannMachine(4, 3, 2, dtype=torch.float64),
    "mixed": lambda: DeepBoltzmannMachine(Potts(2, q=3), Spin(3), 2, biased=False),
    "real": lambda: DeepBoltzmannMachine(Gaussian(4, variance=0.3), 3),
    "convolutional": lambda: DeepBoltzmannMachine(
        Spin(4), Spin(8), 3, weights=[Convolutional((4,), (2,), filters=2), Dense(8, 3)]
    ),
    "belief": lambda: DeepBeliefNetwork.of_layers(Gaussian(4, variance=0.3), Spin(3), 2),
    "belief of one": lambda: DeepBeliefNetwork.of_layers(4, 3),
    "fine-tuned": fine_tuned,
    "unbiased": lambda: DeepBeliefNetwork.of_layers(Spin(4), Spin(3), 2, biased=False, dtype=torch.float64),
}


@pytest.mark.parametrize("name", DEEP)
def test_a_machine_comes_back(name: str, tmp_path: Path) -> None:
    machine, generator = DEEP[name](), torch.Generator().manual_seed(0)
    for parameter in machine.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator).to(parameter.dtype)
    save(machine, tmp_path / "m.safetensors")
    again = load_deep(tmp_path / "m.safetensors")
    assert type(again) is type(machine)
    assert again.spec == machine.spec
    assert [n for n, _ in again.named_parameters()] == [n for n, _ in machine.named_parameters()]
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), machine.parameters(), strict=True))
    assert [p.requires_grad for p in again.parameters()] == [p.requires_grad for p in machine.parameters()]
    assert {p.dtype for p in again.parameters()} == {p.dtype for p in machine.parameters()}


def test_trainings_that_were_kept_are_machines(tmp_path: Path) -> None:
    data = (torch.rand(50, 4, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    machine = DeepBoltzmannMachine(4, 3, 2)
    pretrain(machine, data, Training(epochs=1), folder=tmp_path)
    lowest = load(tmp_path / "layer-0.safetensors")
    assert (lowest.visible.size, lowest.hidden.size) == (8, 3)
    assert torch.equal(lowest.weights.parameter, machine.weights[0].parameter)
    fit_deep(machine, data, DeepTraining(epochs=2, batch=10), path=tmp_path / "m.safetensors")
    again = load_deep(tmp_path / "m.safetensors")
    assert isinstance(again, DeepBoltzmannMachine)
    assert torch.equal(again.weights[1].parameter, machine.weights[1].parameter)
    network, folder = DeepBeliefNetwork.of_layers(4, 3, 2), tmp_path / "stack"
    folder.mkdir()
    fit_stack(network, data, Training(epochs=1), folder=folder)
    assert torch.equal(load(folder / "layer-1.safetensors").hidden_bias, network.top.hidden_bias)
    fine_tune(network, data, FineTuning(epochs=1), path=tmp_path / "n.safetensors")
    other = load_deep(tmp_path / "n.safetensors")
    assert isinstance(other, DeepBeliefNetwork)
    assert torch.equal(other.upwards(0).parameter, network.upwards(0).parameter)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="which is not there"):
        load_deep(tmp_path / "none")
    save(RestrictedBoltzmannMachine(2, 2), tmp_path / "r.safetensors")
    with pytest.raises(InputError, match=r"a deep machine, but got a restricted one .*: read it by load"):
        load_deep(tmp_path / "r.safetensors")
    for name, kind in (("binary", "deep boltzmann"), ("belief", "deep belief")):
        save(DEEP[name](), tmp_path / "d.safetensors")
        with pytest.raises(InputError, match=f"a restricted machine, but got a {kind} one .*load_deep"):
            load(tmp_path / "d.safetensors")
    (tmp_path / "d.safetensors").write_bytes((tmp_path / "d.safetensors").read_bytes()[:100])
    with pytest.raises(InputError, match="which is damaged"):
        load_deep(tmp_path / "d.safetensors")

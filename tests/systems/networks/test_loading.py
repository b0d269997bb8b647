"""Models, weights and batches from names and files: what fits is loaded, what does not is one sentence."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from lensmaker.core import InputError, WeightsError
from lensmaker.systems.networks.loading import batch_from, load_weights, model_from

NETS = """
import torch
from torch import nn

net = nn.Linear(2, 3)
number = 7

class Zoo:
    @staticmethod
    def small():
        return nn.Linear(1, 1)

def wide(width):
    return nn.Linear(width, width)

def list_of_layers():
    return [nn.Linear(1, 1)]

def broken():
    raise ValueError("no such layer\\nsecond line")

def leaving():
    raise SystemExit(0)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with modules that define models, forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    (tmp_path / "loading_nets.py").write_text(NETS)
    (tmp_path / "loading_syntax.py").write_text("def :\n")
    (tmp_path / "loading_needs.py").write_text("import a_package_nobody_has\n")
    (tmp_path / "loading_exits.py").write_text("raise SystemExit(0)\n")
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("loading_"):
            del sys.modules[name]


@pytest.mark.parametrize("name", ["net", "Zoo.small"])
def test_a_module_or_what_makes_one(name: str, folder: Path) -> None:
    assert isinstance(model_from(f"loading_nets:{name}"), nn.Linear)


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("loading_nets", "written as package.module:factory, but got 'loading_nets'"),
        ("loading_nets:", "written as package.module:factory, but got 'loading_nets:'"),
        (":net", "written as package.module:factory, but got ':net'"),
        ("nowhere.at.all:net", r"'nowhere.at.all', which does not import \(ModuleNotFoundError"),
        ("loading_syntax:net", r"'loading_syntax', which does not import \(SyntaxError: invalid syntax"),
        ("loading_needs:net", "does not import .*No module named 'a_package_nobody_has'"),
        ("loading_exits:net", r"'loading_exits', which does not import \(SystemExit: 0\)"),
        ("loading_nets:tall", "'loading_nets' without 'tall'"),
        ("loading_nets:Zoo.large", "'loading_nets' without 'Zoo.large'"),
        ("loading_nets:number", "got a int: name a function or a class"),
        ("loading_nets:wide", "without arguments, but got loading_nets:wide raising TypeError: .*'width'"),
        ("loading_nets:list_of_layers", "list_of_layers making a list: return the model itself"),
        ("loading_nets:broken", r"broken raising ValueError: no such layer: wrap it"),
        ("loading_nets:leaving", "leaving raising SystemExit: 0: wrap it"),
    ],
)
def test_a_name_that_leads_nowhere(target: str, sentence: str, folder: Path) -> None:
    with pytest.raises(InputError, match=sentence) as raised:
        model_from(target)
    assert "\n" not in str(raised.value)


class Canary:
    """A pickle that makes a file when it is loaded as code."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def state() -> dict[str, Tensor]:
    torch.manual_seed(5)
    return {k: torch.rand(v.shape) if v.is_floating_point() else v for k, v in net().state_dict().items()}


SAVERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "safetensors": ("w.safetensors", lambda p: save_file(state(), p)),
    "state dict": ("w.pt", lambda p: torch.save(state(), p)),
    "old format": ("w.pth", lambda p: torch.save(state(), p, _use_new_zipfile_serialization=False)),
    "checkpoint": ("w.ckpt", lambda p: torch.save({"state_dict": state(), "epoch": 3}, p)),
    "half precision": ("w.safetensors", lambda p: save_file({k: half(v) for k, v in state().items()}, p)),
}


def half(tensor: Tensor) -> Tensor:
    return tensor.half().contiguous() if tensor.is_floating_point() else tensor


@pytest.mark.parametrize("form", SAVERS)
def test_weights_arrive(form: str, tmp_path: Path) -> None:
    name, save = SAVERS[form]
    save(tmp_path / name)
    model = net()
    load_weights(model, tmp_path / name)
    for key, value in model.state_dict().items():
        assert value.dtype == net().state_dict()[key].dtype
        assert torch.allclose(value, state()[key], atol=1e-3 if form == "half precision" else 0)


def truncated(save: Callable[[Path], object]) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        save(path)
        path.write_bytes(path.read_bytes()[:-9])

    return write


def changed(name: str, value: Tensor | None) -> dict[str, Tensor]:
    """The state dict with another entry, or without it."""
    return {k: v for k, v in {**state(), name: value}.items() if v is not None}


UNFIT: list[tuple[str, Callable[[Path], object], str]] = [
    ("missing.pt", lambda p: None, "missing.pt, which is not there: check the path"),
    ("folder.pt", lambda p: p.mkdir(), "folder.pt, which is a folder"),
    ("words.pt", lambda p: p.write_text("xxx"), "words.pt, which is corrupt"),
    ("empty.pt", lambda p: p.touch(), "empty.pt, which is corrupt"),
    ("empty.safetensors", lambda p: p.touch(), "empty.safetensors, which is corrupt"),
    ("noise.pt", lambda p: p.write_bytes(b"\x80\x02noise" * 9), "noise.pt, "),
    ("noise.safetensors", lambda p: p.write_bytes(b"noise" * 99), "noise.safetensors, which is corrupt"),
    ("cut.safetensors", truncated(lambda p: save_file(state(), p)), "cut.safetensors, which is corrupt"),
    ("cut.pt", truncated(lambda p: torch.save(state(), p)), "cut.pt, which is corrupt"),
    (
        "list.pt",
        lambda p: torch.save([torch.ones(2)], p),
        "list.pt, which holds a list: save model.state_dict",
    ),
    ("extra.pt", lambda p: torch.save({**state(), "epoch": 3}, p), "extra.pt, which holds a dict"),
    ("model.pt", lambda p: torch.save(net(), p), "model.pt, a pickle that runs code: save model.state_dict"),
    ("few.pt", lambda p: torch.save(changed("0.bias", None), p), "0.bias missing: load the file made"),
    ("many.pt", lambda p: torch.save(changed("7.bias", torch.ones(1)), p), "7.bias it does not have"),
    (
        "other.safetensors",
        lambda p: save_file(changed("0.weight", torch.ones(3, 5)), p),
        r"Sequential, but got 0.weight of shape \(3, 5\) where it has \(3, 2\)",
    ),
]


@pytest.mark.parametrize(("name", "save", "sentence"), UNFIT, ids=[name for name, _, _ in UNFIT])
def test_weights_that_do_not_fit_change_nothing(
    name: str, save: Callable[[Path], object], sentence: str, tmp_path: Path
) -> None:
    save(tmp_path / name)
    model = net()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with pytest.raises(WeightsError, match=sentence) as raised:
        load_weights(model, tmp_path / name)
    assert "\n" not in str(raised.value)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


@pytest.mark.parametrize("name", ["code.pt", "code.pth", "code.safetensors", "code.pkl", "code.bin"])
@pytest.mark.parametrize("form", ["torch", "old torch", "pickle"])
def test_no_weights_file_runs_code(name: str, form: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    content = {**state(), "0.weight": Canary(canary)}
    if form == "pickle":
        (tmp_path / name).write_bytes(pickle.dumps(content))
    else:
        torch.save(content, tmp_path / name, _use_new_zipfile_serialization=form == "torch")
    with pytest.raises(WeightsError, match=r"a pickle that runs code|which is corrupt"):
        load_weights(net(), tmp_path / name)
    assert not canary.exists()
    pickle.loads(pickle.dumps(Canary(canary)))
    assert canary.exists(), "the canary does not sing"


def test_a_batch_takes_the_form_its_names_say(tmp_path: Path) -> None:
    path = tmp_path / "batch.npz"
    x, y = np.random.default_rng(0).normal(size=(4, 3)), np.array([0, 1, 2, 1], dtype=np.uint8)
    np.savez(path, x=x)
    assert batch_from(path).dtype == torch.float32
    assert batch_from(path).shape == (4, 3)
    np.savez(path, x=x.astype(np.float16), y=y)
    inputs, target = batch_from(path)
    assert (inputs.dtype, target.dtype, target.tolist()) == (torch.float32, torch.int64, [0, 1, 2, 1])
    np.savez(path, input_ids=y, mask=y > 0)
    assert {k: v.dtype for k, v in batch_from(path).items()} == {"input_ids": torch.int64, "mask": torch.bool}
    np.save(tmp_path / "x.npy", x)
    assert batch_from(tmp_path / "x.npy").tolist() == torch.tensor(x, dtype=torch.float32).tolist()


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda p: None, "batch.npz, which is not there: save one with numpy.savez"),
        (lambda p: p.mkdir(), "batch.npz, which is a folder: save one with numpy.savez"),
        (lambda p: p.write_bytes(b""), "batch.npz, which is another kind of file: save one"),
        (lambda p: p.write_bytes(b"PK\x03\x04 noise"), "which cannot be read"),
        (
            lambda p: p.write_bytes(pickle.dumps([1, 2])),
            "batch.npz, which is another kind of file: save one",
        ),
        (lambda p: np.savez(p), "which is empty"),
        (
            lambda p: np.savez(p, x=np.array([{}, 1], dtype=object)),
            "batch.npz, which holds Python objects: save numbers",
        ),
        (lambda p: np.savez(p, x=np.array(["a"])), "which cannot be read .*TypeError"),
        (lambda p: np.savez(p, x=np.ones(3, dtype=">f4")), "which cannot be read .*byte"),
    ],
)
def test_a_batch_that_is_none(write: Callable[[Path], object], sentence: str, tmp_path: Path) -> None:
    write(tmp_path / "batch.npz")
    with pytest.raises(InputError, match=sentence) as raised:
        batch_from(tmp_path / "batch.npz")
    assert "\n" not in str(raised.value)


def test_integers_are_not_taken_for_weights(tmp_path: Path) -> None:
    model, path = nn.Linear(2, 1), tmp_path / "quantised.safetensors"
    before = model.weight.detach().clone()
    save_file({k: (9 * v).to(torch.int8) for k, v in model.state_dict().items()}, path)
    with pytest.raises(WeightsError, match="but got bias of int8 where it has float32: load the file made"):
        load_weights(model, path)
    assert torch.equal(model.weight, before)


def test_no_batch_runs_code(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    array = np.empty(1, dtype=object)
    array[0] = Canary(canary)
    np.savez(tmp_path / "batch.npz", x=array)
    with pytest.raises(InputError, match="which holds Python objects"):
        batch_from(tmp_path / "batch.npz")
    assert not canary.exists()

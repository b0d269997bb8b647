"""Machines in files: safetensors of one's own, and those of scikit-learn and rbms."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from lensmaker.core import InputError
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.training import checkpoint
from lensmaker.systems.boltzmann.units import Binary, Potts, units_of
from lensmaker.systems.boltzmann.weights import Convolutional, Dense, Weights


def save(machine: RestrictedBoltzmannMachine, path: str | os.PathLike[str]) -> None:
    """Write a machine to a safetensors file, which is put in its place at once.

    Raises
    ------
    InputError
        If the folder is missing.
    """
    target = Path(path)
    if not target.absolute().parent.is_dir():
        raise InputError(
            "a path in a folder that exists", f"{path}", f"make {target.absolute().parent} first"
        )
    tensors = {f"machine.{name}": p.detach() for name, p in machine.named_parameters()}
    checkpoint.write(target, tensors, {"machine": machine.spec})


def load(path: str | os.PathLike[str]) -> RestrictedBoltzmannMachine:
    """Read a machine that `save` wrote, or a training that has been kept.

    Raises
    ------
    InputError
        If the file is missing, damaged or of something else.
    """
    tensors, facts = checkpoint.read(Path(path))
    spec = facts["machine"]
    parameters = {n.removeprefix("machine."): t for n, t in tensors.items() if n.startswith("machine.")}
    dtype = parameters["weights.parameter"].dtype
    visible, hidden = units_of(spec["visible"]), units_of(spec["hidden"])
    weights = _weights(spec["weights"], visible.size, hidden.size, dtype)
    machine = RestrictedBoltzmannMachine(visible, hidden, weights, biased=spec["biased"], dtype=dtype)
    machine.load_state_dict(parameters)
    return machine


def _weights(spec: dict[str, Any], visible: int, hidden: int, dtype: torch.dtype) -> Weights:
    facts = dict(spec)
    kind = facts.pop("kind")
    return Convolutional(**facts, dtype=dtype) if kind == "convolutional" else Dense(visible, hidden, dtype)


def from_sklearn(model: Any) -> RestrictedBoltzmannMachine:
    """The machine of a fitted `sklearn.neural_network.BernoulliRBM`.

    Raises
    ------
    InputError
        If it is not fitted.
    """
    if not hasattr(model, "components_"):
        raise InputError(
            "a fitted BernoulliRBM", f"{type(model).__name__} without components_", "call fit first"
        )
    W = torch.as_tensor(model.components_).t().contiguous()
    machine = RestrictedBoltzmannMachine(*W.shape, dtype=W.dtype)
    with torch.no_grad():
        machine.weights.parameter.copy_(W)
        machine.visible_bias.copy_(torch.as_tensor(model.intercept_visible_))
        machine.hidden_bias.copy_(torch.as_tensor(model.intercept_hidden_))
    return machine


def from_rbms(path: str | os.PathLike[str], update: int | None = None) -> RestrictedBoltzmannMachine:
    """The machine of an HDF5 file that `rbms` wrote, as it was after an update; the last one by default.

    Bernoulli–Bernoulli machines, and Potts–Bernoulli ones, whose weights are (sites, states, hidden).

    Raises
    ------
    InputError
        If the file is missing, damaged or of something else, or has no such update.
    """
    expected, fix = "an HDF5 file of rbms", "check the path"
    if not Path(path).is_file():
        raise InputError(expected, f"{path}, which is not there", fix)
    import h5py

    try:
        with h5py.File(path, "r") as file:
            known = sorted(int(k.removeprefix("update_")) for k in file if k.startswith("update_"))
            if not known:
                raise InputError(expected, f"{path} without a trained machine", fix)
            chosen = known[-1] if update is None else update
            if chosen not in known:
                listed = ", ".join(map(str, known[-5:]))
                raise InputError(f"one of the updates … {listed}", f"{update}", "pass one of them")
            kind = file["model_type"][()].decode() if "model_type" in file else "BBRBM"
            group = file[f"update_{chosen}"]
            group = group.get("params", group)
            W, a, b = (torch.from_numpy(group[n][()]) for n in ("weight_matrix", "vbias", "hbias"))
    except (OSError, KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:100]
        raise InputError(expected, f"{path}, which is damaged ({reason})", fix) from error
    visible = Potts(W.shape[0], q=W.shape[1]) if kind == "PBRBM" else Binary(W.shape[0])
    machine = RestrictedBoltzmannMachine(visible, Binary(W.shape[-1]), dtype=W.dtype)
    with torch.no_grad():
        machine.weights.parameter.copy_(W.reshape(visible.size, -1))
        machine.visible_bias.copy_(a.reshape(-1))
        machine.hidden_bias.copy_(b)
    return machine

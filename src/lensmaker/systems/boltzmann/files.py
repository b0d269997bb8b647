"""Machines in files: safetensors of one's own, and those of scikit-learn and rbms."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.boltzmann.deep import Copies, DeepBeliefNetwork, DeepBoltzmannMachine
from lensmaker.systems.boltzmann.finite import check_finite
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.training import checkpoint
from lensmaker.systems.boltzmann.units import Binary, Potts, units_of
from lensmaker.systems.boltzmann.weights import Convolutional, Dense, Weights

RBMS = {"BBRBM": 2, "PBRBM": 3}
"""Kinds of machines of rbms that are read → how many sides their weights have."""


def save(
    machine: RestrictedBoltzmannMachine | DeepBoltzmannMachine | DeepBeliefNetwork,
    path: str | os.PathLike[str],
) -> None:
    """Write a machine to a safetensors file, which is put in its place at once.

    Raises
    ------
    InputError
        If the folder is missing or not writable, or the disk is full.
    """
    if isinstance(machine, RestrictedBoltzmannMachine):
        for units in (machine.visible, machine.hidden):
            _ = units_of(units.spec)  # what could not be read is not written
    target = checkpoint.target(path)
    tensors = {f"machine.{name}": p.detach() for name, p in machine.named_parameters()}
    checkpoint.write(target, tensors, {"machine": machine.spec})


def load(path: str | os.PathLike[str]) -> RestrictedBoltzmannMachine:
    """Read a machine that `save` wrote, or a training that has been kept.

    Raises
    ------
    InputError
        If the file is missing, damaged or of something else, or a parameter is not finite.
    """
    tensors, facts = checkpoint.read(Path(path))
    spec = facts["machine"]
    if "kind" in spec:
        raise InputError(
            "a restricted machine",
            f"a {spec['kind']} one in {path}",
            "open it in Python, by lensmaker.systems.boltzmann.files.load_deep",
        )
    with _as_it_was_written(path):
        parameters = _parameters(tensors)
        machine = _restricted(spec, parameters["visible_bias"].dtype)
        machine.load_state_dict(parameters)
    check_finite(machine, f"{path}")
    return machine


def load_deep(path: str | os.PathLike[str]) -> DeepBoltzmannMachine | DeepBeliefNetwork:
    """Read a deep machine that `save` wrote, or a training that has been kept.

    Raises
    ------
    InputError
        If the file is missing, damaged or of something else, or a parameter is not finite.
    """
    tensors, facts = checkpoint.read(Path(path))
    with _as_it_was_written(path):
        machine = _deep(facts["machine"], _parameters(tensors), path)
    check_finite(machine, f"{path}")
    return machine


def _deep(
    spec: dict[str, Any], parameters: dict[str, Tensor], path: str | os.PathLike[str]
) -> DeepBoltzmannMachine | DeepBeliefNetwork:
    dtype = next(iter(parameters.values())).dtype
    machine: DeepBoltzmannMachine | DeepBeliefNetwork
    if spec.get("kind") == "deep boltzmann":
        layers = [units_of(told) for told in spec["layers"]]
        sizes = pairwise([layer.size for layer in layers])
        weights = [_weights(told, *pair, dtype) for told, pair in zip(spec["weights"], sizes, strict=True)]
        machine = DeepBoltzmannMachine(*layers, weights=weights, biased=spec["biased"])
    elif spec.get("kind") == "deep belief":
        machine = DeepBeliefNetwork(*(_restricted(told, dtype) for told in spec["machines"]))
        if not spec["tied"]:
            machine.untie()
    else:
        raise InputError("a deep machine", f"a restricted one in {path}", "read it by load")
    machine.load_state_dict(parameters)
    return machine


@contextmanager
def _as_it_was_written(path: str | os.PathLike[str]) -> Iterator[None]:
    """Within, tensors and facts that do not fit each other are a damaged file."""
    try:
        yield
    except InputError:
        raise
    except (LookupError, TypeError, ValueError, RuntimeError, AttributeError, StopIteration) as error:
        raise checkpoint.damaged(path, error) from error


def _parameters(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix("machine."): t for n, t in tensors.items() if n.startswith("machine.")}


def _restricted(spec: dict[str, Any], dtype: torch.dtype) -> RestrictedBoltzmannMachine:
    visible, hidden = units_of(spec["visible"]), units_of(spec["hidden"])
    weights = _weights(spec["weights"], visible.size, hidden.size, dtype)
    return RestrictedBoltzmannMachine(visible, hidden, weights, biased=spec["biased"], dtype=dtype)


def _weights(spec: dict[str, Any], visible: int, hidden: int, dtype: torch.dtype) -> Weights:
    facts = dict(spec)
    kind = facts.pop("kind")
    if kind == "copies":
        low, high = facts["copies"]
        return Copies(_weights(facts["inner"], visible // low, hidden // high, dtype), low, high)
    return Convolutional(**facts, dtype=dtype) if kind == "convolutional" else Dense(visible, hidden, dtype)


def from_sklearn(model: Any) -> RestrictedBoltzmannMachine:
    """The machine of a fitted `sklearn.neural_network.BernoulliRBM`.

    Raises
    ------
    InputError
        If it is not fitted, its parts do not fit each other, or a parameter is not finite.
    """
    if not hasattr(model, "components_"):
        raise InputError(
            "a fitted BernoulliRBM", f"{type(model).__name__} without components_", "call fit first"
        )
    W = torch.as_tensor(model.components_).t().contiguous()
    machine = RestrictedBoltzmannMachine(*W.shape, dtype=W.dtype)
    a, b = torch.as_tensor(model.intercept_visible_), torch.as_tensor(model.intercept_hidden_)
    _fill(machine, W, a, b, "the estimator")
    return machine


def _fill(machine: RestrictedBoltzmannMachine, W: Tensor, a: Tensor, b: Tensor, where: str) -> None:
    """Give a machine its parameters.

    Raises
    ------
    InputError
        If the shapes do not fit, or a number is not finite.
    """
    own = machine.weights.parameter, machine.visible_bias, machine.hidden_bias
    for name, ours, theirs in zip(
        ("weights", "visible biases", "hidden biases"), own, (W, a, b), strict=True
    ):
        if ours.shape != theirs.shape:
            expected = f"{name} of shape {tuple(ours.shape)}, as the weights have it"
            raise InputError(expected, f"shape {tuple(theirs.shape)} in {where}", "write it again")
        with torch.no_grad():
            ours.copy_(theirs)
    check_finite(machine, where)


def from_rbms(path: str | os.PathLike[str], update: int | None = None) -> RestrictedBoltzmannMachine:
    """The machine of an HDF5 file that `rbms` wrote, as it was after an update; the last one by default.

    Bernoulli–Bernoulli machines, and Potts–Bernoulli ones, whose weights are (sites, states, hidden).

    Raises
    ------
    InputError
        If the file is missing, damaged or of another kind of machine, has no such update, or a parameter is not finite.
    """
    expected, fix = "an HDF5 file of rbms", "check the path"
    if not Path(path).is_file():
        raise InputError(expected, f"{path}, which is not there", fix)
    import h5py

    try:
        with h5py.File(path, "r") as file:
            numbers = (k.removeprefix("update_") for k in file if k.startswith("update_"))
            known = sorted(int(k) for k in numbers if k.isdecimal())
            if not known:
                raise InputError(expected, f"{path} without a trained machine", fix)
            chosen = known[-1] if update is None else update
            if chosen not in known:
                listed = ", ".join(map(str, known[-5:]))
                raise InputError(f"one of the updates … {listed}", f"{update}", "pass one of them")
            told = file["model_type"][()] if "model_type" in file else b"BBRBM"
            kind = told.decode() if isinstance(told, bytes) else str(told)
            group = file[f"update_{chosen}"]
            group = group.get("params", group)
            W, a, b = (_numbers(group[n][()]) for n in ("weight_matrix", "vbias", "hbias"))
    except InputError:
        raise
    except (OSError, LookupError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:100]
        raise InputError(expected, f"{path}, which is damaged ({reason})", fix) from error
    sides = RBMS.get(kind)
    if sides is None:
        got = f"model_type {kind} in {path}"
        raise InputError("a Bernoulli-Bernoulli or Potts-Bernoulli machine (BBRBM, PBRBM)", got, fix)
    if W.ndim != sides:
        raise InputError(f"weights of {sides} sides for {kind}", f"shape {tuple(W.shape)} in {path}", fix)
    if a.shape != W.shape[:-1]:
        got = f"shape {tuple(a.shape)} in {path}"
        raise InputError(f"visible biases of shape {tuple(W.shape[:-1])}, as the weights have it", got, fix)
    visible = Potts(W.shape[0], q=W.shape[1]) if kind == "PBRBM" else Binary(W.shape[0])
    machine = RestrictedBoltzmannMachine(visible, Binary(W.shape[-1]), dtype=W.dtype)
    _fill(machine, W.reshape(visible.size, -1), a.reshape(-1), b, f"{path}")
    return machine


def _numbers(values: Any) -> Tensor:
    """Real numbers of any precision and order of bytes, in one that torch has."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"data of type {array.dtype}")
    wide = array.dtype.kind != "f" or array.dtype.itemsize > 4
    return torch.from_numpy(array.astype(np.float64 if wide else np.float32))

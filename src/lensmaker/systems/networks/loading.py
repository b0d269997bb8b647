"""From names and files to a model with weights and a batch, without running anybody's pickles."""

from __future__ import annotations

import importlib
import pickle
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lensmaker.core import InputError, WeightsError

_FORM = "a model written as package.module:factory"


def model_from(target: str) -> nn.Module:
    """The module that `package.module:factory` names: a function, a class, or a module itself.

    Modules of the working directory are found too.

    Raises
    ------
    InputError
        If the name leads nowhere, or what it makes is no `torch.nn.Module`.

    Examples
    --------
    >>> model_from("torch.nn:ReLU")
    ReLU()
    """
    module_name, colon, attribute = target.partition(":")
    if not (module_name and colon and attribute):
        raise InputError(_FORM, repr(target), "write for example torch.nn:ReLU")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise InputError(
            _FORM,
            f"{module_name!r}, which does not import ({_first_line(error)})",
            "check the spelling and the folder",
        ) from error
    try:
        for name in attribute.split("."):
            found = getattr(found, name)
    except AttributeError as error:
        raise InputError(
            _FORM, f"{module_name!r} without {attribute!r}", "name something the module defines"
        ) from error
    if not isinstance(found, nn.Module):
        if not callable(found):
            raise InputError(
                _FORM, f"a {type(found).__name__}", "name a function or a class that makes the model"
            )
        try:
            found = found()
        except (Exception, SystemExit) as error:
            raise InputError(
                "a factory that makes the model without arguments",
                f"{target} raising {_first_line(error)}",
                "wrap it in a function without arguments",
            ) from error
    if not isinstance(found, nn.Module):
        raise InputError(
            "a factory of a torch.nn.Module",
            f"{target} making a {type(found).__name__}",
            "return the model itself",
        )
    return found


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Load a state dict from a safetensors file, or from one that `torch.load(weights_only=True)` reads.

    Raises
    ------
    WeightsError
        If the file is missing, corrupt, needs code to be run, or does not fit; the model is then unchanged.
    """
    state = _state_from(Path(path))
    own = {k: v for k, v in model.state_dict().items() if isinstance(v, Tensor)}
    missing, surplus = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
    shared = own.keys() & state.keys()
    misfits = [k for k in shared if own[k].shape != state[k].shape]
    strange = [k for k in shared if own[k].is_floating_point() and not state[k].is_floating_point()]
    if missing or surplus or misfits or strange:
        if misfits:
            k = min(misfits)
            got = f"{k} of shape {tuple(state[k].shape)} where it has {tuple(own[k].shape)}"
        elif strange:
            k = min(strange)
            got = f"{k} of {_dtype(state[k])} where it has {_dtype(own[k])}"
        else:
            got = f"{_few(missing)} missing" if missing else f"{_few(surplus)} it does not have"
        raise WeightsError(
            f"weights that fit {type(model).__name__}", got, "load the file made for this model"
        )
    model.load_state_dict(state)


def _state_from(path: Path) -> dict[str, Tensor]:
    expected = "a file of weights (safetensors, or a state dict saved by torch.save)"
    if not path.is_file():
        raise WeightsError(expected, _absent(path), "check the path")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of the protocol of a pickle that it then refuses
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        pickled = path.read_bytes()[:2] in (b"PK", *(bytes((0x80, protocol)) for protocol in range(2, 6)))
        unsafe = pickled and ("Unsupported" in str(error) or "global" in str(error).lower())
        got = f"{path}, a pickle that runs code" if unsafe else f"{path}, which is corrupt"
        raise WeightsError(expected, got, "save model.state_dict() as safetensors instead") from error
    except Exception as error:
        raise WeightsError(
            expected, f"{path}, which is corrupt ({_first_line(error)})", "save it again"
        ) from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise WeightsError(
            expected, f"{path}, which holds a {type(state).__name__}", "save model.state_dict()"
        )
    return state


def batch_from(path: str | Path) -> Any:
    """A batch from an .npz file: `x` alone, `x` and `y`, or the named arguments of the model; x from .npy.

    Floats become torch's default dtype, integers int64.

    Raises
    ------
    InputError
        If the file is missing, corrupt, empty, or holds objects instead of numbers.
    """
    expected = "a batch in an .npz file (x, or x and y, or the model's named arguments)"
    save = "save one with numpy.savez(path, x=x, y=y)"
    if not Path(path).is_file():
        raise InputError(expected, _absent(Path(path)), save)
    try:
        with Path(path).open("rb") as opened:  # numpy leaves what it cannot read open
            if not opened.read(6).startswith((b"PK", b"\x93NUMPY")):
                raise InputError(expected, f"{path}, which is another kind of file", save)
            opened.seek(0)
            found = np.load(opened, allow_pickle=False)
            if isinstance(found, np.ndarray):
                return _tensor(found)
            arrays = {name: _tensor(found[name]) for name in found.files}
    except InputError:
        raise
    except Exception as error:
        objects = isinstance(error, ValueError) and "pickle" in str(error)
        got = "holds Python objects" if objects else f"cannot be read ({_first_line(error)})"
        raise InputError(
            expected, f"{path}, which {got}", "save numbers with numpy.savez(path, x=x, y=y)"
        ) from error
    if not arrays:
        raise InputError(expected, f"{path}, which is empty", save)
    if arrays.keys() == {"x"}:
        return arrays["x"]
    if arrays.keys() == {"x", "y"}:
        return arrays["x"], arrays["y"]
    return arrays


def _tensor(array: np.ndarray[Any, np.dtype[Any]]) -> Tensor:
    tensor = torch.from_numpy(array)
    if tensor.is_floating_point():
        return tensor.to(torch.get_default_dtype())
    return tensor.long() if tensor.dtype != torch.bool and not tensor.is_complex() else tensor


def _absent(path: Path) -> str:
    return f"{path}, which is {'a folder' if path.is_dir() else 'not there'}"


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or ['no message'])[0]}"

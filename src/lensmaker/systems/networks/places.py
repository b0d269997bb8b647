"""Which module is running: the paths and call indices that give the elements of a train their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as module_hooks

from lensmaker.core import Where
from lensmaker.systems.networks.train import LOSS_PATH


class Places:
    """Follows the calls of a model's modules and names places in them.

    Parameters
    ----------
    model
        Its `named_modules` give the paths.
    """

    def __init__(self, model: nn.Module) -> None:
        self._paths: dict[int, str] = {}
        self._owners: dict[int, str] = {}
        for path, module in model.named_modules():
            self._paths[id(module)] = path
            for parameter in module._parameters.values():
                if parameter is not None:
                    self._owners.setdefault(id(parameter), path)
        self._calls: Counter[str] = Counter()
        self._ordinals: Counter[tuple[str, int, str]] = Counter()
        self._stack: list[tuple[nn.Module | None, str, int]] = [(model, "", 0)]
        self.time_first: dict[str, torch.Size] = {}
        """Modules that take time on axis 0, and the shape that they were given."""

    @property
    def path(self) -> str:
        """Path of the module that is running."""
        return self._stack[-1][1]

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Follow which module is running, by global hooks that are gone on leaving."""
        handles = [
            module_hooks.register_module_forward_pre_hook(self._enter),
            module_hooks.register_module_forward_hook(self._leave),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            del self._stack[1:]

    @contextmanager
    def in_loss(self) -> Iterator[None]:
        """Put what runs inside under the path of the loss."""
        self._stack.append((None, LOSS_PATH, 0))
        try:
            yield
        finally:
            self._stack.pop()

    def here(self, operation: str, weights: list[torch.Tensor]) -> Where:
        """The place of an operation on the signal with these weights."""
        module, path, call = self._stack[-1]
        own = set() if module is None else {id(p) for p in module._parameters.values() if p is not None}
        for w in weights:
            # A submodule's weight used by its parent, as nn.MultiheadAttention does, names that submodule.
            owner = self._owners.get(id(w))
            if owner is not None and id(w) not in own and owner.startswith(path + "." if path else ""):
                path = owner
                break
        key = (path, call, operation)
        self._ordinals[key] += 1
        return Where(path, call, operation, self._ordinals[key] - 1)

    def unnumbered(self, operation: str) -> Where:
        """The place of an operation on constants: bookkeeping, which keeps no count."""
        return Where(self.path, self._stack[-1][2], operation, -1)

    def _enter(self, module: nn.Module, args: Any) -> None:
        path = self._paths.get(id(module))
        if path is None or self.path == LOSS_PATH:
            self._stack.append((module, *self._stack[-1][1:]))
            return
        self._stack.append((module, path, self._calls[path]))
        self._calls[path] += 1
        given = args[0] if args else None
        if (
            getattr(module, "batch_first", True) is False
            and isinstance(given, torch.Tensor)
            and given.ndim == 3
        ):
            self.time_first[path] = given.shape

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        # Modules that an exception left, and that the model caught itself, go with their parent.
        for depth in range(len(self._stack) - 1, 0, -1):
            if self._stack[depth][0] is module:
                del self._stack[depth:]
                return

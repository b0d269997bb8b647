"""Inspection without a trace: whatever runs inside, the network and the random states come back bitwise."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

_REGISTRIES = (
    "_parameters",
    "_buffers",
    "_modules",
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_pre_hooks_with_kwargs",
    "_forward_hooks_always_called",
)


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Restore parameters, buffers, gradients, modes, hooks, attributes and random states on leaving.

    Tensors are restored in place and only where they changed, so that aliases, optimisers and version
    counters of an untouched network see nothing. Holds on exceptions too. The states of Python's, NumPy's
    and torch's generators (every CUDA device included, when CUDA was in use) are restored bitwise.
    """
    attributes: list[tuple[nn.Module, dict[str, Any], dict[str, dict[str, Any]]]] = []
    for module in model.modules():
        registries = {n: type(r)(r) for n in _REGISTRIES if isinstance(r := module.__dict__.get(n), dict)}
        plain = {k: v for k, v in module.__dict__.items() if k not in registries}
        attributes.append((module, plain, registries))
    tensors = {id(t): t for t in (*model.parameters(), *model.buffers())}
    for module, plain, _ in attributes:
        tensors.update({id(v): v for v in plain.values() if isinstance(v, torch.Tensor)})
    saved = [(t, t.detach().clone(), t.requires_grad, _copy_grad(t)) for t in tensors.values()]
    states = _random_states()
    try:
        yield
    finally:
        for module, plain, registries in attributes:
            for name in [k for k in module.__dict__ if k not in plain and k not in registries]:
                del module.__dict__[name]
            module.__dict__.update(plain)
            for name, content in registries.items():
                registry = module.__dict__[name]
                if list(registry.items()) != list(content.items()):
                    registry.clear()
                    registry.update(content)
        with torch.no_grad():
            for tensor, content, requires_grad, (grad, grad_content) in saved:
                if not _same_bits(tensor, content):
                    tensor.data.copy_(content)
                if tensor.is_leaf and tensor.requires_grad != requires_grad:
                    tensor.requires_grad_(requires_grad)
                if tensor.is_leaf:
                    tensor.grad = grad
                if grad is not None and grad_content is not None and not _same_bits(grad, grad_content):
                    grad.copy_(grad_content)
        _restore_random_states(states)


def _same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.shape != b.shape:
        return False
    return bool(torch.equal(a.detach(), b)) or bool(
        torch.equal(torch.nan_to_num(a.detach()), torch.nan_to_num(b)) and torch.equal(a.isnan(), b.isnan())
    )


def _copy_grad(t: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    grad = t.grad if t.is_leaf else None
    return grad, None if grad is None else grad.detach().clone()


def _random_states() -> tuple[Any, ...]:
    import numpy as np

    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else None
    # NumPy's legacy global state is read only to hand it back: models in the wild draw from it.
    return random.getstate(), np.random.get_state(), torch.get_rng_state(), cuda  # noqa: NPY002


def _restore_random_states(states: tuple[Any, ...]) -> None:
    import numpy as np

    python, numpy, cpu, cuda = states
    random.setstate(python)
    np.random.set_state(numpy)  # noqa: NPY002
    torch.set_rng_state(cpu)
    if cuda is not None:
        torch.cuda.set_rng_state_all(cuda)

"""Inspection without a trace: whatever runs inside, the network and the random states come back bitwise."""

from __future__ import annotations

import random
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

from lensmaker.systems.networks.bits import Bits

Restore = Callable[[bool], object]


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Restore parameters, buffers, gradients, modes, hooks, attributes and random states on leaving.

    What is reached from the modules through attributes and through Python's own containers comes back:
    tensors in place and only where they changed, so that aliases, optimisers and version counters of an
    untouched network see nothing; containers with the very objects they held. Holds on exceptions too.
    The states of Python's, NumPy's and torch's generators (every CUDA device included, when CUDA was in
    use) are restored bitwise.

    Examples
    --------
    >>> norm = nn.BatchNorm1d(2)
    >>> with undisturbed(norm):
    ...     _ = norm(torch.ones(3, 2))
    >>> norm.running_mean, int(norm.num_batches_tracked)
    (tensor([0., 0.]), 0)
    """
    restore = remembered(model)
    try:
        yield
    finally:
        restore(True)


def remembered(model: nn.Module, loss_fn: object = None) -> Restore:
    """What brings a model, a loss and the random states back to what they are now, as often as it is called.

    A loss that is no module keeps no state. What comes back is told whether to restore thoroughly, or what the
    version counters of tensors tell of.
    """
    states = _random_states()
    restores: list[Restore] = []
    seen: dict[int, Any] = {}
    _remember(model, restores, seen)
    if isinstance(loss_fn, nn.Module):
        _remember(loss_fn, restores, seen)

    def restore_all(thoroughly: bool) -> None:
        for restore in restores:
            restore(thoroughly)
        _restore_random_states(states)

    return restore_all


def _remember(item: Any, restores: list[Restore], seen: dict[int, Any]) -> None:
    """Add to `restores` what brings `item`, and all that is reached through it, back to its present state."""
    if id(item) in seen:
        return
    seen[id(item)] = item
    if isinstance(item, torch.Tensor):
        restores.append(_tensor(item))
        return
    if (of_generator := _generator(item)) is not None:
        restores.append(of_generator)
        return
    if isinstance(item, nn.Module):
        item = vars(item)
    if type(item) in (dict, OrderedDict, defaultdict, Counter):
        restores.append(_mapping(item))
        inside = list(item.values())
    elif type(item) in (list, deque, set):
        restores.append(_collection(item))
        inside = list(item)
    else:
        inside = list(item) if isinstance(item, tuple) else []
    for child in inside:
        _remember(child, restores, seen)


def _mapping(mapping: dict[Any, Any]) -> Restore:
    content = dict(mapping)

    def restore(thoroughly: bool) -> None:
        if list(mapping) != list(content) or any(mapping[k] is not v for k, v in content.items()):
            mapping.clear()
            mapping.update(content)

    return restore


def _collection(collection: list[Any] | deque[Any] | set[Any]) -> Restore:
    content = list(collection)

    def restore(thoroughly: bool) -> None:
        if [id(i) for i in collection] != [id(i) for i in content]:
            collection.clear()
            collection.update(content) if isinstance(collection, set) else collection.extend(content)

    return restore


def _tensor(tensor: torch.Tensor) -> Restore:
    bits, requires_grad = Bits(tensor), tensor.requires_grad
    grad = tensor.grad if tensor.is_leaf else None
    grad_bits = None if grad is None else Bits(grad)

    def restore(thoroughly: bool) -> None:
        with torch.no_grad():
            bits.restore(thoroughly)
            if not tensor.is_leaf:
                return
            if tensor.requires_grad != requires_grad:
                tensor.requires_grad_(requires_grad)
            if tensor.grad is not grad:
                tensor.grad = grad
            if grad_bits is not None:
                grad_bits.restore(thoroughly)

    return restore


def _generator(item: Any) -> Restore | None:
    """Of a random generator that the model owns."""
    import numpy as np

    back: Callable[[], object]
    if isinstance(item, torch.Generator):
        back = partial(item.set_state, item.get_state())
    elif isinstance(item, random.Random):
        back = partial(item.setstate, item.getstate())
    elif isinstance(item, np.random.Generator):
        back = partial(setattr, item.bit_generator, "state", item.bit_generator.state)
    else:
        return None
    return lambda thoroughly: back()


def _random_states() -> tuple[Any, ...]:
    import numpy as np

    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
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


def seed_torch(seed: int) -> None:
    """Seed torch's generators, those of CUDA where it is in use; does not wake it, as `manual_seed` does."""
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)

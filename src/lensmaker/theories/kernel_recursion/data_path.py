"""What the inputs go through before the first weight: the same for any number of them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.networks import Element, Train
from lensmaker.theories.kernel_recursion.laws import Space

_FOLDS = {"view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze"}


def data_path(train: Train, value: int, units: int) -> Callable[[Tensor], Tensor]:
    """How `value` follows from the inputs of the network, as (n, units, *space)."""
    elements = _before(train, value)

    def read(x: Tensor) -> Tensor:
        known = {train.inputs[0]: x}
        for element in elements:
            known.update(zip(element.outputs, _again(train, element, known, len(x)), strict=True))
        found = known[value].to(x.dtype)
        expected = train.values[value].shape[1:]
        if found.shape[1:] != expected:
            raise InputError(
                f"inputs that become {expected}", f"{tuple(found.shape[1:])}", "keep their sizes"
            )
        return found.movedim(units, 1)

    return read


def space_of(shape: tuple[int, ...], units: int) -> Space:
    """Sizes of the axes that are neither the samples' nor the units'."""
    return tuple(n for axis, n in enumerate(shape) if axis not in (0, units))


def _before(train: Train, value: int) -> list[Element]:
    wanted, found = {value}, []
    for element in reversed(train.elements):
        if wanted & set(element.outputs):
            found.append(element)
            wanted |= set(train.signal_inputs(element))
    return found[::-1]


def _again(train: Train, element: Element, known: dict[int, Tensor], count: int) -> list[Tensor]:
    if element.operation in _FOLDS:  # their sizes may have been recorded with the number of samples in them
        return [known[element.inputs[0]].reshape(count, *train.values[element.outputs[0]].shape[1:])]

    def content(index: int) -> Tensor:
        found = known.get(index, train.values[index].tensor)
        if found is None:
            raise InputError(f"{element.where} to be repeatable", "a constant that was not kept", "inline it")
        return found

    found = element.replay(content)
    if any(torch.is_tensor(y) and len(y) != count for y in found):
        raise InputError(
            f"{element.where} to treat inputs one by one", "a fixed number of them", "use len(x)"
        )
    return found

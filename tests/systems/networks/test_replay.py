"""A kept train can be walked from the inputs alone: each element, run again on what the walk made so far,
brings back bitwise what flowed."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lensmaker.systems.networks import Origin, Train, record
from systems.networks.architectures import ARCHITECTURES, WITHOUT_GRADIENTS, build


def walk(train: Train, gradients: bool) -> dict[int, torch.Tensor]:
    """The signals of a train from the contents of its inputs and of its constants and parameters.

    Parameters ask for gradients as they did in the pass: torch chooses its kernels by that.
    """
    given = {v.index: v.tensor for v in train.values if not v.is_signal}
    if gradients:
        weights = [v.index for v in train.values if v.origin is Origin.PARAMETER]
        given |= {i: given[i].detach().requires_grad_() for i in weights}
    given |= {i: train.values[i].tensor for i in train.inputs}
    signals: dict[int, Any] = dict(given)
    for element in train.elements:
        if any(train.values[o].is_signal for o in element.outputs):
            with torch.set_grad_enabled(gradients):
                outputs = element.replay(signals.__getitem__)
            signals.update(zip(element.outputs, outputs, strict=True))
    return {i: signals[i].detach() for i in signals if i not in given}


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.dtype == b.dtype and torch.equal(a.nan_to_num(7.0), b.nan_to_num(7.0))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_walk_from_the_inputs_brings_back_every_value(name: str) -> None:
    model, batch = build(name)
    train = record(model, batch)
    signals = walk(train, name not in WITHOUT_GRADIENTS)
    assert set(signals) == {v.index for v in train.values if v.is_signal} - set(train.inputs)
    wrong = [
        f"{train.elements[train.values[i].producer].where}"
        for i, tensor in signals.items()
        if not same(tensor, train.values[i].tensor)
    ]
    assert not wrong


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_last_value_is_what_the_network_returns(name: str) -> None:
    model, batch = build(name)
    train = record(model, batch)
    (boundary,) = train.boundary
    inputs = batch[0] if isinstance(batch, tuple) else (batch,)
    expected = model(*inputs)
    assert same(train.values[boundary].tensor, expected.detach())
    assert same(walk(train, name not in WITHOUT_GRADIENTS)[boundary], expected.detach())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_train_without_contents_has_the_same_elements(name: str) -> None:
    model, batch = build(name)
    kept, light = record(model, batch), record(model, batch, keep=False)
    assert [(e.where, e.inputs, e.outputs) for e in light.elements] == [
        (e.where, e.inputs, e.outputs) for e in kept.elements
    ]
    assert not any(v.tensor is not None for v in light.values if v.is_signal)
    assert [v.shape for v in light.values] == [v.shape for v in kept.values]

"""The parameter by which a weight can be scaled, however the network makes the weight of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.systems.networks import Element, Origin, Train


@dataclass(frozen=True)
class Handle:
    """The parameter whose scale is the scale of an element's weight, or why there is none.

    Attributes
    ----------
    parameter
        Its name; "" where there is none.
    refusal
        Why there is none: a clause.
    """

    parameter: str
    refusal: str = ""


def handle_of(element: Element, train: Train) -> Handle:
    """The parameter p with W(2p) = 2W(p), found by making the weight W of `element` again from 2p.

    Of a plain layer that is its weight, of a weight-normalised one its magnitude; a spectrally normalised
    weight has none.

    Examples
    --------
    >>> from lensmaker.systems.networks import record
    >>> from torch.nn.utils.parametrizations import spectral_norm, weight_norm
    >>> for made in (weight_norm, spectral_norm):
    ...     train = record(made(torch.nn.Linear(3, 3)), torch.ones(2, 3))
    ...     handle_of(next(e for e in train.elements if e.operation == "linear"), train)
    Handle(parameter='parametrizations.weight.original0', refusal='')
    Handle(parameter='', refusal='no single parameter scales the weight, which is made of
    parametrizations.weight.original')
    """
    weights = [v for v in train.weight_inputs(element) if len(v.shape) >= 2]
    if len(weights) != 1:
        return Handle("", "its weight is not one matrix of parameters")
    weight = weights[0]
    if weight.producer is None and len(weight.parameters) == 1 and weight.is_float:
        return Handle(*weight.parameters)
    for name in sorted(weight.parameters):
        if _scales(name, weight.index, train):
            return Handle(name)
    names = ", ".join(sorted(weight.parameters)) or "no named parameter"
    return Handle("", f"no single parameter scales the weight, which is made of {names}")


def users_of(parameter: str, train: Train) -> frozenset[int]:
    """Indices of the elements of the signal that take something from a parameter.

    Examples
    --------
    >>> from lensmaker.systems.networks import record
    >>> layer = torch.nn.Linear(3, 3)
    >>> users_of("0.weight", record(torch.nn.Sequential(layer, layer), torch.ones(2, 3)))
    frozenset({0, 1})
    """
    return frozenset(
        e.index
        for e in train.before_loss()
        if train.signal_output(e) is not None
        and any(parameter in v.parameters for v in train.weight_inputs(e))
    )


def _scales(name: str, weight: int, train: Train) -> bool:
    roots = {
        v.index: 2 * v.tensor
        for v in train.values
        if v.producer is None and v.parameters == {name} and v.tensor is not None and v.is_float
    }
    before = train.values[weight].tensor
    if not roots or before is None:
        return False
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            after = _made_again(weight, roots, train)
    except Exception:  # whatever a parametrisation may raise when it is run by itself
        return False
    return torch.allclose(after, 2 * before, rtol=1e-2, atol=0.0)


def _made_again(index: int, replaced: Mapping[int, Tensor], train: Train) -> Tensor:
    """The content of a value that depends on parameters alone, with some of these replaced."""
    value = train.values[index]
    if index in replaced:
        return replaced[index]
    if value.producer is None or value.origin is not Origin.PARAMETER:
        assert value.tensor is not None
        return value.tensor
    element = train.elements[value.producer]
    made = element.replay(lambda i: _made_again(i, replaced, train))
    return made[element.outputs.index(index)]

"""The longest run of convolutions in a network that keep the shape of the field: layers that are steps in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lensmaker.core import InputError, Where
from lensmaker.systems.networks import Element, Family, Train
from lensmaker.theories.field_equation.around import Skip, followers
from lensmaker.theories.field_equation.layer_field import LayerField
from lensmaker.theories.field_equation.theory import read


@dataclass(frozen=True)
class Chain:
    """Layers one behind the other, each from a field to one of the same shape.

    Attributes
    ----------
    fields
        What each layer is read as.
    start
        Value that the first one reads.
    ends
        Value behind each layer, its skip and its activation.
    wheres
        The elements that make these values.
    """

    fields: tuple[LayerField, ...]
    start: int
    ends: tuple[int, ...]
    wheres: tuple[Where, ...]


def chain_of(train: Train) -> Chain:
    """The longest chain of a recorded train.

    Raises
    ------
    InputError
        If no convolution keeps the shape of its field.
    """
    after = followers(train)
    best: list[tuple[LayerField, int]] = []
    current: list[tuple[LayerField, int]] = []
    for field in read(train):
        end = _end(field, train, after)
        if end is None:
            current = []
            continue
        follows = bool(current) and field.kernel.source == current[-1][1]
        current = [*current, (field, end)] if follows else [(field, end)]
        if len(current) > len(best):
            best = current
    if not best:
        raise InputError(
            "a convolution that keeps the shape of its field",
            f"{train.model} without one",
            "pass layers with as many channels out as in, stride 1 and padding that keeps the size",
        )
    producers = [train.values[end].producer for _, end in best]
    return Chain(
        tuple(f for f, _ in best),
        best[0][0].kernel.source,
        tuple(end for _, end in best),
        tuple(train.elements[p].where for p in producers if p is not None),
    )


def _end(field: LayerField, train: Train, after: Mapping[int, Sequence[Element]]) -> int | None:
    """The value behind a layer; None where it does not keep the shape, or is another kind of step."""
    kernel = field.kernel
    value = train.elements[kernel.index].outputs[0]
    if (
        train.values[value].shape != train.values[kernel.source].shape
        or kernel.stride != (1.0,) * kernel.dimension
    ):
        return None
    if kernel.skip not in (Skip.NONE, Skip.EULER) or field.is_silent or any(kernel.offset):
        return None
    skipped, done = kernel.skip is Skip.NONE, not kernel.activation
    while not (skipped and done):
        (link,) = after.get(value, ()) if len(after.get(value, ())) == 1 else (None,)
        if link is None:
            return None
        skipped = skipped or link.operation == "add"
        done = done or link.operation == kernel.activation
        value = link.outputs[0]
    while len(after.get(value, ())) == 1 and _folded(after[value][0]):
        value = after[value][0].outputs[0]
    return value


def _folded(link: Element) -> bool:
    return link.operation == "batch_norm" or link.family is Family.DROPOUT

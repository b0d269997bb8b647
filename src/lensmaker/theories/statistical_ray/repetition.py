"""Which random maps of a train are the same one: weights that are used again, shared, or copied."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.numerics.seeding import stream
from lensmaker.systems.networks import Element, Family, Train
from lensmaker.systems.networks.weights import weights_of

_LOOKED_AT = 32


@dataclass(frozen=True)
class Repetitions:
    """Elements whose weights occur elsewhere too.

    Independent weights would mix their inputs independently; equal ones give jointly Gaussian outputs with
    ⟨y y′⟩ = σ_w²⟨x x′⟩ (G. Yang 2019). The clones of `nn.TransformerEncoder` are the usual case.

    Attributes
    ----------
    seeds
        Element → a number that it shares with those of equal weights.
    transposed
        Element → the earlier element whose weights are its own transposed (an output layer tied to an
        embedding).
    """

    seeds: dict[int, int]
    transposed: dict[int, Element]


def repetitions(train: Train, seed: int) -> Repetitions:
    """Find equal weights by their shape and a few of their entries."""
    prints: dict[int, object] = {}
    first: dict[object, Element] = {}
    transposed: dict[int, Element] = {}
    for element in train.before_loss():
        weights = weights_of(element, train) if element.family is Family.LINEAR else None
        if weights is None or train.signal_output(element) is None:
            continue
        w = weights.weight
        prints[element.index] = key = (_fingerprint(w), weights.groups)
        first.setdefault(key, element)
        if w.ndim == 2:
            earlier = first.get((_fingerprint(w.T), weights.groups), element)
            if earlier is not element and earlier.index not in transposed:
                transposed[element.index] = earlier
    # Seeds are drawn, not counted: torch's generator on the CPU sees the lowest 32 bits alone.
    drawn = torch.randint(2**30, (len(first),), generator=stream("repetitions", seed)).tolist()
    number = dict(zip(first, drawn, strict=True))
    count = Counter(prints.values())
    seeds = {i: number[key] for i, key in prints.items() if count[key] > 1}
    return Repetitions(seeds, transposed)


def _fingerprint(weight: Tensor) -> tuple[object, ...]:
    """Shape, and entries along two edges of the tensor."""
    last = weight[-1].flatten(0)[-_LOOKED_AT:] if weight[-1].ndim else weight[-1:]
    head = weight[0].flatten(0)[:_LOOKED_AT] if weight[0].ndim else weight[:1]
    return tuple(weight.shape), tuple(head.tolist()), tuple(last.tolist())

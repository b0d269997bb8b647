"""Trees of arguments agree with torch's pytree, which knows more kinds of containers."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from typing import Any

import pytest
import torch
from torch.utils._pytree import tree_leaves, tree_map_only

from lensmaker.systems.networks.trees import mapped, tensors_in

Pair = namedtuple("Pair", "first second")
A, B = torch.ones(2), torch.zeros(3)
TREES: dict[str, Any] = {
    "a tensor": A,
    "arguments": ((A, 3, None, "same", torch.float32), {"bias": B, "flag": True}),
    "nested": [A, (B, [A, {"x": B}])],
    "a named tuple": (Pair(A, [B, 2]), A),
    "an ordered dict": {"x": OrderedDict(b=A, a=B)},
    "a size and a slice": (torch.Size([2, 3]), slice(0, 2), A),
    "nothing": (),
}


@pytest.mark.parametrize("name", TREES)
def test_the_leaves_are_those_of_torch(name: str) -> None:
    theirs = [leaf for leaf in tree_leaves(TREES[name]) if isinstance(leaf, torch.Tensor)]
    ours = tensors_in(TREES[name])
    assert len(ours) == len(theirs)
    assert all(a is b for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("name", TREES)
def test_the_map_is_that_of_torch(name: str) -> None:
    def shape(t: torch.Tensor) -> str:
        return str(tuple(t.shape))

    ours, theirs = (m(torch.Tensor, shape, TREES[name]) for m in (mapped, tree_map_only))
    assert ours == theirs
    assert type(ours) is type(theirs)

"""Arguments as trees: tuples, lists and dicts here, and whatever else torch's pytree knows there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils._pytree import tree_leaves, tree_map_only

_LEAVES = frozenset(
    [type(None), bool, int, float, complex, str, torch.dtype, torch.device, torch.Size, slice]
)


def mapped(kind: type, function: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with each leaf of a kind replaced by a function of it; many times as fast as torch's for small trees.

    Examples
    --------
    >>> mapped(int, str, (1, [2, {"a": 3}], None))
    ('1', ['2', {'a': '3'}], None)
    """
    of = type(tree)
    if isinstance(tree, kind):
        return function(tree)
    if of is tuple:
        return tuple([mapped(kind, function, child) for child in tree])
    if of is list:
        return [mapped(kind, function, child) for child in tree]
    if of is dict:
        return {key: mapped(kind, function, child) for key, child in tree.items()}
    return tree if of in _LEAVES else tree_map_only(kind, function, tree)


def tensors_in(tree: Any) -> list[torch.Tensor]:
    """The tensors among the leaves, in order.

    Examples
    --------
    >>> a, b = torch.ones(2), torch.zeros(1)
    >>> tensors_in({"x": (a, 3), "y": [b]})
    [tensor([1., 1.]), tensor([0.])]
    """
    return list(_tensors(tree))


def _tensors(tree: Any) -> Iterator[torch.Tensor]:
    of = type(tree)
    if isinstance(tree, torch.Tensor):
        yield tree
    elif of is tuple or of is list:
        for child in tree:
            yield from _tensors(child)
    elif of is dict:
        for child in tree.values():
            yield from _tensors(child)
    elif of not in _LEAVES:
        yield from (leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor))

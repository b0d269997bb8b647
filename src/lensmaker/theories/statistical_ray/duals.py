"""Affine steps of what carries a tangent: torch is slow to combine it with what carries none."""

from __future__ import annotations

import torch.autograd.forward_ad as forward
from torch import Tensor


def shifted(x: Tensor, by: Tensor | float) -> Tensor:
    """The sum x + c, with the tangent of x; c is a constant that does not widen x.

    Examples
    --------
    >>> import torch
    >>> with forward.dual_level():
    ...     forward.unpack_dual(shifted(forward.make_dual(torch.ones(2), torch.ones(2)), 3.0))
    UnpackedDualTensor(primal=tensor([4., 4.]), tangent=tensor([1., 1.]))
    """
    a, da = forward.unpack_dual(x)
    return a + by if da is None else forward.make_dual(a + by, da)


def scaled(x: Tensor, by: Tensor) -> Tensor:
    """The product x·c, with the tangent of x times c; c is a constant that does not widen x.

    Examples
    --------
    >>> import torch
    >>> with forward.dual_level():
    ...     forward.unpack_dual(scaled(forward.make_dual(torch.ones(2), torch.ones(2)), torch.tensor(3.0)))
    UnpackedDualTensor(primal=tensor([3., 3.]), tangent=tensor([3., 3.]))
    """
    a, da = forward.unpack_dual(x)
    return a * by if da is None else forward.make_dual(a * by, da * by)

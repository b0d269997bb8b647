"""Whether all entries of a tensor are finite, told at the speed of a sum."""

from __future__ import annotations

from torch import Tensor


def all_finite(tensor: Tensor) -> bool:
    """Whether no entry is infinite or not a number; an integer never is.

    A finite sum says that all entries are; one that is not may have overflowed, and the entries are asked.

    Examples
    --------
    >>> import torch
    >>> all_finite(torch.tensor([3e38, 3e38])), all_finite(torch.tensor([torch.inf, -torch.inf]))
    (True, False)
    """
    tensor = tensor.detach()
    return bool(tensor.sum().isfinite()) or bool(tensor.isfinite().all())

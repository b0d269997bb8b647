"""The momenta of a periodic grid."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def momenta(side: int) -> Tensor:
    """The numbers q = 2πn/N with −π < q ≤ π, in the order of a discrete Fourier transform, float64 (N,).

    Examples
    --------
    >>> (momenta(4) / math.pi).tolist()
    [0.0, 0.5, 1.0, -0.5]
    """
    n = torch.arange(side, dtype=torch.float64)
    return 2 * math.pi * torch.where(n > side // 2, n - side, n) / side

"""Eigenvalues of many small matrices at once."""

from __future__ import annotations

import torch
from torch import Tensor


def small_eigenvalues(matrices: Tensor) -> Tensor:
    """Eigenvalues of (…, n, n), complex (…, n); of 1 × 1 and 2 × 2 in closed form, which is many times faster.

        λ = m ± √(m² − det),   m = ½ tr

    Examples
    --------
    >>> small_eigenvalues(torch.tensor([[0.0, 2.0], [-2.0, 0.0]])).imag.tolist()
    [2.0, -2.0]
    """
    wide = matrices.to(torch.complex128)
    n = wide.shape[-1]
    if n == 1:
        return wide[..., 0]
    if n > 2:
        return torch.linalg.eigvals(wide)
    a, b, c, d = wide[..., 0, 0], wide[..., 0, 1], wide[..., 1, 0], wide[..., 1, 1]
    mean, half = (a + d) / 2, (a - d) / 2
    root = (half * half + b * c).sqrt()
    return torch.stack([mean + root, mean - root], -1)

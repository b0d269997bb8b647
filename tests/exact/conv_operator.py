"""The matrix of a linear map, column by column, from what it does to the identity."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch


def dense(function: Callable[[torch.Tensor], torch.Tensor], shape: tuple[int, ...]) -> np.ndarray:
    """The matrix of an affine `function` without its constant, on one sample of `shape`."""
    size = int(np.prod(shape))
    with torch.no_grad():
        constant = function(torch.zeros(1, *shape, dtype=torch.float64))
        images = function(torch.eye(size, dtype=torch.float64).reshape(size, *shape)) - constant
    return images.reshape(size, -1).T.numpy()

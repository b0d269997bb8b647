"""Derivatives of an activation function, by automatic differentiation in double precision."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lensmaker.core import InputError


def derivatives(activation: nn.Module, at: Tensor, order: int) -> NDArray[np.float64]:
    """σ, σ′, … σ^(order) at some places, (order + 1, places).

    Raises
    ------
    InputError
        If it is not an element-wise function that can be differentiated so often.

    Examples
    --------
    >>> derivatives(nn.Softplus(), torch.zeros(1), 2)[:, 0].round(4).tolist()
    [0.6931, 0.5, 0.25]
    """
    wanted = "an element-wise activation function that torch can differentiate"
    with torch.enable_grad():
        x = at.detach().double().clone().requires_grad_()
        try:
            found = [activation(x)]
        except Exception as error:
            raise InputError(
                wanted, f"one that raises {error!r}"[:200], "pass nn.GELU(), for instance"
            ) from error
        if not isinstance(found[0], Tensor) or found[0].shape != x.shape:
            raise InputError(wanted, "one of another shape", "pass nn.GELU(), for instance")
        for _ in range(order):
            if not found[-1].requires_grad:
                found.append(torch.zeros_like(x))
                continue
            try:
                (slope,) = torch.autograd.grad(found[-1].sum(), x, create_graph=True, allow_unused=True)
            except RuntimeError as error:
                raise InputError(
                    f"an activation function that torch can differentiate {order} times",
                    f"{type(activation).__name__}, which it cannot",
                    "write it in elementary functions of torch",
                ) from error
            found.append(torch.zeros_like(x) if slope is None else slope)
    return torch.stack([f.detach() for f in found]).numpy()

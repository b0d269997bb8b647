"""The product gate: four neurons whose sum is nearly the product of two inputs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Gate:
    r"""m(u, v) = [σ(b+λ(u+v)) + σ(b−λ(u+v)) − σ(b+λ(u−v)) − σ(b−λ(u−v))] / (4λ²σ″(b)).

    Attributes
    ----------
    activation
        σ.
    bias
        b.
    scale
        λ.
    curvature
        σ″(b).
    radius
        |u| and |v| are at most this.
    dtype
        Arithmetic in which it is evaluated.

    Examples
    --------
    >>> gate = Gate(nn.Softplus(), 0.0, 0.01, 0.25)
    >>> round(gate(torch.tensor([0.5]), torch.tensor([0.8])).item(), 4)
    0.4
    """

    activation: nn.Module
    bias: float
    scale: float
    curvature: float
    radius: float = 1.0
    dtype: torch.dtype = torch.float64

    def __call__(self, u: Tensor, v: Tensor) -> Tensor:
        """The four neurons as two linear maps and σ between them, in the arithmetic of the gate."""
        x = torch.stack([u, v], -1).to(self.dtype)
        signs = x.new_tensor([[1, 1], [-1, -1], [1, -1], [-1, 1]])
        hidden = nn.functional.linear(x, self.scale * signs, x.new_full((4,), self.bias))
        weight = 1 / (4 * self.scale**2 * self.curvature)
        return nn.functional.linear(self.activation(hidden), weight * signs.prod(-1)[None])[..., 0]

    @property
    def name(self) -> str:
        """Of the activation, as its class is called."""
        return type(self.activation).__name__

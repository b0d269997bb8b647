"""The network that integrates a field equation: one layer, one step in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lensmaker.design.emit.schemes import Scheme
from lensmaker.systems.fields.equations.grid import Grid
from lensmaker.systems.fields.equations.reactions import PointLaw


@dataclass(frozen=True)
class Emission:
    """How a network came about.

    Attributes
    ----------
    scheme
        Of its steps.
    order
        Of its differences in space; 0 where the symbol is exact.
    step, steps
        h of a layer, and how many layers.
    largest_step
        At which it would still be stable.
    exact_in_time
        Whether no error is left but that of the grid.
    """

    scheme: Scheme
    order: int
    step: float
    steps: int
    largest_step: float
    exact_in_time: bool

    def __str__(self) -> str:
        time = "exact in time" if self.exact_in_time else f"order {self.scheme.value or 2} in time"
        space = f"order {self.order} in space" if self.order else "spectral in space"
        return f"{self.steps} layers of {self.step:g}, {time}, {space}, stable up to {self.largest_step:.4g}"


class Law(nn.Module):
    """What a step adds in one evaluation: h Γ(φ) {stencil φ + r(φ)}; h is in the weights."""

    def __init__(self, stencil: nn.Module, reaction: nn.Module | None, mobility: PointLaw | None) -> None:
        super().__init__()
        self.stencil, self.reaction, self.mobility = stencil, reaction, mobility

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.stencil(x)
        if self.reaction is not None:
            y = y + self.reaction(x)
        return y if self.mobility is None else self.mobility(x) * y


class Step(nn.Module):
    """A residual layer, φ → φ + Σ b_s k_s with k_s = law(φ + Σ a_{sr} k_r): Euler's is φ + law(φ)."""

    def __init__(self, law: nn.Module, scheme: Scheme) -> None:
        super().__init__()
        self.law, self.scheme = law, scheme

    def forward(self, x: Tensor) -> Tensor:
        return x + self.increment(x)

    def increment(self, x: Tensor) -> Tensor:
        """What the step adds."""
        ks: list[Tensor] = []
        for row in self.scheme.stages:
            at = x
            for a, k in zip(row, ks, strict=True):
                at = at + a * k if a else at
            ks.append(self.law(at))
        total = torch.zeros_like(x) if not ks else self.scheme.weights[0] * ks[0]
        for b, k in zip(self.scheme.weights[1:], ks[1:], strict=True):
            total = total + b * k
        return total


class SymbolStep(nn.Module):
    """The exact propagator as a convolution, between two halves of the reaction."""

    def __init__(self, propagator: nn.Module, reaction: nn.Module | None) -> None:
        super().__init__()
        self.propagator, self.reaction = propagator, reaction

    def forward(self, x: Tensor) -> Tensor:
        if self.reaction is not None:
            x = self.reaction(x)
        x = self.propagator(x)
        return x if self.reaction is None else self.reaction(x)


class FieldNetwork(nn.Module):
    """A network that integrates a field equation: (batch, channels, *shape) to the same, a layer for each step.

    Its weights are parameters as any others: to be trained, exported or inspected.

    Attributes
    ----------
    emission
        Scheme, orders, step and stability.
    layers
        One for each step; the same one where they are shared.

    Examples
    --------
    >>> from lensmaker.design.emit import emit
    >>> from lensmaker.systems.fields.equations import advection_diffusion
    >>> network = emit(advection_diffusion(Grid((8,), (1.0,)), diffusivity=1.0), 1.0, 4)
    >>> print(network.emission)
    4 layers of 0.25, order 4 in time, order 2 in space, stable up to 0.6963
    """

    def __init__(self, layers: Sequence[nn.Module], grid: Grid, emission: Emission) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.grid, self.emission = grid, emission

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x

    def trajectory(self, x: Tensor) -> Tensor:
        """The field behind each layer, (steps + 1, batch, channels, *shape), the first one before them."""
        seen = [x]
        for layer in self.layers:
            seen.append(layer(seen[-1]))
        return torch.stack(seen)

"""Critics: functions f(x, y) of two sets of spins that a bound is made of."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lensmaker.core import InputError


@dataclass(frozen=True)
class Critic(ABC):
    """Base of the kinds of critic.

    Parameters
    ----------
    width
        Units of each hidden layer.
    layers
        Hidden layers.

    Raises
    ------
    InputError
        If there are none.
    """

    width: int = 32
    layers: int = 2

    def __post_init__(self) -> None:
        if self.width < 1 or self.layers < 1:
            raise InputError(
                "a width and layers of 1 or more", f"{self.width} and {self.layers}", "pass 32 and 2"
            )

    @abstractmethod
    def build(self, x: int, y: int, generator: torch.Generator) -> nn.Module:
        """A network that takes (n, x) and (m, y) to the scores of all pairs, (n, m)."""


@dataclass(frozen=True)
class Separable(Critic):
    """f = g(x)·h(y): n + m evaluations for n·m scores.

    Parameters
    ----------
    rank
        Length of g and h; with as many as x has states, any f can be had.
    """

    rank: int = 16

    def build(self, x: int, y: int, generator: torch.Generator) -> nn.Module:
        return _Separable(
            network(x, self.width, self.layers, self.rank, generator),
            network(y, self.width, self.layers, self.rank, generator),
        )


@dataclass(frozen=True)
class Concatenated(Critic):
    """f of both together: n·m evaluations."""

    def build(self, x: int, y: int, generator: torch.Generator) -> nn.Module:
        return _Concatenated(x, y, self.width, self.layers, generator)


class _Separable(nn.Module):
    def __init__(self, g: nn.Module, h: nn.Module) -> None:
        super().__init__()
        self.g, self.h = g, h

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.g(x) @ self.h(y).T


class _Concatenated(nn.Module):
    def __init__(self, x: int, y: int, width: int, layers: int, generator: torch.Generator) -> None:
        super().__init__()
        self.of_x, self.of_y = linear(x, width, generator), linear(y, width, generator)
        self.rest = network(width, width, layers - 1, 1, generator)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        first = nn.functional.silu(self.of_x(x)[:, None] + self.of_y(y)[None])
        return self.rest(first).squeeze(-1)


def network(inputs: int, width: int, layers: int, outputs: int, generator: torch.Generator) -> nn.Sequential:
    """Hidden layers of SiLU units, and a linear one."""
    sizes = [inputs] + [width] * layers
    parts: list[nn.Module] = []
    for n, m in itertools.pairwise(sizes):
        parts += [linear(n, m, generator), nn.SiLU()]
    return nn.Sequential(*parts, linear(sizes[-1], outputs, generator))


def linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    """A layer with weights N(0, 1/inputs) of the generator, and no biases yet."""
    layer = nn.utils.skip_init(nn.Linear, inputs, outputs)
    with torch.no_grad():
        layer.weight.normal_(0, inputs**-0.5, generator=generator)
        layer.bias.zero_()
    return layer

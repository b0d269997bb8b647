"""The contract of the weights between two layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor, nn


class Weights(nn.Module, ABC):
    """W of the energy −v·W·h: fields it gives to either layer, and how it learns from both.

    Attributes
    ----------
    kind
        Under which files know it.
    is_tied
        Whether a symmetry makes units alike, so that they have one bias.
    parameter
        What is learned.
    visible, hidden
        Sizes of the layers.
    """

    kind: ClassVar[str]
    is_tied: ClassVar[bool] = False
    parameter: nn.Parameter
    visible: int
    hidden: int

    @property
    @abstractmethod
    def spec(self) -> dict[str, Any]:
        """What a file has to say for them to be made again."""

    @abstractmethod
    def up(self, v: Tensor, bias: Tensor, out: Tensor | None = None) -> Tensor:
        """Fields of the hidden layer, b + Wᵀv: (n, visible) → (n, hidden)."""

    @abstractmethod
    def down(self, h: Tensor, bias: Tensor, out: Tensor | None = None) -> Tensor:
        """Fields of the visible layer, a + W h: (n, hidden) → (n, visible)."""

    @abstractmethod
    def add_products_(self, into: Tensor, v: Tensor, h: Tensor, scale: float, keep: float = 1.0) -> None:
        """`into`, of the parameter's shape, becomes keep · into + scale · ∂(Σ_n v·W·h)/∂W."""

    @abstractmethod
    def add_outer_(self, into: Tensor, v: Tensor, h: Tensor, scale: float) -> None:
        """The same of one mean of each layer, (visible,) and (hidden,)."""

    @abstractmethod
    def applied_up(self, parameter: Tensor, v: Tensor) -> Tensor:
        """Wᵀv of one row for other numbers in the place of the parameter, (visible,) → (hidden,)."""

    @abstractmethod
    def applied_down(self, parameter: Tensor, h: Tensor) -> Tensor:
        """W h of one row for other numbers in the place of the parameter, (hidden,) → (visible,)."""

    def alike(self, layer: str, values: Tensor) -> Tensor:
        """Values of a layer as (kinds, units of the kind): units that a symmetry takes into each other are a kind."""
        return values[:, None]

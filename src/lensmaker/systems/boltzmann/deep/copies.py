"""Weights between copies of layers: how a layer of a deep machine is learned while its other neighbour is missing."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from lensmaker.core import InputError
from lensmaker.systems.boltzmann.weights import Weights


class Copies(Weights):
    """Every visible copy feels every hidden copy by the same W: fields of one copy, W h, are summed over those of h.

    Parameters
    ----------
    inner
        W of one copy of each.
    visible_copies, hidden_copies
        How many, side by side.

    Raises
    ------
    InputError
        If W has a symmetry of its own.

    Examples
    --------
    >>> import torch
    >>> from lensmaker.systems.boltzmann.weights import Dense
    >>> weights = Copies(Dense(2, 1), 2, 1)
    >>> weights.inner.parameter.data.fill_(1.0).tolist()
    [[1.0], [1.0]]
    >>> weights.up(torch.ones(1, 4), torch.zeros(1)).tolist()  # twice that of one copy
    [[4.0]]
    """

    kind = "copies"
    is_tied = True

    def __init__(self, inner: Weights, visible_copies: int, hidden_copies: int) -> None:
        super().__init__()
        if inner.is_tied:
            raise InputError("weights without a symmetry", f"{inner.kind} weights", "pass dense ones")
        self.inner = inner
        self.visible_copies, self.hidden_copies = visible_copies, hidden_copies
        self.visible, self.hidden = visible_copies * inner.visible, hidden_copies * inner.hidden

    @property
    def parameter(self) -> nn.Parameter:  # type: ignore[override]
        """W of one copy of each."""
        return self.inner.parameter

    @property
    def spec(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "inner": self.inner.spec,
            "copies": [self.visible_copies, self.hidden_copies],
        }

    def _one(self, rows: Tensor, copies: int) -> Tensor:
        """The sum of all copies, (n, size)."""
        return rows.view(len(rows), copies, -1).sum(1)

    def up(self, v: Tensor, bias: Tensor, out: Tensor | None = None) -> Tensor:
        nothing = v.new_zeros(self.inner.hidden)
        pull = self.inner.up(self._one(v, self.visible_copies), nothing).repeat(1, self.hidden_copies)
        return pull.add_(bias) if out is None else out.copy_(pull).add_(bias)

    def down(self, h: Tensor, bias: Tensor, out: Tensor | None = None) -> Tensor:
        nothing = h.new_zeros(self.inner.visible)
        pull = self.inner.down(self._one(h, self.hidden_copies), nothing).repeat(1, self.visible_copies)
        return pull.add_(bias) if out is None else out.copy_(pull).add_(bias)

    def add_products_(self, into: Tensor, v: Tensor, h: Tensor, scale: float, keep: float = 1.0) -> None:
        one, other = self._one(v, self.visible_copies), self._one(h, self.hidden_copies)
        self.inner.add_products_(into, one, other, scale, keep)

    def add_outer_(self, into: Tensor, v: Tensor, h: Tensor, scale: float) -> None:
        self.add_products_(into, v[None], h[None], scale)

    def applied_up(self, parameter: Tensor, v: Tensor) -> Tensor:
        one = self._one(v[None], self.visible_copies)[0]
        return self.inner.applied_up(parameter, one).repeat(self.hidden_copies)

    def applied_down(self, parameter: Tensor, h: Tensor) -> Tensor:
        one = self._one(h[None], self.hidden_copies)[0]
        return self.inner.applied_down(parameter, one).repeat(self.visible_copies)

    def alike(self, layer: str, values: Tensor) -> Tensor:
        return values.view(self.visible_copies if layer == "visible" else self.hidden_copies, -1).t()

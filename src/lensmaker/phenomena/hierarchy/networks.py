"""Networks of one shape for many runs at once: each tensor has an axis of runs, which never mix."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.phenomena.hierarchy.plan import Kind


@dataclass(frozen=True)
class Shape:
    """Which layers there are.

    Attributes
    ----------
    kind
        Trees join two neighbours at a time, with the same weights everywhere; the others see all leaves at once.
    alphabet, classes, levels
        Of the grammar.
    width
        Of each hidden layer: `levels` of them, or one.
    """

    kind: Kind
    alphabet: int
    classes: int
    levels: int
    width: int

    @property
    def layers(self) -> list[tuple[int, int]]:
        """Inputs and outputs of each layer, the one that reads classes out last."""
        whole = self.alphabet * 2**self.levels
        if self.kind is Kind.FLAT:
            hidden = [(whole, self.width)]
        elif self.kind is Kind.DENSE:
            hidden = [(whole, self.width)] + [(self.width, self.width)] * (self.levels - 1)
        else:
            hidden = [(2 * self.alphabet, self.width)] + [(2 * self.width, self.width)] * (self.levels - 1)
        return [*hidden, (self.width, self.classes)]

    @property
    def parameters(self) -> int:
        """Weights and biases of a run."""
        return sum((a + 1) * b for a, b in self.layers)

    def start(self, generators: list[torch.Generator]) -> list[Tensor]:
        """Weights N(0, 2/fan_in) and no biases, for each run from its own generator."""
        found = []
        for a, b in self.layers:
            w = torch.stack([torch.randn(a, b, generator=g) for g in generators]) * math.sqrt(2 / a)
            found += [w, torch.zeros(len(generators), 1, b)]
        return [p.requires_grad_() for p in found]

    def logits(self, parameters: list[Tensor], x: Tensor) -> Tensor:
        """Of words, (runs, n, leaves, alphabet) with a one at each symbol: (runs, n, classes)."""
        runs, n = x.shape[:2]
        is_tree = self.kind in (Kind.TREE, Kind.SCRAMBLED)
        for k in range(0, len(parameters) - 2, 2):
            rows = x.reshape(runs, -1, parameters[k].shape[1]) if is_tree or not k else x
            x = torch.baddbmm(parameters[k + 1], rows, parameters[k]).relu()
        return torch.baddbmm(parameters[-1], x.reshape(runs, n, -1), parameters[-2])


def alike(kind: Kind, alphabet: int, classes: int, levels: int, width: int) -> Shape:
    """The shape of a kind that has as many parameters as the tree of this width, or just fewer."""
    budget = Shape(Kind.TREE, alphabet, classes, levels, width).parameters
    size = 1
    while Shape(kind, alphabet, classes, levels, size + 1).parameters <= budget:
        size += 1
    return Shape(kind, alphabet, classes, levels, size)

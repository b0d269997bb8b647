"""How a layer of products is built of neurons: from smooth activation functions, or from ReLU's sawteeth."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import nn

from lensmaker.design.compile.program import Combination, Product
from lensmaker.design.compile.stages import Label, Read, Stage, Unit, at, waiting
from lensmaker.systems.polynomials.gate import Gate
from lensmaker.theories.polynomial_networks.gates import GateTerms, gate_terms


class Multiplier(ABC):
    """Products of sums within ±1 as hidden layers of one activation function."""

    activation: nn.Module

    @abstractmethod
    def bound(self, radius: float, summands: int) -> float:
        """A certified bound of the error of one product."""

    @abstractmethod
    def usual(self, radius: float, summands: int) -> float:
        """The error of one product where rounding errors are of usual size."""

    @abstractmethod
    def stages(self, products: Sequence[tuple[int, Product]], kept: Sequence[int]) -> list[Stage]:
        """The hidden layers of one layer of products; `kept` are the values that are needed later."""


@dataclass(frozen=True)
class Smooth(Multiplier):
    """The gate of four neurons, of two for squares, where σ(b) twice is a constant; one hidden layer.

    Parameters
    ----------
    gate
        Its activation, bias and scale.
    """

    gate: Gate

    @property
    def activation(self) -> nn.Module:  # type: ignore[override]
        return self.gate.activation

    def bound(self, radius: float, summands: int) -> float:
        terms = _terms(self.gate, radius)
        return terms.bound_of(summands) if terms.series_holds and not terms.outside else math.inf

    def usual(self, radius: float, summands: int) -> float:
        terms = _terms(self.gate, radius)
        return terms.truncation + terms.rounding

    def stages(self, products: Sequence[tuple[int, Product]], kept: Sequence[int]) -> list[Stage]:
        units: list[Unit] = []
        reads = [*waiting(kept)]
        weight = 1 / (4 * self.gate.scale**2 * self.gate.curvature)
        for value, product in products:
            k = len(units)
            if product.is_square:
                signs = [(1.0, 1.0, 1.0), (-1.0, -1.0, 1.0)]
                # what σ(b) is in the arithmetic of the network, as its neurons have it
                with torch.no_grad():
                    still = float(self.activation(torch.tensor([self.gate.bias], dtype=self.gate.dtype)))
                constant = -2 * still * weight
            else:
                signs = [(1.0, 1.0, 1.0), (-1.0, -1.0, 1.0), (1.0, -1.0, -1.0), (-1.0, 1.0, -1.0)]
                constant = 0.0
            for left, right, _ in signs:
                weights = _added(product.left, left * self.gate.scale, product.right, right * self.gate.scale)
                units.append((weights, self.gate.bias))
            hidden = {k + i: sign * weight for i, (_, _, sign) in enumerate(signs)}
            reads.append(Read((value, ""), hidden=hidden, constant=constant))
        return [Stage(tuple(units), tuple(reads))]


@dataclass(frozen=True)
class Sawtooth(Multiplier):
    r"""Squares from sawteeth, t² ≈ |t| − Σ_{k=1}^m g_k(|t|)/4^k for |t| ≤ 1, and xy = ((x+y)/2)² − ((x−y)/2)².

    g_k is the tent g(t) = 2t − 4 ReLU(t − ½) applied k times, and the sum interpolates t² at multiples of 2^−m: it is
    too large, by at most 2^(−2m−2). As values are carried along linear lanes a tooth needs one unit, not three, and
    |t| = ReLU(t) + ReLU(−t) two more: m + 3 units for a square in m hidden layers.

    Parameters
    ----------
    teeth
        m.
    dtype
        Arithmetic of the network.
    """

    teeth: int
    dtype: torch.dtype = torch.float64
    activation: nn.Module = nn.ReLU()  # noqa: RUF009 (it has no state)

    def bound(self, radius: float, summands: int) -> float:
        unit = torch.finfo(self.dtype).eps / 2
        return self.usual(radius, summands) + (24 + 2 * summands) * unit * radius**2

    def usual(self, radius: float, summands: int) -> float:
        beyond = max(radius - 1, 0.0)  # there the sum goes on as a line, 1 + (2 − 2^−m)(t − 1)
        return 2.0 ** (-2 * self.teeth - 2) + beyond**2 + 2.0**-self.teeth * beyond

    def stages(self, products: Sequence[tuple[int, Product]], kept: Sequence[int]) -> list[Stage]:
        chains: list[tuple[Label, Combination, float, Combination, float]] = []
        for value, p in products:
            if p.is_square:
                chains.append(((value, "+"), p.left, 1.0, (), 0.0))
            else:
                chains.append(((value, "+"), p.left, 0.5, p.right, 0.5))
                chains.append(((value, "-"), p.left, 0.5, p.right, -0.5))
        units: list[Unit] = []
        reads = [*waiting(kept)]
        for label, left, a, right, b in chains:
            k = len(units)
            for sign in (1.0, -1.0):
                weights = _added(left, sign * a, right, sign * b)
                units += [(weights, 0.0), (weights, -0.5)]
            # |t| are units k and k+2; the tent 2|t| − 4 ReLU(|t| − ½), and |t| less a fourth of it
            reads.append(Read(_tent(label), hidden={k: 2.0, k + 2: 2.0, k + 1: -4.0, k + 3: -4.0}))
            reads.append(Read(_sum(label), hidden={k: 0.5, k + 2: 0.5, k + 1: 1.0, k + 3: 1.0}))
        found = [Stage(tuple(units), tuple(reads))]
        for tooth in range(2, self.teeth + 1):
            units, reads = [], [*waiting(kept)]
            for label, *_ in chains:
                k = len(units)
                units.append(({(_tent(label), _still(chains)): 1.0}, -0.5))
                reads.append(Read(_tent(label), {_tent(label): 2.0}, {k: -4.0}))
                part = 4.0**-tooth
                reads.append(Read(_sum(label), {_sum(label): 1.0, _tent(label): -2 * part}, {k: 4 * part}))
            found.append(Stage(tuple(units), tuple(reads)))
        return [*found[:-1], _joined(found[-1], products, kept)]


def _joined(last: Stage, products: Sequence[tuple[int, Product]], kept: Sequence[int]) -> Stage:
    """The last stage with the products themselves for what they are the differences of."""
    sums = {read.label: read for read in last.reads}
    reads = [*waiting(kept)]
    for value, product in products:
        plus = sums[_sum((value, "+"))]
        if product.is_square:
            reads.append(replace(plus, label=(value, "")))
            continue
        less = sums[_sum((value, "-"))]
        carried = plus.carried | {label: -w for label, w in less.carried.items()}
        hidden = plus.hidden | {unit: -w for unit, w in less.hidden.items()}
        reads.append(Read((value, ""), carried, hidden))
    return Stage(last.units, tuple(reads))


def _tent(label: Label) -> Label:
    return label[0], label[1] + " tent"


def _sum(label: Label) -> Label:
    return label[0], label[1] + " sum"


def _still(chains: Sequence[tuple[Label, Combination, float, Combination, float]]) -> tuple[int, ...]:
    """No steps, along as many axes as there are."""
    return (0,) * len(chains[0][1][0][0][1])


def _added(
    left: Combination, a: float, right: Combination, b: float
) -> dict[tuple[Label, tuple[int, ...]], float]:
    found: dict[tuple[Label, tuple[int, ...]], float] = {}
    for side, factor in ((left, a), (right, b)):
        for place, weight in side:
            found[at(place)] = found.get(at(place), 0.0) + factor * weight
    return found


@lru_cache(maxsize=4096)
def _terms(gate: Gate, radius: float) -> GateTerms:
    return gate_terms(replace(gate, radius=radius))

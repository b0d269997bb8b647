"""Block spins of a 4 × 4 torus by the sum over all configurations, ties and all: site by site, with no fit."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def configurations(sites: int) -> NDArray[np.int8]:
    """All of them, (2^N, N)."""
    return np.array(list(itertools.product((1, -1), repeat=sites)), np.int8)


def operator_sums(spins: NDArray[np.int8], side: int) -> dict[str, Values]:
    """Each operator on a square torus, a product at a time, with (row, column) spelt out."""

    def s(row: int, column: int) -> Values:
        return spins[:, (row % side) * side + column % side].astype(float)

    found = {
        name: np.zeros(len(spins))
        for name in ("spin", "neighbour", "diagonal", "plaquette", "two_apart", "knight", "corner", "row")
    }
    for r, c in itertools.product(range(side), repeat=2):
        a, right, down, both = s(r, c), s(r, c + 1), s(r + 1, c), s(r + 1, c + 1)
        found["spin"] += a
        found["neighbour"] += a * right + a * down
        found["diagonal"] += a * both + right * down
        found["plaquette"] += a * right * down * both
        found["two_apart"] += a * s(r, c + 2) + a * s(r + 2, c)
        found["knight"] += a * s(r + 1, c + 2) + a * s(r + 2, c + 1)
        found["knight"] += a * s(r + 1, c - 2) + a * s(r + 2, c - 1)
        found["corner"] += a * right * down + a * right * both + a * down * both + right * down * both
        found["row"] += a * right * s(r, c + 2) + a * down * s(r + 2, c)
    return found


def majority(fine: NDArray[np.int8]) -> Values:
    """P(μ|s) of 2 × 2 blocks of a 4 × 4 torus: half for each sign where a block has a tie, (2^16, 2^4)."""
    blocks = [[(2 * R + r) * 4 + 2 * C + c for r in (0, 1) for c in (0, 1)] for R in (0, 1) for C in (0, 1)]
    up = [(1 + np.sign(fine[:, block].sum(1, dtype=int))) / 2 for block in blocks]
    found = np.ones((len(fine), 16))
    for k, μ in enumerate(configurations(4)):
        for block, sign in enumerate(μ):
            found[:, k] *= up[block] if sign == 1 else 1 - up[block]
    return found


def stack(found: dict[str, Values], names: Sequence[str]) -> Values:
    return np.stack([found[name] for name in names], 1)


class Torus:
    """P(s) ∝ e^{K S_neighbour + Σ k_a S_a} on 4 × 4 sites and P(μ) = Σ_s P(μ|s) P(s) on its four blocks.

    Parameters
    ----------
    names
        Of the S_a.
    K
        Of neighbours.
    """

    def __init__(self, names: Sequence[str], K: float) -> None:
        self.K = K
        self.fine, self.coarse = configurations(16), configurations(4)
        sums = operator_sums(self.fine, 4)
        self.before, self.after = stack(sums, names), stack(operator_sums(self.coarse, 2), names)
        self.weight = np.exp(K * sums["neighbour"])
        self.rule = majority(self.fine)

    def distribution(self, k: Values | float = 0.0) -> Values:
        weight = self.weight * np.exp(self.before @ (k + np.zeros(self.before.shape[1])))
        return weight / weight.sum()

    def matrix(self) -> Values:
        """T by the chain rule, each derivative by a complex step: of ⟨S(μ)⟩ by K, and by couplings after the step."""
        count = self.before.shape[1]
        start = self.distribution() @ self.rule

        def by_fine(k: Values) -> Values:
            return self.distribution(k) @ self.rule @ self.after

        def by_coarse(k: Values) -> Values:
            weight = start * np.exp(self.after @ k)
            return weight @ self.after / weight.sum()

        return np.linalg.solve(slopes(by_coarse, count), slopes(by_fine, count))

    def couplings(self) -> Values:
        """K of the block spins: ln P(μ) as a sum of their operators and a constant, which has to be exact."""
        logarithm = np.log(self.distribution() @ self.rule)
        columns = np.column_stack([self.after, np.ones(16)])
        found, *_ = np.linalg.lstsq(columns, logarithm, rcond=None)
        assert np.allclose(columns @ found, logarithm, atol=1e-10)
        return np.asarray(found[:-1])


def slopes(function: Callable[[Values], Values], count: int) -> Values:
    """∂f_a/∂k_b at 0, (a, b): Im f(iε)/ε, which nothing is subtracted for."""
    return np.stack([function(1e-30j * unit).imag / 1e-30 for unit in np.eye(count)], 1)

"""A Markov chain of letters, cause to effect, with its exact distributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from lensmaker.core import InputError

Floats = NDArray[np.float64]

LARGEST = 2**26
"""Numbers of the largest matrix that is made, 512 MiB."""


@dataclass(frozen=True, eq=False)
class MarkovChain:
    """Letters y₀ → y₁ → … → y_n, each drawn given the one before it alone.

    Attributes
    ----------
    first
        P(y₀), (a₀,).
    steps
        P(y_{i+1} | y_i), (a_i, a_{i+1}) each; rows sum to one.

    Raises
    ------
    InputError
        If they are not probabilities, or do not fit each other.

    Examples
    --------
    >>> flip = [[0.9, 0.1], [0.1, 0.9]]
    >>> chain = MarkovChain.of([0.5, 0.5], [flip, flip])
    >>> chain.joint(2).round(4).tolist()
    [[0.41, 0.09], [0.09, 0.41]]
    """

    first: Floats
    steps: tuple[Floats, ...]

    def __post_init__(self) -> None:
        sizes = [self.first.shape, *(step.shape for step in self.steps)]
        fit = self.first.ndim == 1 and all(
            step.ndim == 2 and step.shape[0] == before[-1]
            for before, step in zip(sizes, self.steps, strict=False)
        )
        if not fit or not self.steps:
            got = " and ".join(map(str, sizes))
            raise InputError("P(y₀) and matrices (a_i, a_{i+1}) that fit each other", got, "make them alike")
        for rows in (self.first[None], *self.steps):
            if not (np.isfinite(rows).all() and (rows >= 0).all() and np.allclose(rows.sum(1), 1, atol=1e-9)):
                raise InputError(
                    "rows of probabilities that sum to one", "others", "divide each row by its sum"
                )
        if max(self.sizes) * max(self.first.size, *self.sizes) > LARGEST:
            got = f"{max(self.sizes)}"
            raise InputError(f"alphabets whose product is at most {LARGEST}", got, "use smaller alphabets")

    @classmethod
    def of(cls, first: ArrayLike, steps: Sequence[ArrayLike]) -> MarkovChain:
        """From lists or arrays."""
        return cls(np.asarray(first, np.float64), tuple(np.asarray(step, np.float64) for step in steps))

    @property
    def length(self) -> int:
        """How many steps: n."""
        return len(self.steps)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of the alphabets, a₀ … a_n."""
        return (len(self.first), *(step.shape[1] for step in self.steps))

    def marginal(self, i: int) -> Floats:
        """P(y_i), (a_i,)."""
        return np.asarray(reduce(np.matmul, self.steps[:i], self.first))

    def forward(self, i: int, j: int) -> Floats:
        """P(y_j | y_i) for j ≥ i, (a_i, a_j)."""
        return np.asarray(reduce(np.matmul, self.steps[i:j], np.eye(self.sizes[i])))

    def joint(self, j: int, i: int = 0) -> Floats:
        """P(y_i, y_j) for j ≥ i, (a_i, a_j)."""
        return self.marginal(i)[:, None] * self.forward(i, j)

    def posterior(self, i: int) -> Floats:
        """P(y_i | y_n), (a_n, a_i); rows of letters that never come are nan."""
        joint = self.joint(self.length, i).T
        with np.errstate(invalid="ignore"):
            return np.asarray(joint / joint.sum(1, keepdims=True))

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Letters, int64 (n, length + 1)."""
        rows = [_drawn(torch.from_numpy(self.first).expand(n, -1), generator)]
        for step in self.steps:
            rows.append(_drawn(torch.from_numpy(step)[rows[-1]], generator))
        return torch.stack(rows, 1)

    def __str__(self) -> str:
        return "Markov chain of " + " → ".join(map(str, self.sizes)) + " letters"


def _drawn(rows: Tensor, generator: torch.Generator) -> Tensor:
    """A letter of each row of probabilities."""
    edges = rows.cumsum(1)
    u = torch.rand(len(rows), 1, dtype=rows.dtype, generator=generator) * edges[:, -1:]
    return torch.searchsorted(edges, u, right=True).squeeze(1).clamp(max=rows.shape[1] - 1)


def with_irrelevance(chain: MarkovChain, copies: Sequence[int]) -> MarkovChain:
    """A chain with the same causes whose letters say more than they know: each y_i is one of so many synonyms.

    Parameters
    ----------
    copies
        Synonyms of each letter of y₁ … y_n, drawn evenly and anew; letter a becomes a·copies + 0 … copies − 1.

    Raises
    ------
    InputError
        If there are not as many numbers as steps, or one is below 1.

    Examples
    --------
    >>> clean = MarkovChain.of([0.5, 0.5], [[[0.9, 0.1], [0.2, 0.8]]])
    >>> with_irrelevance(clean, [3]).sizes
    (2, 6)
    """
    if len(copies) != chain.length or min(copies, default=1) < 1:
        raise InputError(f"{chain.length} numbers of 1 or more", f"{list(copies)}", "pass one for each step")
    steps, before = [], 1
    for step, many in zip(chain.steps, copies, strict=True):
        steps.append(np.kron(step, np.full((before, many), 1 / many)))
        before = many
    return MarkovChain(chain.first, tuple(steps))

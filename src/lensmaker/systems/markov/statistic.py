"""Statistics of a letter: which letters are told apart, and what of a cause is lost where they are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.markov.chain import MarkovChain

Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Statistic:
    """A function T of the last letter of a chain.

    Attributes
    ----------
    chain
        Whose letter it is.
    labels
        T(y_n) for each letter y_n, (a_n,), from 0 on.
    name
        What it is called.

    Raises
    ------
    InputError
        If there is not one label for each letter.
    """

    chain: MarkovChain
    labels: Labels
    name: str = "statistic"

    def __post_init__(self) -> None:
        letters = self.chain.sizes[-1]
        if self.labels.shape != (letters,) or self.labels.min() < 0:
            raise InputError(
                f"a label of 0 or more for each of {letters} letters", f"{self.labels.shape}", "number them"
            )

    @property
    def size(self) -> int:
        """How many values it takes."""
        return len(np.unique(self.labels))


def truncated(chain: MarkovChain, values: int) -> Statistic:
    """A statistic of few values: letters are joined in pairs, always those whose union loses least of I(y₀; T).

    The loss of a union of weights p, q with posteriors a, b is (p + q)·JS, the Jensen–Shannon divergence with these
    weights.

    Raises
    ------
    InputError
        If there are fewer letters than values, or no value.

    References
    ----------
    N. Slonim, N. Tishby, Adv. Neural Inf. Process. Syst. 12, 617 (1999).

    Examples
    --------
    >>> chain = MarkovChain.of([0.5, 0.5], [[[0.4, 0.4, 0.1, 0.1], [0.1, 0.1, 0.4, 0.4]]])
    >>> truncated(chain, 2).labels.tolist()
    [0, 0, 1, 1]
    """
    letters = chain.sizes[-1]
    if not 1 <= values <= letters:
        raise InputError(f"1 to {letters} values", f"{values}", "pass truncated(chain, 2)")
    weights = list(chain.joint(chain.length).T)  # of each group, P(y₀, T)
    groups = [[y] for y in range(letters)]
    while len(groups) > values:
        pairs = [(a, b) for b in range(len(groups)) for a in range(b)]
        loss = [_kept(weights[a]) + _kept(weights[b]) - _kept(weights[a] + weights[b]) for a, b in pairs]
        a, b = pairs[int(np.argmin(loss))]
        weights[a] = weights[a] + weights.pop(b)
        groups[a] += groups.pop(b)
    labels = np.empty(letters, np.int64)
    for number, group in enumerate(sorted(map(sorted, groups))):
        labels[group] = number
    return Statistic(chain, labels, f"{values} values")


def _kept(column: NDArray[np.float64]) -> float:
    """Σ p ln p − (Σp) ln Σp of one value: its part of −H(y₀|T)."""
    known = column[column > 0]
    return float((known * np.log(known)).sum() - known.sum() * np.log(known.sum())) if len(known) else 0.0


@dataclass(frozen=True, eq=False)
class Seen:
    """Letters of a chain that were drawn, and a statistic of the last one.

    Attributes
    ----------
    statistic
        Of the last letter.
    letters
        int64 (n, length + 1), independent rows.

    Raises
    ------
    InputError
        If the rows do not fit the chain.
    """

    statistic: Statistic
    letters: Tensor

    def __post_init__(self) -> None:
        sizes = self.statistic.chain.sizes
        if self.letters.ndim != 2 or self.letters.shape[1] != len(sizes) or not len(self.letters):
            got = f"{tuple(self.letters.shape)}"
            raise InputError(f"rows of {len(sizes)} letters", got, "pass chain.sample(n, generator)")
        if (self.letters < 0).any() or (self.letters >= torch.tensor(sizes)).any():
            raise InputError(f"letters below {sizes}", "others", "pass chain.sample(n, generator)")

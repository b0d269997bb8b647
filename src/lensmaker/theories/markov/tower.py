"""The tower of minimal sufficient statistics: P(y₀ | y_n) as a composition of one function a level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import InputError
from lensmaker.systems.markov.chain import Floats, MarkovChain

Labels = NDArray[np.int64]

ALIKE = 1e-9
"""Largest difference of two posteriors that are said to be one."""


@dataclass(frozen=True, eq=False)
class Tower:
    """T_i, the minimal sufficient statistic of y_n for y_i, level by level, and what leads from one to the next.

    Attributes
    ----------
    statistics
        T_i(y_n) for each letter y_n, (a_n,) each, of the levels i = 0 … n − 1; −1 for letters that never come.
    maps
        f_i with T_{i−1} = f_i(T_i), of the levels i = 1 … n − 1.
    posterior
        f₀: P(y₀ | T₀), (values, a₀).
    """

    statistics: tuple[Labels, ...]
    maps: tuple[Labels, ...]
    posterior: Floats

    @property
    def sizes(self) -> tuple[int, ...]:
        """Values of each T_i."""
        return tuple(int(labels.max()) + 1 for labels in self.statistics)

    def infer(self, letters: Labels) -> Floats:
        """(f₀ ∘ f₁ ∘ … ∘ f_n)(y_n), with f_n the statistic T_{n−1}: P(y₀ | y_n), (n, a₀).

        Raises
        ------
        InputError
            If a letter never comes.
        """
        values = self.statistics[-1][letters]
        if (values < 0).any():
            raise InputError("letters that can come", "one of probability 0", "leave it out")
        for level in reversed(self.maps):
            values = level[values]
        return np.asarray(self.posterior[values])


def tower(chain: MarkovChain) -> Tower:
    """The tower of a chain.

    Two letters y_n have the same T_i if P(y_i | y_n) is the same. They then have the same T_{i−1} too, as
    P(y_{i−1} | y_n) = Σ P(y_{i−1} | y_i) P(y_i | y_n): so there is f_i.

    Examples
    --------
    >>> from lensmaker.systems.markov import with_irrelevance
    >>> flip = [[0.9, 0.1], [0.2, 0.8]]
    >>> found = tower(with_irrelevance(MarkovChain.of([0.5, 0.5], [flip, flip]), [4, 3]))
    >>> found.sizes, found.infer(np.array([0])).round(4).tolist()
    ((2, 2), [[0.7094, 0.2906]])
    """
    can_come = chain.marginal(chain.length) > 0
    posteriors = [chain.posterior(i)[can_come] for i in range(chain.length)]
    classes = [_classes(rows) for rows in posteriors]
    for low in reversed(range(len(classes) - 1)):  # rounding must not split what a level above holds together
        classes[low] = _classes(_mean_of_each(posteriors[low], classes[low + 1]))[classes[low + 1]]
    maps = [_map(classes[i], classes[i - 1]) for i in range(1, len(classes))]
    statistics = []
    for labels in classes:
        whole = np.full(chain.sizes[-1], -1, np.int64)
        whole[can_come] = labels
        statistics.append(whole)
    return Tower(tuple(statistics), tuple(maps), _mean_of_each(posteriors[0], classes[0]))


def _classes(rows: Floats) -> Labels:
    """A number for each row, the same where rows are alike, in the order of their first coming."""
    kept: list[Floats] = []
    labels = np.empty(len(rows), np.int64)
    for k, row in enumerate(rows):
        far = np.abs(np.array(kept) - row).max(1) if kept else np.array([np.inf])
        nearest = int(far.argmin())
        if far[nearest] > ALIKE:
            nearest = len(kept)
            kept.append(row)
        labels[k] = nearest
    return labels


def _mean_of_each(rows: Floats, labels: Labels) -> Floats:
    """Mean of the rows of each class."""
    sums = np.zeros((labels.max() + 1, rows.shape[1]))
    np.add.at(sums, labels, rows)
    return np.asarray(sums / np.bincount(labels)[:, None])


def _map(fine: Labels, coarse: Labels) -> Labels:
    """Class of the coarse partition that each class of the fine one is in."""
    out = np.empty(fine.max() + 1, np.int64)
    out[fine] = coarse
    return out

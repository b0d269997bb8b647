"""The tower against posteriors by enumeration, and its information against sums over words."""

from __future__ import annotations

import numpy as np
import pytest

from exact.markov import kept, random_chain, words
from lensmaker.core import InputError
from lensmaker.systems.markov import MarkovChain, Statistic, truncated, with_irrelevance
from lensmaker.theories.markov.distillation import Distillation
from lensmaker.theories.markov.tower import tower


def posterior(chain: MarkovChain, letter: int) -> np.ndarray:
    """P(y₀ | y_n) by sums over words."""
    p = np.zeros(chain.sizes[0])
    for word, weight in words(chain).items():
        if word[-1] == letter:
            p[word[0]] += weight
    return p / p.sum()


NARROW = MarkovChain.of(
    [0.2, 0.3, 0.5],
    [
        [[0.7, 0.1, 0.1, 0.1], [0.1, 0.5, 0.2, 0.2], [0.1, 0.1, 0.4, 0.4]],
        [[0.9, 0.1], [0.3, 0.7], [0.2, 0.8], [0.2, 0.8]],
        [[0.6, 0.2, 0.2, 0.0], [0.1, 0.45, 0.45, 0.0]],
    ],
)
"""Levels of 3, 4, 2 and 4 letters: two of the last are one to all causes, and one never comes."""


@pytest.mark.parametrize(
    "chain",
    [
        random_chain((2, 3, 4)),
        random_chain((3, 2, 5, 4), seed=3),
        with_irrelevance(random_chain((2, 3, 2), seed=1), [2, 3]),
        NARROW,
    ],
    ids=str,
)
def test_the_composition_is_the_posterior_and_keeps_all_information(chain: MarkovChain) -> None:
    found = tower(chain)
    letters = np.flatnonzero(chain.marginal(chain.length) > 0)
    exact = np.stack([posterior(chain, int(letter)) for letter in letters])
    np.testing.assert_allclose(found.infer(letters), exact, atol=1e-12)
    whole = kept(chain, tuple(range(chain.sizes[-1])))
    predictions = Distillation().predict(truncated(chain, 1))
    for row in predictions.select(quantity="kept_information"):
        if row.where.path == "tower":
            assert row.value == pytest.approx(whole, abs=1e-12)
        if row.where.path == "statistic":
            assert row.value == pytest.approx(0, abs=1e-12)
    assert all(a <= b for a, b in zip(found.sizes, found.sizes[1:], strict=False))


def test_statistics_are_minimal() -> None:
    """Synonyms are one value, and what differs is told apart."""
    assert tower(NARROW).sizes == (2, 2, 2)
    assert tower(NARROW).statistics[0].tolist() == [0, 1, 1, -1]
    assert tower(random_chain((2, 3, 4))).sizes == (4, 4)
    assert tower(with_irrelevance(random_chain((2, 3, 2), seed=1), [2, 3])).sizes == (2, 2)
    with pytest.raises(InputError, match="letters that can come"):
        tower(NARROW).infer(np.array([3]))


def test_a_cause_may_need_fewer_values_than_what_lies_between() -> None:
    """Three letters of y₁, of which two mean the same to y₀: T₁ has three values, T₀ two."""
    first = [[0.8, 0.1, 0.1], [0.2, 0.4, 0.4]]
    chain = MarkovChain.of([0.5, 0.5], [first, np.eye(3) * 0.7 + 0.1])
    found = tower(chain)
    assert found.sizes == (2, 3)
    assert found.maps[0].tolist() == [0, 1, 1]


def test_levels_and_statistics_against_sums_over_words() -> None:
    chain = random_chain((3, 2, 4), seed=5)
    statistic = Statistic(chain, np.array([0, 0, 1, 2]), "mine")
    found = {
        str(p.where): p.value for p in Distillation().predict(statistic).select(quantity="kept_information")
    }
    assert found["statistic:mine"] == pytest.approx(kept(chain, (0, 0, 1, 2)), rel=1e-12)
    first = MarkovChain(chain.first, chain.steps[:1])
    assert found["level[level=1]"] == pytest.approx(kept(first, (0, 1)), rel=1e-12)
    assert found["level[level=2]"] == pytest.approx(kept(chain, (0, 1, 2, 3)), rel=1e-12)
    assert found["level[level=1]"] > found["level[level=2]"] > found["statistic:mine"] > 0
    sizes = {
        str(p.where): p.value for p in Distillation().predict(statistic).select(quantity="statistic_size")
    }
    assert sizes["statistic:mine"] == 3

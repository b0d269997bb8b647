"""Chains against enumeration of all their words, and samples against both."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from exact.markov import kept, random_chain, words
from lensmaker.core import InputError
from lensmaker.systems.markov import MarkovChain, Seen, Statistic, truncated, with_irrelevance


def test_distributions_are_sums_over_words() -> None:
    chain = random_chain((2, 3, 4, 3))
    every = words(chain)
    for i, j in ((0, 3), (1, 3), (0, 1), (2, 2)):
        joint = np.zeros((chain.sizes[i], chain.sizes[j]))
        for word, p in every.items():
            joint[word[i], word[j]] += p
        np.testing.assert_allclose(chain.joint(j, i), joint, rtol=1e-12)
        if j == 3:
            np.testing.assert_allclose(chain.posterior(i), (joint / joint.sum(0)).T, rtol=1e-12)


def test_samples_have_the_frequencies_of_words() -> None:
    """χ² over all words; false alarm 1 in 10,000."""
    from scipy.stats import chi2

    chain, n = random_chain((2, 3, 2)), 40_000
    rows = chain.sample(n, torch.Generator().manual_seed(0)).tolist()
    every = words(chain)
    counts = dict.fromkeys(every, 0)
    for row in rows:
        counts[tuple(row)] += 1
    statistic = sum((counts[w] - n * p) ** 2 / (n * p) for w, p in every.items())
    assert statistic < chi2.isf(1e-4, len(every) - 1)
    again = chain.sample(n, torch.Generator().manual_seed(0)).tolist()
    assert rows == again


def test_letters_that_cannot_come_do_not() -> None:
    chain = MarkovChain.of([1.0, 0.0], [[[0.0, 0.5, 0.0, 0.5, 0.0], [1.0, 0, 0, 0, 0]]])
    rows = chain.sample(2000, torch.Generator().manual_seed(0))
    assert set(rows[:, 1].tolist()) == {1, 3}
    assert np.isnan(chain.posterior(0)[0]).all()


def test_synonyms_know_nothing_more() -> None:
    chain = random_chain((2, 3, 2), seed=1)
    wide = with_irrelevance(chain, [2, 5])
    assert wide.sizes == (2, 6, 10)
    np.testing.assert_allclose(wide.posterior(0), np.repeat(chain.posterior(0), 5, axis=0), rtol=1e-12)
    np.testing.assert_allclose(wide.joint(2).reshape(2, 2, 5).sum(2), chain.joint(2), rtol=1e-12)
    with pytest.raises(InputError, match="2 numbers of 1 or more"):
        with_irrelevance(chain, [2])


def test_the_last_union_is_the_one_that_loses_least() -> None:
    """Of four letters with one pair to join, against all six; and a statistic never gains."""
    for seed in range(5):
        chain = random_chain((3, 4), seed)
        found = truncated(chain, 3)
        assert found.size == 3
        choices = []
        for a, b in itertools.combinations(range(4), 2):
            choices.append(kept(chain, tuple(a if y == b else y for y in range(4))))
        assert kept(chain, tuple(found.labels)) == pytest.approx(max(choices), rel=1e-12)
        assert kept(chain, tuple(truncated(chain, 2).labels)) < max(choices) < kept(chain, (0, 1, 2, 3))
        assert truncated(chain, 4).size == 4


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="rows of probabilities that sum to one"):
        MarkovChain.of([0.5, 0.6], [np.eye(2)])
    with pytest.raises(InputError, match="rows of probabilities"):
        MarkovChain.of([0.5, 0.5], [[[math.nan, 1], [0, 1]]])
    with pytest.raises(InputError, match="that fit each other"):
        MarkovChain.of([0.5, 0.5], [np.eye(3)])
    with pytest.raises(InputError, match="that fit each other"):
        MarkovChain.of([1.0], [])
    with pytest.raises(InputError, match="smaller alphabets"):
        MarkovChain(np.array([1.0]), (np.full((1, 9000), 1 / 9000),))
    chain = random_chain((2, 3))
    with pytest.raises(InputError, match="1 to 3 values"):
        truncated(chain, 4)
    with pytest.raises(InputError, match="a label of 0 or more for each of 3 letters"):
        Statistic(chain, np.array([0, 1]))
    good = Statistic(chain, np.array([0, 1, 1]))
    with pytest.raises(InputError, match="rows of 2 letters"):
        Seen(good, torch.zeros(5, 3, dtype=torch.int64))
    with pytest.raises(InputError, match="letters below"):
        Seen(good, torch.full((5, 2), 2))

"""Chains of letters by sums over all their words."""

from __future__ import annotations

import itertools
import math

import numpy as np

from lensmaker.systems.markov import MarkovChain


def random_chain(sizes: tuple[int, ...], seed: int = 0) -> MarkovChain:
    rng = np.random.default_rng(seed)
    steps = [rng.dirichlet(np.ones(b), size=a) for a, b in itertools.pairwise(sizes)]
    return MarkovChain.of(rng.dirichlet(np.ones(sizes[0])), steps)


def words(chain: MarkovChain) -> dict[tuple[int, ...], float]:
    """Every word with its probability, one product at a time."""
    out = {}
    for word in itertools.product(*map(range, chain.sizes)):
        p = float(chain.first[word[0]])
        for step, (a, b) in zip(chain.steps, itertools.pairwise(word), strict=True):
            p *= float(step[a, b])
        out[word] = p
    return out


def kept(chain: MarkovChain, labels: tuple[int, ...]) -> float:
    """I(y₀; T) by sums over words."""
    joint: dict[tuple[int, int], float] = {}
    for word, p in words(chain).items():
        key = word[0], labels[word[-1]]
        joint[key] = joint.get(key, 0.0) + p
    x = {a: sum(p for (b, _), p in joint.items() if b == a) for a, _ in joint}
    t = {a: sum(p for (_, b), p in joint.items() if b == a) for _, a in joint}
    return sum(p * math.log(p / x[a] / t[b]) for (a, b), p in joint.items() if p)

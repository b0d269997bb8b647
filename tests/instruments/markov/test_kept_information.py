"""Counted information against the theory's, for whole levels and for truncated statistics."""

from __future__ import annotations

import pytest
import torch

from exact.markov import random_chain
from lensmaker.core import Convergence, compare
from lensmaker.instruments.markov import KeptInformation
from lensmaker.systems.markov import Seen, truncated
from lensmaker.theories.markov.distillation import Distillation


@pytest.mark.parametrize("values", [2, 3, 6])
def test_what_is_counted_is_what_is_predicted(values: int) -> None:
    """Three numbers each within four standard errors: false alarm 1 in 5,000 a case."""
    chain = random_chain((3, 4, 6), seed=values)
    statistic = truncated(chain, values)
    rows = chain.sample(60_000, torch.Generator().manual_seed(values))
    pairs, _, alone = compare(
        Distillation().predict(statistic), KeptInformation().measure(Seen(statistic, rows))
    )
    assert not len(alone)
    assert [str(pair.measurement.where) for pair in pairs] == [
        "level[level=1]",
        "level[level=2]",
        f"statistic:{values} values",
    ]
    for pair in pairs:
        predicted, measured = pair.prediction, pair.measurement
        assert measured.convergence is Convergence.CONVERGED
        assert abs(measured.value - predicted.value) < 4 * measured.error
        assert measured.error < 0.02 * pairs[0].prediction.value

"""The estimator keeps to scikit-learn's conventions, and stands in a pipeline where BernoulliRBM stood."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import BernoulliRBM as Peer
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from lensmaker.core import InputError
from lensmaker.data import digits
from lensmaker.systems.boltzmann.estimator import BernoulliRBM


class Squeezed(BernoulliRBM):
    """As it is, but for data of any size, which the checks are made of: they go through 1/(1 + e^{−x}) first."""

    def _probabilities(self, X: np.ndarray) -> np.ndarray:
        return super()._probabilities(expit(X))


@parametrize_with_checks([Squeezed(n_components=3, n_iter=2)])
def test_conventions(estimator: Any, check: Any) -> None:
    check(estimator)


def probabilities(n: int = 60, size: int = 6) -> np.ndarray:
    return np.random.default_rng(0).random((n, size))


def test_it_takes_the_place_of_bernoulli_rbm_in_a_pipeline() -> None:
    """On digits, with the same settings: as good as scikit-learn's within five percent."""
    data = digits()
    x = data.x.flatten(1).numpy() / data.x.max().item()
    y, scores = data.y.numpy(), []
    for kind in (BernoulliRBM, Peer):
        rbm = kind(n_components=64, learning_rate=0.06, n_iter=8, random_state=0)
        pipe = make_pipeline(rbm, LogisticRegression(max_iter=400)).fit(x[:1200], y[:1200])
        scores.append(pipe.score(x[1200:], y[1200:]))
    assert scores[0] > scores[1] - 0.05
    assert scores[0] > 0.7


def test_attributes_are_those_of_the_peer() -> None:
    x = probabilities()
    own, peer = (k(n_components=4, n_iter=2, random_state=0).fit(x) for k in (BernoulliRBM, Peer))
    for name in ("components_", "intercept_hidden_", "intercept_visible_"):
        assert getattr(own, name).shape == getattr(peer, name).shape
    assert own.get_feature_names_out().shape == (4,)
    peer.components_, peer.intercept_hidden_, peer.intercept_visible_ = (
        own.components_,
        own.intercept_hidden_,
        own.intercept_visible_,
    )
    assert own.transform(x) == pytest.approx(peer.transform(x), rel=1e-12)
    assert own.score_samples(x).shape == peer.score_samples(x).shape == (60,)
    assert own.gibbs(x).shape == (60, 6)
    assert set(np.unique(own.gibbs(x))) <= {0.0, 1.0}


def test_equal_seeds_fit_alike_and_a_pickle_goes_on() -> None:
    x = (probabilities() < 0.4).astype(np.float32)
    one, two, other = (BernoulliRBM(4, n_iter=3, random_state=s).fit(x) for s in (0, 0, 1))
    assert np.array_equal(one.components_, two.components_)
    assert not np.array_equal(one.components_, other.components_)
    again = pickle.loads(pickle.dumps(one))
    assert np.array_equal(again.transform(x), one.transform(x))
    sparse = BernoulliRBM(4, n_iter=3, random_state=0).fit(csr_matrix(x))
    assert np.array_equal(sparse.components_, one.components_)
    part = BernoulliRBM(4, random_state=0)
    for _ in range(3):
        part.partial_fit(x)
    assert np.isfinite(part.components_).all()


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(InputError, match="values between 0 and 1, but got -1 to 2"):
        BernoulliRBM(3).fit(np.array([[-1.0, 2.0], [0.0, 1.0]]))
    with pytest.raises(InputError, match="n_components of 1 or more"):
        BernoulliRBM(0).fit(probabilities())
    with pytest.raises(InputError, match="a learning rate above 0"):
        BernoulliRBM(3, learning_rate=0.0).fit(probabilities())

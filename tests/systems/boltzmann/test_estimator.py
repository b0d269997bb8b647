"""The estimator keeps to scikit-learn's conventions, and stands in a pipeline where BernoulliRBM stood."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import BernoulliRBM as Peer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from lensmaker.core import InputError
from lensmaker.data import digits
from lensmaker.systems.boltzmann.estimator import BernoulliRBM


class Squeezed(BernoulliRBM):
    """As it is, but for data of any size, which the checks are made of: they go through 1/(1 + e^{−x}) first."""

    def _probabilities(self, X: np.ndarray, strict: bool) -> np.ndarray:
        return super()._probabilities(expit(X), strict)


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
    with pytest.raises(InputError, match=re.escape("got 0 to 1.00001: scale them")):
        BernoulliRBM(3).fit(np.array([[0.0, 1.00001], [0.0, 1.0]]))
    with pytest.raises(ValueError, match="Input X contains NaN"):
        BernoulliRBM(3).fit(probabilities()).gibbs(np.full((2, 6), np.nan))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("n_components", 0, "n_components a whole number of 1 or more, but got 0"),
        ("n_components", 4.5, "n_components a whole number of 1 or more, but got 4.5"),
        ("batch_size", 2.5, "batch_size a whole number of 1 or more, but got 2.5"),
        ("n_iter", None, "n_iter a whole number of 0 or more, but got None"),
        ("steps", "1", "steps a whole number of 1 or more, but got '1'"),
        ("learning_rate", 0.0, "a finite learning rate above 0, but got 0.0"),
        ("learning_rate", np.nan, "a finite learning rate above 0, but got nan"),
        ("learning_rate", np.inf, "a finite learning rate above 0, but got inf"),
        ("learning_rate", None, "a finite learning rate above 0, but got None"),
    ],
)
def test_bad_parameters_are_one_sentence(name: str, value: Any, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        BernoulliRBM().set_params(**{name: value}).fit(probabilities())


def test_scaled_folds_are_taken_as_the_peer_takes_them() -> None:
    """A scaler leaves its own data 2e-16 above 1, and rows that it has not seen further out."""
    x = np.random.default_rng(3).normal(size=(90, 6)) * 30 + 7
    x[x[:, 0] > 30] += 20
    beyond = MinMaxScaler().fit_transform(x)
    beyond[0, 0] = 1 + 2.2e-16
    model = BernoulliRBM(3, n_iter=1, random_state=0).fit(beyond)
    far = np.where(beyond > 0.5, 1.3, -0.2)
    assert np.array_equal(model.transform(far), model.transform((beyond > 0.5).astype(float)))
    assert np.array_equal(model.score_samples(far), model.score_samples((beyond > 0.5).astype(float)))
    pipe = make_pipeline(MinMaxScaler(), BernoulliRBM(3, n_iter=1, random_state=0), LogisticRegression())
    scores = cross_val_score(pipe, x, np.arange(90) % 2, cv=5, error_score="raise")
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(("learned", "given"), [("float64", "float32"), ("float32", "float64")])
def test_data_are_taken_in_the_precision_that_was_fitted(learned: str, given: str) -> None:
    x = probabilities()
    model = BernoulliRBM(3, n_iter=1, random_state=0).fit(x.astype(learned))
    assert model.transform(x.astype(given)).dtype == learned
    assert model.transform(x.astype(given)) == pytest.approx(model.transform(x.astype(learned)), rel=1e-5)
    assert model.score_samples(x.astype(given)).dtype == learned
    assert model.partial_fit(x.astype(given)).components_.dtype == learned


def test_a_training_that_diverges_says_so_and_keeps_the_last_good_machine() -> None:
    x = (probabilities(200) < 0.3).astype(np.float32)
    model = BernoulliRBM(4, n_iter=5, random_state=0, learning_rate=1e38, l2=0.1)
    with pytest.raises(InputError, match=re.escape("diverged at learning_rate=1e+38: lower it")):
        model.fit(x)
    assert np.isfinite(model.components_).all()
    assert np.isfinite(model.transform(x)).all()
    model = BernoulliRBM(4, random_state=0, l2=0.1).partial_fit(x).set_params(learning_rate=1e38)
    with pytest.raises(InputError, match="the last good machine is kept"):
        _ = [model.partial_fit(x) for _ in range(9)]
    assert np.isfinite(model.components_).all()
    with pytest.raises(InputError, match=re.escape("a finite learning rate above 0, but got 1e+300")):
        model.set_params(learning_rate=1e300).partial_fit(x)


@pytest.mark.parametrize("rate", [100.0, 1e5, 1e30])
def test_a_training_that_runs_away_in_finite_numbers_is_caught(rate: float) -> None:
    x = (probabilities(200) < 0.4).astype(float)
    model = BernoulliRBM(4, n_iter=3, learning_rate=rate, random_state=0)
    with pytest.raises(InputError, match="the last good machine is kept"):
        model.fit(x)
    assert model.score_samples(x).mean() > -x.shape[1]

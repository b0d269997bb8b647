"""The estimator keeps to scikit-learn's conventions, and stands in a pipeline where BernoulliRBM stood."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import BernoulliRBM as Peer
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from lensmaker.core import InputError
from lensmaker.data import digits
from lensmaker.systems.boltzmann.estimator import BernoulliRBM

NOT_PROBABILITIES = "the data of this check are not between 0 and 1"


def refused(estimator: Any) -> dict[str, str]:
    """Checks whose data are no probabilities: BernoulliRBM takes them, and this one says what is wrong."""
    return dict.fromkeys(
        (
            "check_estimators_dtypes",
            "check_fit_score_takes_y",
            "check_estimators_fit_returns_self",
            "check_readonly_memmap_input",
            "check_dtype_object",
            "check_estimators_pickle",
            "check_transformer_data_not_an_array",
            "check_transformer_general",
            "check_transformer_preserve_dtypes",
            "check_methods_sample_order_invariance",
            "check_methods_subset_invariance",
            "check_dict_unchanged",
            "check_fit_idempotent",
            "check_fit_check_is_fitted",
            "check_f_contiguous_array_estimator",
            "check_fit2d_predict1d",
            "check_fit2d_1sample",
            "check_fit2d_1feature",
            "check_estimator_sparse_array",
            "check_estimator_sparse_matrix",
            "check_estimator_sparse_tag",
            "check_pipeline_consistency",
            "check_n_features_in",
            "check_n_features_in_after_fitting",
            "check_dont_overwrite_attributes",
            "check_transformer_get_feature_names_out",
            "check_transformer_get_feature_names_out_pandas",
            "check_set_output_transform",
            "check_set_output_transform_pandas",
            "check_global_output_transform_pandas",
            "check_set_output_transform_polars",
            "check_global_set_output_transform_polars",
            "check_dataframe_column_names_consistency",
            "check_complex_data",
            "check_estimators_nan_inf",
            "check_positive_only_tag_during_fit",
            "check_estimators_overwrite_params",
            "check_transformers_unfitted",
            "check_estimators_unfitted",
            "check_sample_weights_pandas_series",
        ),
        NOT_PROBABILITIES,
    )


@parametrize_with_checks([BernoulliRBM(n_components=3, n_iter=2)], expected_failed_checks=refused)
def test_conventions(estimator: Any, check: Any) -> None:
    check(estimator)


def probabilities(n: int = 60, size: int = 6) -> np.ndarray:
    return np.random.default_rng(0).random((n, size))


def test_it_takes_the_place_of_bernoulli_rbm_in_a_pipeline() -> None:
    """On digits: as good as scikit-learn's within five percent, with the same settings."""
    data = digits()
    x = data.x.flatten(1).numpy() / data.x.max().item()
    y, scores = data.y.numpy(), []
    for kind in (BernoulliRBM, Peer):
        rbm = kind(n_components=64, learning_rate=0.06, n_iter=8, random_state=0)
        pipe = make_pipeline(rbm, LogisticRegression(max_iter=400)).fit(x[:1200], y[:1200])
        scores.append(pipe.score(x[1200:], y[1200:]))
    assert scores[0] > scores[1] - 0.05
    assert scores[0] > 0.8


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

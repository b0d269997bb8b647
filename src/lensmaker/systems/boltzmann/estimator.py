"""A machine of binary units as an estimator of scikit-learn, in place of its `BernoulliRBM`."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from lensmaker.core import InputError
from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.phases import PersistentContrastiveDivergence
from lensmaker.systems.boltzmann.training.monitor import LOST, pseudo_likelihood, whole_pseudo_likelihoods
from lensmaker.systems.boltzmann.training.restricted import RestrictedLearner
from lensmaker.systems.boltzmann.training.rows import Rows
from lensmaker.systems.boltzmann.training.rule import Rule

ROUNDING = 1e-6
"""How far beyond 0 and 1 data to learn from may be, as those of a scaler are."""

SEEN = 500
"""Rows that tell whether a training ran away."""

LEAST = {"n_components": 1, "batch_size": 1, "n_iter": 0, "steps": 1}
"""Parameters that are whole numbers, and the least of each."""


class BernoulliRBM(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Restricted Boltzmann machine of units 0 and 1, trained by persistent contrastive divergence.

    Parameters and attributes of `sklearn.neural_network.BernoulliRBM`, and four more parameters. Values between 0 and 1
    are taken for probabilities, as there. Data to learn from beyond them, as those of a StandardScaler, are refused,
    where scikit-learn takes any numbers; data that are not learned from may be beyond them, as rows that a MinMaxScaler
    has not seen are: they are taken for 0 and 1.

    Parameters
    ----------
    n_components
        Hidden units.
    learning_rate, batch_size, n_iter
        Of the training; passes over the data are n_iter.
    verbose
        Whether each pass prints a line.
    random_state
        As in scikit-learn.
    momentum, l2, centering, steps
        Of `Rule` and `PersistentContrastiveDivergence`.

    Attributes
    ----------
    components_
        W, (n_components, n_features).
    intercept_hidden_, intercept_visible_
        b and a.
    machine_
        The machine itself.

    Examples
    --------
    >>> X = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
    >>> BernoulliRBM(n_components=2, random_state=0).fit(X).transform(X).shape
    (4, 2)
    """

    def __init__(
        self,
        n_components: Any = 256,
        *,
        learning_rate: Any = 0.1,
        batch_size: Any = 10,
        n_iter: Any = 10,
        verbose: Any = 0,
        random_state: Any = None,
        momentum: Any = 0.0,
        l2: Any = 0.0,
        centering: Any = False,
        steps: Any = 1,
    ) -> None:
        self.n_components = n_components
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_iter = n_iter
        self.verbose = verbose
        self.random_state = random_state
        self.momentum = momentum
        self.l2 = l2
        self.centering = centering
        self.steps = steps

    def fit(self, X: Any, y: Any = None) -> BernoulliRBM:
        """Train a fresh machine on rows of X."""
        rows = self._rows(X, reset=True, strict=True)
        self._begin(rows)
        table = Rows(rows, len(rows))
        for epoch in range(self.n_iter):
            before = self._learner.state()
            for batch in table.batches(self._batch, seed=self._seed, epoch=epoch, skip=0, like=rows):
                self._learner.update(batch, self.learning_rate)
            self._keep_sound(before, rows)
            if self.verbose:
                score = float(self._scores(rows).mean())
                print(f"[{type(self).__name__}] Iteration {epoch + 1}, pseudo-likelihood = {score:.2f}")
        self._end()
        return self

    def partial_fit(self, X: Any, y: Any = None) -> BernoulliRBM:
        """One update from rows of X; the chains go on from the last one."""
        first = not hasattr(self, "machine_")
        rows = self._rows(X, reset=first, strict=True)
        if first:
            self._begin(rows)
        self._check(rows.dtype)
        before = self._learner.state()
        self._learner.update(rows, self.learning_rate)
        self._keep_sound(before, rows)
        self._end()
        return self

    def transform(self, X: Any) -> NDArray[Any]:
        """P(h = 1 | v) of each row, (n, n_components)."""
        check_is_fitted(self)
        rows = self._rows(X, reset=False)
        with torch.no_grad():
            return np.asarray(self.machine_.hidden.mean_(self.machine_.hidden_field(rows)).numpy())

    def gibbs(self, v: Any) -> NDArray[Any]:
        """The visible layer after one sweep from v."""
        check_is_fitted(self)
        rows = self._rows(v, reset=False)
        return np.asarray(self.machine_.gibbs(rows, 1, self._generator).numpy())

    def score_samples(self, X: Any) -> NDArray[Any]:
        """Pseudo-likelihood of each row, (n,): Σ_i ln P(v_i | all others), of all units, where the peer draws one."""
        check_is_fitted(self)
        return np.asarray(self._scores(self._rows(X, reset=False)).numpy())

    # -- parts of these -----------------------------------------------------------------------------

    def _rows(self, X: Any, *, reset: bool, strict: bool = False) -> torch.Tensor:
        found = validate_data(self, X, accept_sparse="csr", reset=reset, dtype=(np.float64, np.float32))
        dense = found.toarray() if issparse(found) else found
        rows = torch.from_numpy(self._probabilities(dense, strict))
        return rows if reset else rows.to(self.machine_.visible_bias.dtype)

    def _probabilities(self, X: NDArray[Any], strict: bool) -> NDArray[Any]:
        """The data between 0 and 1; where strict, none may have been further from there than rounding takes them."""
        if strict and X.size and not (X.min() >= -ROUNDING and X.max() <= 1 + ROUNDING):
            got = f"{X.min():.9g} to {X.max():.9g}"
            raise InputError("values between 0 and 1", got, "scale them, or use units of another kind")
        return np.clip(X, 0, 1)

    def _keep_sound(self, before: dict[str, torch.Tensor], rows: torch.Tensor) -> None:
        """Go back to the state `before`, and raise, if numbers, or what the machine gives to rows, ran away since."""
        coins = -LOST * self.machine_.visible.log_states
        finite = all(bool(torch.isfinite(p).all()) for p in self.machine_.parameters())
        if finite and self._looked_at(rows) >= min(self._first, coins):
            return
        self._learner.restore(before)
        self._end()
        got = f"one that diverged at learning_rate={self.learning_rate:g}"
        raise InputError("a training that stays finite", got, "lower it; the last good machine is kept")

    def _looked_at(self, rows: torch.Tensor) -> float:
        """Pseudo-likelihood of some rows, of one unit each; never nan."""
        found = pseudo_likelihood(
            self.machine_, rows[:: -(-len(rows) // SEEN)], stream("estimator", self._seed)
        )
        return found if math.isfinite(found) else -math.inf

    def _check(self, dtype: torch.dtype) -> None:
        """Raise what is wrong with the parameters."""
        for name, least in LEAST.items():
            value = getattr(self, name)
            if not isinstance(value, Integral) or int(value) < least:
                raise InputError(f"{name} a whole number of {least} or more", f"{value!r}", f"pass {name}=10")
        rate = self.learning_rate
        if not (isinstance(rate, Real) and 0 < float(rate) < torch.finfo(dtype).max):
            raise InputError("a finite learning rate above 0", f"{rate!r}", "pass learning_rate=0.1")

    def _begin(self, rows: torch.Tensor) -> None:
        self._check(rows.dtype)
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._generator = torch.Generator().manual_seed(self._seed)
        self._batch = min(self.batch_size, len(rows))
        self.machine_ = RestrictedBoltzmannMachine(rows.shape[1], self.n_components, dtype=rows.dtype)
        self.machine_.initialise(seed=self._seed)
        rule = Rule(momentum=self.momentum, l2=self.l2, centering=self.centering)
        phase = PersistentContrastiveDivergence(steps=self.steps)
        self._learner = RestrictedLearner(self.machine_, phase, rule, self._generator, self._batch)
        self._first = self._looked_at(rows)
        self._n_features_out = self.n_components

    def _end(self) -> None:
        m = self.machine_
        self.components_ = m.weights.parameter.detach().t().numpy()
        self.intercept_hidden_ = m.hidden_bias.detach().numpy()
        self.intercept_visible_ = m.visible_bias.detach().numpy()

    def _scores(self, rows: torch.Tensor) -> torch.Tensor:
        return whole_pseudo_likelihoods(self.machine_, rows)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

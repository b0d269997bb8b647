"""Maximum likelihood: couplings at which the exact moments are those of the samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.core import InputError, Reference
from lensmaker.core.bibliography import ACKLEY_1985
from lensmaker.instruments.couplings.method import CouplingMethod
from lensmaker.instruments.couplings.observed import Observed
from lensmaker.instruments.couplings.problem import Problem, Values
from lensmaker.numerics.newton import Expansion
from lensmaker.numerics.walsh import walsh_transform

MOST = 24
"""Spins of which all configurations are summed over."""


@dataclass(frozen=True)
class MaximumLikelihood(CouplingMethod):
    """K that maximises K·⟨Φ⟩_samples − ln Z(K): moment matching, ⟨Φ_a⟩_K = ⟨Φ_a⟩_samples.

    Z is summed over all configurations, of at most 24 spins. No other consistent estimate has smaller errors.

    Examples
    --------
    >>> from lensmaker.instruments.couplings.observed import observe
    >>> pairs = np.repeat([[1, 1], [1, -1]], [75, 25], axis=0)  # ⟨s s'⟩ = ½ = tanh K
    >>> found = MaximumLikelihood().infer(observe(pairs, {"J": [[0, 1]]}))
    >>> abs(found.couplings["J"] - math.atanh(0.5)) < 1e-15
    True
    """

    name = "maximum_likelihood"
    summary = "Couplings at which the exact moments are those of the samples; at most 24 spins."
    references: ClassVar[tuple[Reference, ...]] = (ACKLEY_1985,)

    def problem(self, observed: Observed) -> Problem:
        if observed.model.sites > MOST:
            raise InputError(
                f"at most {MOST} spins for the exact likelihood",
                f"{observed.model.sites}, with 2^{observed.model.sites} configurations",
                "infer by PseudoLikelihood(), which is consistent too",
            )
        return _AllConfigurations(observed)


@dataclass(frozen=True, eq=False)
class _AllConfigurations(Problem):
    """ℓ(K; s) = ln Z(K) − K·Φ(s).

    With f̂ the Walsh transform of the probabilities, f̂(c) = ⟨∏_{i∈c} s_i⟩: of two products s_c s_c' = s_{c△c'}, so
    ⟨Φ_a Φ_b⟩ = Σ_cc' w_c w_c' f̂(c △ c'), and the Hessian ⟨Φ_a Φ_b⟩ − ⟨Φ_a⟩⟨Φ_b⟩ takes no sum of its own over
    configurations.
    """

    observed: Observed

    @property
    def couplings(self) -> int:  # type: ignore[override]
        return len(self.observed.model.names)

    @cached_property
    def _products(self) -> tuple[NDArray[np.int64], Values, NDArray[np.int64]]:
        """Bits of the sites of each product, its weight, its coupling; in the order of couplings."""
        model = self.observed.model
        bits, weights, of = [np.zeros(0, np.int64)], [np.zeros(0)], [np.zeros(0, np.int64)]
        for a, name in enumerate(model.names):
            for term in model.terms:
                if term.name == name:
                    bits.append((1 << term.cliques).sum(1))
                    weights.append(term.weights)
                    of.append(np.full(len(term.weights), a))
        return np.concatenate(bits), np.concatenate(weights), np.concatenate(of)

    @cached_property
    def _statistics(self) -> Values:
        """Φ of each sample, (samples, A)."""
        return self.observed.model.statistics(torch.from_numpy(self.observed.rows)).numpy()

    @cached_property
    def _means(self) -> Values:
        return np.asarray(self._statistics.mean(0))

    def exponents(self, K: Values) -> Values:
        """K·Φ of every configuration; bit i of an index is set where s_i = −1."""
        bits, weights, of = self._products
        size = 1 << self.observed.model.sites
        return walsh_transform(np.bincount(bits, K[of] * weights, minlength=size).astype(np.float64))

    def expand(self, K: Values) -> Expansion:
        bits, weights, of = self._products
        exponents = self.exponents(K)
        largest = float(exponents.max())
        probabilities = np.exp(exponents - largest)
        total = float(probabilities.sum())
        correlations = walsh_transform(probabilities / total)
        mean = np.bincount(of, weights * correlations[bits], minlength=len(K))
        second = np.zeros((len(K), len(K)))
        for bit, weight, a in zip(bits.tolist(), weights.tolist(), of.tolist(), strict=True):
            second[a] += np.bincount(of, weight * weights * correlations[bits ^ bit], minlength=len(K))
        value = largest + math.log(total) - float(K @ self._means)
        return Expansion(value, mean - self._means, second - np.outer(mean, mean))

    def scores(self, K: Values, size: int) -> Values:
        chains, steps = self.observed.spins.shape[:2]
        n = steps // size
        each = self._statistics.reshape(chains, steps, -1)[:, : n * size].reshape(chains, n, size, -1)
        return np.asarray(self.expand(K).gradient + self._means - each.mean(2))

    def never_rises(self, direction: Values) -> bool:
        """Whether no configuration has a larger Φ·d than any sample."""
        every = self.exponents(direction)
        least = float((self._statistics @ direction).min())
        return bool(float(every.max()) - least <= 1e-6 * np.ptp(every) and np.ptp(every) > 0)

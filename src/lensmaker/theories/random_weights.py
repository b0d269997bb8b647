"""Random weights: the spectrum that a weight has while its entries are what they were drawn as."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from lensmaker.core import INSIDE, Prediction, Reference, Regime, Table, Where
from lensmaker.numerics.marchenko_pastur import largest_eigenvalue_scale
from lensmaker.systems.networks import Network, Train
from lensmaker.systems.networks.recurrent import recurrent_matrices
from lensmaker.systems.networks.weights import weights_of
from lensmaker.theories.base import Theory

TRACY_WIDOM_MEAN, TRACY_WIDOM_VARIANCE = -1.2065335745820, 1.6077810345810
"""Of the law of β = 1."""

FEWEST_ROWS = 4
"""Of a matrix with fewer the singular values make no bulk, and these laws of many do not hold."""

_TERMS = 400
"""Of the series for the variance: its k-th term falls as λ^k/k³."""


@dataclass(frozen=True)
class RandomWeights(Theory):
    r"""Largest singular value and effective rank of a random matrix of the size of each weight.

    For p × n independent entries, p ≤ n, λ = p/n, of excess kurtosis κ, and H the entropy of the normalised
    squared singular values, whose exponential is the effective rank:

    ⟨H⟩ = ln p − λ/2 − m/p,  m = ½ Σ_± (1±√λ)² ln(1±√λ) − λ + κ (λ/2 − λ²/6)

    Var H = (2/p²) Σ_{k≥2} (λ^k/k) (1/(k−1) − λ/(k+1))²

    −λ/2 is Page's, m/p the next order in 1/p. The largest squared singular value is σ²(1 + κ/√(np)) times
    Tracy and Widom's variable of centre μ and scale s; it is given relative to the edge σ(√n + √p). Weights
    are drawn by uniform or (truncated) normal laws, −6/5 ≤ κ ≤ 0: the κ of the actual entries is taken within.

    Examples
    --------
    >>> _ = torch.manual_seed(0)
    >>> table = RandomWeights().predict(Network(torch.nn.Linear(400, 100), torch.ones(2, 400)))
    >>> [(p.quantity.name, round(p.value, 3), round(p.error, 4)) for p in table]
    [('edge_ratio', 0.985, 0.0113), ('effective_rank', 88.265, 0.2064)]
    """

    name = "random_weights"
    summary = "Largest singular value and effective rank of random matrices of the sizes of the weights."
    quantities = ("edge_ratio", "effective_rank")
    assumptions = (
        "the entries of a weight are independent draws from one law, uniform or normal, of mean zero",
        "a weight has many rows and columns",
    )
    references = (
        Reference(
            "page1993", "D. N. Page", "Average entropy of a subsystem", 1993, "Phys. Rev. Lett. 71, 1291"
        ),
        Reference(
            "bai2004",
            "Z. D. Bai, J. W. Silverstein",
            "CLT for linear spectral statistics of large-dimensional sample covariance matrices",
            2004,
            "Ann. Probab. 32, 553",
        ),
        Reference(
            "lytova2009",
            "A. Lytova, L. Pastur",
            "Central limit theorem for linear eigenvalue statistics of random matrices with independent entries",
            2009,
            "Ann. Probab. 37, 1778",
        ),
        Reference(
            "ma2012",
            "Z. Ma",
            "Accuracy of the Tracy–Widom limits for the extreme eigenvalues in white Wishart matrices",
            2012,
            "Bernoulli 18, 322",
        ),
    )

    def predict(self, system: Network) -> Table[Prediction]:
        return Table(p for where, weight in _matrices(system.whole) for p in self._matrix(where, weight))

    def _matrix(self, where: Where, weight: torch.Tensor) -> Iterator[Prediction]:
        p, n = sorted((weight.shape[0], weight[0].numel()))
        κ, regime = _kurtosis(weight), INSIDE
        if p < FEWEST_ROWS:
            regime = Regime(
                f"a matrix of fewer than {FEWEST_ROWS} rows or columns has no bulk of singular values"
            )
        elif not math.isfinite(κ):
            regime = Regime("a weight of zeros, or with entries that are not finite, is no draw")
        κ = max(-1.2, min(0.0, κ)) if math.isfinite(κ) else 0.0
        for name, law in (("edge_ratio", edge_ratio), ("effective_rank", effective_rank)):
            yield self.prediction(name, where, *law(p, n, κ), regime)


def edge_ratio(p: int, n: int, kurtosis: float = 0.0) -> tuple[float, float]:
    """Mean and standard deviation of the largest singular value over the edge σ(√n + √p)."""
    μ, s = largest_eigenvalue_scale(p, n)
    centre = μ + TRACY_WIDOM_MEAN * s
    value = math.sqrt(centre * (1 + kurtosis / math.sqrt(n * p))) / (math.sqrt(n) + math.sqrt(p))
    return value, value * math.sqrt(TRACY_WIDOM_VARIANCE) * s / (2 * centre)


def effective_rank(p: int, n: int, kurtosis: float = 0.0) -> tuple[float, float]:
    """exp⟨H⟩ and its standard deviation, for p ≤ n.

    Examples
    --------
    >>> value, error = effective_rank(10, 10_000)
    >>> round(value, 3), round(error, 4)
    (9.995, 0.001)
    """
    λ = p / n
    h = math.sqrt(λ)
    m = (_square_log(1 - h) + _square_log(1 + h)) / 2 - λ + kurtosis * (λ / 2 - λ * λ / 6)
    terms = (λ**k / k * (1 / (k - 1) - λ / (k + 1)) ** 2 for k in range(2, _TERMS))
    value = math.exp(math.log(p) - λ / 2 - m / p)
    return value, value * math.sqrt(2 * sum(terms)) / p


def _square_log(u: float) -> float:
    return u * u * math.log(u) if u > 0 else 0.0


def _kurtosis(weight: torch.Tensor) -> float:
    """⟨w⁴⟩/⟨w²⟩² − 3, summed in float64 without a copy; nan for zeros."""
    w = weight.detach()
    fourth, second = (float(torch.linalg.vector_norm(w, k, dtype=torch.float64)) for k in (4, 2))
    return w.numel() * (fourth / second) ** 4 - 3 if second else math.nan


def _matrices(train: Train) -> Iterator[tuple[Where, torch.Tensor]]:
    """What multiplies the signal, each weight at its first use."""
    seen: set[object] = set()
    for element in train.before_loss():
        weights = weights_of(element, train) if train.signal_output(element) is not None else None
        if weights is None or weights.weight.ndim < 2 or not weights.weight.is_floating_point():
            continue
        key = weights.weight.data_ptr(), weights.weight.shape
        if weights.weight.numel() and key not in seen:
            seen.add(key)
            yield element.where, weights.weight
    yield from recurrent_matrices(train)

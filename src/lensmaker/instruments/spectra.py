"""Singular values of the weights against those of a random matrix."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.core import Convergence, InputError, Measurement, Reference, Table, Where
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.conv_norm import convergence_of, operator_norm, patches_are_disjoint
from lensmaker.numerics.finite import all_finite
from lensmaker.numerics.gram_spectrum import gram_eigenvalues
from lensmaker.numerics.marchenko_pastur import MarchenkoPastur
from lensmaker.numerics.seeding import stream
from lensmaker.numerics.side_by_side import side_by_side
from lensmaker.numerics.spikes import Spikes, find_spikes
from lensmaker.systems.networks import Element, Network, Train
from lensmaker.systems.networks.recurrent import recurrent_matrices
from lensmaker.systems.networks.weights import Weights, weights_of

FALSE_ALARM = 1e-3
"""Rate at which a matrix of independent entries shows a spike, at most."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Singular values of a weight, and what of them random numbers do not explain.

    Attributes
    ----------
    singular_values
        All of them, descending.
    shape
        (p, n) of the matrix, p ≤ n.
    variance
        Variance of an entry of what remains without the spikes.
    edges
        Singular values between which all of a random matrix of that variance lie, in the limit.
    threshold
        The upper edge with its finite-size fluctuation: what is above is a spike.
    found
        The singular values above it, and the test of the first one.
    effective_rank
        exp(−Σ p_i ln p_i) with p_i = s_i²/Σs²; 0 for the zero matrix.
    error
        Bound of the relative error of the largest singular value and of the effective rank.
    """

    singular_values: NDArray[np.float64]
    shape: tuple[int, int]
    variance: float
    edges: tuple[float, float]
    threshold: float
    found: Spikes
    effective_rank: float
    error: float = 0.0

    @property
    def spikes(self) -> int:
        """How many there are."""
        return self.found.count

    @property
    def p_value(self) -> float:
        """Probability of so large a first singular value, were the entries independent."""
        return self.found.p_value

    @property
    def singular_value_max(self) -> float:
        """The largest one."""
        return float(self.singular_values[0])


def spectrum(weight: torch.Tensor, *, false_alarm: float = FALSE_ALARM, fast: bool = False) -> Spectrum:
    r"""Singular values of a weight against the Marchenko–Pastur law.

    A kernel (out, in/groups, *k) is read as the matrix (out, in/groups·k). The singular values are roots
    of the eigenvalues of the smaller Gram matrix, in float64: relative to the largest one they are
    accurate to 1e-15·s₁/s, so what is below 1e-8·s₁ is rounding, and is set to zero.

    Parameters
    ----------
    weight
        A tensor of two or more axes, of finite floats.
    false_alarm
        Rate at which a matrix of independent entries may show a spike.
    fast
        Single precision suffices where it gives largest singular value and effective rank to 1e-5; the smallest
        singular values are then known to 1e-3·s₁ only.

    Raises
    ------
    InputError
        If the weight is no such tensor.

    References
    ----------
    `lensmaker.numerics.spikes`; O. Roy, M. Vetterli, EUSIPCO 2007, for the effective rank.

    Examples
    --------
    >>> found = spectrum(torch.diag(torch.tensor([3.0, 4.0])))
    >>> found.singular_values.tolist(), round(found.effective_rank, 3), found.spikes
    ([4.0, 3.0], 1.922, 0)
    """
    _check(weight)
    matrix = weight.detach().flatten(1)
    matrix = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    p, n = matrix.shape
    entries = matrix.cpu() if matrix.dtype == torch.float64 else matrix.cpu().float()
    λ, error = gram_eigenvalues(entries.numpy(), single=fast and matrix.dtype != torch.float64)
    λ = np.where(λ > 1e-16 * p * λ[0], λ, 0.0)
    found = find_spikes(λ, n, false_alarm)
    k, scale = found.count, found.variance * (n - found.count)
    law = MarchenkoPastur((p - k) / (n - k))
    share = λ[λ > 0] / λ.sum() if λ[0] else np.ones(0)
    return Spectrum(
        singular_values=np.sqrt(λ),
        shape=(p, n),
        variance=found.variance,
        edges=(math.sqrt(scale * law.lower), math.sqrt(scale * law.upper)),
        threshold=math.sqrt(found.edge),
        found=found,
        effective_rank=math.exp(-(share * np.log(share)).sum()) if len(share) else 0.0,
        error=error,
    )


def _check(weight: torch.Tensor) -> None:
    if not (weight.is_floating_point() and weight.ndim > 1 and weight.numel()):
        got = f"a tensor of shape {tuple(weight.shape)} and {weight.dtype}"
        raise InputError(
            "a weight: floats with two or more axes", got, "pass the matrix or kernel of a layer"
        )
    if not all_finite(weight):
        raise InputError(
            "a finite weight", "infinite or missing entries", "look for the step at which they appeared"
        )


class Spectra(Instrument):
    """Singular values, rank and spikes of every weight, and the norm of the map that it is.

    A weight used twice is measured at its first use. Its values are read, not sampled: their error is
    zero, or 1e-5 where single precision gives that, but for the operator norm of a convolution, where it is
    that of the iteration.

    Parameters
    ----------
    tolerance, iterations
        Of the iteration for convolutions: relative error, and limit.
    seed
        For the random start of the iteration.

    Examples
    --------
    >>> table = Spectra().measure(Network(torch.nn.Linear(3, 2), torch.ones(5, 3)))
    >>> table.columns["quantity"]
    ['singular_value_max', 'effective_rank', 'spikes', 'edge_ratio', 'operator_norm']
    """

    name = "spectra"
    summary = "Singular values of the weights against Marchenko and Pastur: largest, rank, spikes, true norm."
    quantities = ("singular_value_max", "effective_rank", "spikes", "edge_ratio", "operator_norm")
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "marchenko1967",
            "V. A. Marchenko, L. A. Pastur",
            "Distribution of eigenvalues for some sets of random matrices",
            1967,
            "Math. USSR Sbornik 1, 457",
        ),
        Reference(
            "johnstone2001",
            "I. M. Johnstone",
            "On the distribution of the largest eigenvalue in principal components analysis",
            2001,
            "Ann. Statist. 29, 295",
        ),
        Reference(
            "kritchman2009",
            "S. Kritchman, B. Nadler",
            "Non-parametric detection of the number of signals",
            2009,
            "IEEE Trans. Signal Process. 57, 3930",
        ),
        Reference(
            "roy2007",
            "O. Roy, M. Vetterli",
            "The effective rank: a measure of effective dimensionality",
            2007,
            "EUSIPCO",
        ),
        Reference(
            "sedghi2019",
            "H. Sedghi, V. Gupta, P. M. Long",
            "The singular values of convolutional layers",
            2019,
            "ICLR",
            "arXiv:1805.10408",
        ),
    )

    def __init__(self, tolerance: float = 1e-2, iterations: int = 200, seed: int = 0) -> None:
        self.tolerance = tolerance
        self.iterations = iterations
        self.seed = seed

    def measure(self, network: Network, found: Sequence[Weighed] | None = None) -> Table[Measurement]:
        """What the instrument reads off the network; `found`: its spectra, where they are known already."""
        train = network.whole
        return Table(
            m
            for weighed in (spectra_of(network) if found is None else found)
            for m in self._element(weighed.element, train, weighed.weights, weighed.spectrum)
        ) + self._recurrent(train)

    def _recurrent(self, train: Train) -> Iterator[Measurement]:
        """Of each matrix at a place of its own; the gates have no norm in common."""
        for where, weight in recurrent_matrices(train):
            if (found := _spectrum_if_finite(weight)) is not None:
                yield from self._spectrum(where, weight.numel(), found)

    def _element(
        self, element: Element, train: Train, weights: Weights, found: Spectrum | None
    ) -> Iterator[Measurement]:
        where, samples = element.where, weights.weight.numel()
        if found is None:
            for name in self.quantities:
                yield self.measurement(name, where, math.nan, math.nan, samples)
            return
        generator = stream("spectra", self.seed)
        if weights.groups > 1 or not patches_are_disjoint(weights):
            norm = operator_norm(
                element,
                train,
                weights,
                tolerance=self.tolerance,
                iterations=self.iterations,
                generator=generator,
            )
            value, error, convergence = norm.value, norm.error, convergence_of(norm)
        else:
            value, convergence = found.singular_value_max, Convergence.CONVERGED
            error = found.error * value
        yield from self._spectrum(where, samples, found)
        yield self.measurement("operator_norm", where, value, error, samples, convergence)

    def _spectrum(self, where: Where, samples: int, found: Spectrum) -> Iterator[Measurement]:
        largest, rank = found.singular_value_max, found.effective_rank
        yield self.measurement("singular_value_max", where, largest, found.error * largest, samples)
        yield self.measurement("effective_rank", where, rank, found.error * rank, samples)
        yield self.measurement("spikes", where, found.spikes, 0.0, samples)
        if edge := found.edges[1]:  # 0 where nothing but spikes is left
            yield self.measurement("edge_ratio", where, found.singular_value_max / edge, 0.0, samples)


@dataclass(frozen=True, eq=False)
class Weighed:
    """A linear element, its weights, and their spectrum; None where they are not finite."""

    element: Element
    weights: Weights
    spectrum: Spectrum | None


def spectra_of(network: Network) -> list[Weighed]:
    """The spectrum of every weight, at its first use, as fast as a relative error of 1e-5 allows."""
    found = list(weighted(network.whole))
    spectra = side_by_side(_spectrum_if_finite, (weights.weight for _, weights in found))
    return [Weighed(*pair, s) for pair, s in zip(found, spectra, strict=True)]


def _spectrum_if_finite(weight: torch.Tensor) -> Spectrum | None:
    return spectrum(weight, fast=True) if all_finite(weight) else None


def weighted(train: Train) -> Iterator[tuple[Element, Weights]]:
    """The elements that multiply the signal by a weight, each weight at its first use.

    Examples
    --------
    >>> from lensmaker.systems.networks import record
    >>> fc = torch.nn.Linear(3, 3)
    >>> [str(e.where) for e, _ in weighted(record(torch.nn.Sequential(fc, fc), torch.ones(2, 3)))]
    ['0:linear']
    """
    leaves = {_memory(v.tensor) for v in train.values if v.producer is None and v.tensor is not None}
    seen: set[Any] = set()
    for element in train.before_loss():
        if train.signal_output(element) is None:
            continue
        weights = weights_of(element, train)
        if weights is None or weights.weight.ndim < 2 or not weights.weight.is_floating_point():
            continue
        identity = _identity(element, train, leaves)
        if identity not in seen:
            seen.add(identity)
            yield element, weights


def _identity(element: Element, train: Train, leaves: set[int]) -> tuple[Any, ...]:
    """Equal for two uses of one weight: its memory; for a weight computed anew each time, its parameters."""
    value = max(train.weight_inputs(element), key=lambda v: len(v.shape), default=None)
    if value is None or value.tensor is None:
        return (element.index,)
    if _memory(value.tensor) in leaves:
        return value.tensor.data_ptr(), value.tensor.numel()
    return value.parameters, value.shape


def _memory(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()

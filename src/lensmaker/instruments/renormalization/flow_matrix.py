"""The linearised flow of couplings in a step of the renormalization group, from fluctuations before and after it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lensmaker.core import InputError
from lensmaker.instruments.spins.ensemble import block_size
from lensmaker.numerics.autocorrelation import block_means
from lensmaker.numerics.resampling import Estimate, jackknife

Values = NDArray[np.float64]

_SINGULAR = 1e-9
"""Eigenvalue of the matrix of correlations below which operators are one: sums of whole numbers leave 1e-13."""

_STILL = 1e-12
"""Variance of a sum of ±1 below which it is rounding."""


def flow_matrix(coarse: ArrayLike, fine: ArrayLike, weights: ArrayLike | None = None) -> Values:
    r"""T_ab = ∂K_a^(n)/∂K_b^(n−1), with S of the same configurations before a step (fine) and after it (coarse).

    With P ∝ e^{Σ K_a S_a}, and ⟨A; B⟩ = ⟨AB⟩ − ⟨A⟩⟨B⟩,

        ∂⟨S_a^(n)⟩/∂K_b^(n−1) = ⟨S_a^(n); S_b^(n−1)⟩ = Σ_c ⟨S_a^(n); S_c^(n)⟩ T_cb.

    Parameters
    ----------
    coarse, fine
        (n, A) each.
    weights
        Of the configurations, in any unit; all alike if there are none.

    Raises
    ------
    InputError
        If shapes or numbers are none that fit, or the configurations do not tell the operators apart.

    References
    ----------
    R. H. Swendsen, Phys. Rev. Lett. 42, 859 (1979).

    Examples
    --------
    >>> import numpy as np
    >>> fine = np.random.default_rng(0).normal(size=(100, 2))
    >>> np.allclose(flow_matrix(fine @ [[2, 0], [0, 4]], fine), [[0.5, 0], [0, 0.25]])
    True
    """
    c, f = np.asarray(coarse, np.float64), np.asarray(fine, np.float64)
    w = np.ones(len(c)) if weights is None else np.asarray(weights, np.float64)
    if c.ndim != 2 or c.shape != f.shape or w.shape != c.shape[:1] or not c.size:
        got = f"shapes {c.shape}, {f.shape} and {w.shape}"
        raise InputError(
            "operators after and before a step, (n, A) each, and n weights", got, "pass one row each"
        )
    if not (np.isfinite(c).all() and np.isfinite(f).all() and (w >= 0).all() and 0 < w.sum() < math.inf):
        got = "others"
        raise InputError(
            "finite numbers, and weights that are not negative nor all zero", got, "mend or remove them"
        )
    w = w / w.sum()
    mean = w @ moments(c - w @ c, f - w @ f)
    tell_apart(mean, [f"number {a}" for a in range(c.shape[1])])
    return _solved(mean)


def moments(coarse: Values, fine: Values) -> Values:
    """S^(n), S^(n−1), S^(n) S^(n) and S^(n) S^(n−1) of each configuration, (…, A) twice → (…, 2A + 2A²)."""
    products = [(coarse[..., :, None] * other[..., None, :]) for other in (coarse, fine)]
    flat = [p.reshape(*p.shape[:-2], -1) for p in products]
    return np.concatenate([coarse, fine, *flat], -1)


def covariances(mean: Values) -> tuple[Values, Values]:
    """⟨S^(n); S^(n)⟩ and ⟨S^(n); S^(n−1)⟩ from means of `moments`, (…, A, A) each."""
    A = math.isqrt(1 + 2 * mean.shape[-1]) // 2  # 2A + 2A² = k
    c, f, inside, across = np.split(mean, (A, 2 * A, 2 * A + A * A), axis=-1)
    square = (*mean.shape[:-1], A, A)
    return (
        inside.reshape(square) - c[..., :, None] * c[..., None, :],
        across.reshape(square) - c[..., :, None] * f[..., None, :],
    )


def tell_apart(mean: Values, names: Sequence[str], where: str = "") -> None:
    """Raise if an operator never varies after the step, or a sum of some does not; means are about the centre.

    Raises
    ------
    InputError
        With the names of these operators.
    """
    inside, _ = covariances(mean)
    variance = np.diagonal(inside)
    if (variance < _STILL).any():
        _refuse(np.flatnonzero(variance < _STILL), names, where)
    unit = variance**-0.5
    values, vectors = np.linalg.eigh(inside * np.outer(unit, unit))
    if values[0] < _SINGULAR:
        _refuse(np.flatnonzero(np.abs(vectors[:, 0]) > 1e-3), names, where)


def _refuse(operators: NDArray[np.int64], names: Sequence[str], where: str) -> NoReturn:
    involved = ", ".join(names[a] for a in operators)
    what = "which is" if len(operators) == 1 else "of which a combination is"
    raise InputError(
        f"block spins{where} that tell the operators apart",
        f"{involved}, {what} the same in all samples",
        "sample more, stop before the lattice is so small, or take fewer operators",
    )


def _solved(mean: Values) -> Values:
    inside, across = covariances(mean)
    return np.asarray(np.linalg.solve(inside, across))


@dataclass(frozen=True, eq=False)
class FlowMatrix:
    """T of one step with what its errors need.

    Attributes
    ----------
    level
        n, the number of the step.
    scale
        b: how many sites a side of the lattice before is for one after.
    names
        Of the operators.
    blocks
        Means of `moments`, about the mean of all samples, over blocks that are nearly independent, (blocks, 2A + 2A²).
    """

    level: int
    scale: float
    names: tuple[str, ...]
    blocks: Values

    @cached_property
    def matrix(self) -> Values:
        """T_ab, (A, A)."""
        return _solved(self.blocks.mean(0))

    @cached_property
    def errors(self) -> Values:
        """Jackknife errors of T_ab, (A, A)."""
        A = len(self.names)

        def error(a: int, b: int) -> float:
            return jackknife(self.blocks, lambda mean: _solved(mean)[..., a, b]).error

        return np.array([[error(a, b) for b in range(A)] for a in range(A)])

    def eigenvalues(self, operators: int | None = None) -> NDArray[np.complex128]:
        """Of T among the first so many operators, the largest in size first."""
        found = np.linalg.eigvals(_solved(_among(self.blocks.mean(0), self._count(operators))))
        return np.asarray(found[np.argsort(-np.abs(found))], np.complex128)

    def exponent(self, operators: int | None = None) -> Estimate:
        """Leading eigenvalue λ as a power of b, y = ln |λ|/ln b, with its jackknife error.

        Parameters
        ----------
        operators
            How many of them, from the first one on; all by default.

        Raises
        ------
        InputError
            If there are not so many.
        """
        A = self._count(operators)
        return jackknife(_among(self.blocks, A), self._leading)

    def is_exponent(self, operators: int | None = None) -> bool:
        """Whether the leading eigenvalue is a positive number: otherwise y is that of its size alone."""
        first = self.eigenvalues(operators)[0]
        return bool(first.imag == 0 and first.real > 0)

    def _leading(self, mean: Values) -> Any:
        with np.errstate(divide="ignore"):  # of an eigenvalue 0; −∞ is said not to be finite
            return np.log(np.abs(np.linalg.eigvals(_solved(mean))).max(-1)) / math.log(self.scale)

    def _count(self, operators: int | None) -> int:
        A = len(self.names) if operators is None else operators
        if not 1 <= A <= len(self.names):
            raise InputError(f"1 to {len(self.names)} operators", f"{A}", "leave it out for all of them")
        return A

    def __str__(self) -> str:
        y = self.exponent()
        return f"level {self.level}, {', '.join(self.names)}: y = {y.value:.4f} ± {y.error:.2g}"


def _among(mean: Values, count: int) -> Values:
    """The moments of the first operators."""
    A = math.isqrt(1 + 2 * mean.shape[-1]) // 2
    kept = np.arange(A) < count
    both = np.outer(kept, kept).reshape(-1)
    return mean[..., np.concatenate([kept, kept, both, both])]


def linearised(
    coarse: Values, fine: Values, *, names: Sequence[str], level: int = 1, scale: float = 2.0
) -> FlowMatrix:
    """T with errors from the series of S after and before a step, (chains, steps, A) each.

    Errors are the jackknife's over blocks of ten autocorrelation times, of the slowest of all S and S².

    Raises
    ------
    InputError
        If the samples do not tell the operators apart.
    """
    c, f = coarse - coarse.mean((0, 1)), fine - fine.mean((0, 1))
    size = block_size(np.concatenate([c, f, c**2, f**2], -1))
    blocks = block_means(moments(c, f), size)
    tell_apart(blocks.mean(0), names, f" of level {level}")
    return FlowMatrix(level, scale, tuple(names), blocks)

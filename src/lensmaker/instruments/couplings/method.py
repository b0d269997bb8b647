"""The contract of a method that reads couplings off samples: it supplies a convex problem."""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, NoReturn

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, identity, issparse

from lensmaker.core import Convergence, InputError, Measurement, Table
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.couplings.inferred import Inferred
from lensmaker.instruments.couplings.observed import Observed
from lensmaker.instruments.couplings.problem import Problem, Values
from lensmaker.instruments.couplings.spread import Spread
from lensmaker.numerics.newton import Expansion, Minimum, minimise
from lensmaker.numerics.positive_definite import NotPositiveDefinite, solve

_STEPS = 6
"""Newton steps after which a minimum that is not near is looked for at infinity: there each adds one to u."""

_SCORES = 1 << 20
"""Numbers that the influence of all samples may have, if that leaves `_FEW` samples, or means of several."""

_FEW = 500
"""Means of samples from which an error is known to some 5 %."""


@dataclass(frozen=True)
class CouplingMethod(Instrument):
    """Base of the methods: it minimises L(K) + ½ l2 |K|², and tells errors and states.

    Attributes
    ----------
    l2
        λ of the penalty ½ λ Σ K², beside the mean loss of a sample: a normal prior of variance 1/(λM).
    iterations
        Most steps of Newton's method.
    threads
        Of the kernels.

    Raises
    ------
    InputError
        If λ is negative or not finite.
    """

    l2: float = 0.0
    iterations: int = 60
    threads: int = 1

    quantities: ClassVar[tuple[str, ...]] = ("coupling",)

    def __post_init__(self) -> None:
        if not 0 <= self.l2 < math.inf:
            raise InputError("a penalty l2 of at least 0", f"{self.l2}", "leave it out for none")
        if self.threads < 1 or self.iterations < 1:
            raise InputError(
                "at least one thread and one iteration",
                f"{self.threads} and {self.iterations}",
                "leave them out",
            )

    @abstractmethod
    def problem(self, observed: Observed) -> Problem:
        """The convex function of these samples.

        Raises
        ------
        InputError
            If the method cannot take so many spins or couplings.
        """

    def measure(self, system: Observed) -> Table[Measurement]:
        return self.infer(system).to_table()

    def infer(self, observed: Observed) -> Inferred:
        """The couplings, their errors, and how well they are known.

        Raises
        ------
        InputError
            If the samples do not tell terms apart, or the method cannot take so many.
        """
        problem, names = self.problem(observed), observed.model.names
        found, endless = self._fit(problem, names)
        bounded = endless == 0
        at, converged = found.at, found.converged
        K = found.point
        if not bounded.all():
            K = K + 30 * np.where(bounded, 0.0, found.direction)  # as good as infinite
        if bounded.any() and not bounded.all():
            rest = self._minimum(problem, K, bounded)
            at, converged = rest.at, rest.converged
            K[bounded] = rest.point
        spread = self._spread(problem, observed, K, at, bounded)
        states = [
            _state(bound, known, error, converged)
            for bound, known, error in zip(
                *map(np.ndarray.tolist, (bounded, spread.is_known, spread.errors)), strict=True
            )
        ]
        pull = -solve(at.hessian, self.l2 * K) if self.l2 else np.zeros(len(K))
        return Inferred(
            self.name,
            observed.model,
            _named(names, np.where(bounded, K, endless)),
            _named(names, spread.errors),
            _named(names, pull),
            dict(zip(names, states, strict=True)),
            observed.samples,
            spread,
            at.value,
            found.iterations,
        )

    def _fit(self, problem: Problem, names: tuple[str, ...]) -> tuple[Minimum, Values]:
        """The minimum, and ±inf for each coupling that it has at infinity, 0 for the others."""
        calls = itertools.count()

        def at_infinity(point: Values, direction: Values) -> bool:
            return next(calls) > _STEPS and not self.l2 and problem.never_rises(_main(direction))

        start = np.zeros(problem.couplings)
        at = problem.expand(start)
        if not self.l2:
            tell_apart(at.hessian, names)
        found = self._minimum(problem, start, np.ones(len(start), bool), at_infinity, at)
        main = _main(found.direction)
        far = not self.l2 and found.iterations >= _STEPS and problem.never_rises(main)
        return found, np.where(main * far != 0, np.copysign(math.inf, main), 0.0)

    def _minimum(
        self,
        problem: Problem,
        K: Values,
        free: NDArray[np.bool_],
        stop: Callable[[Values, Values], bool] = lambda point, direction: False,
        at: Expansion | None = None,
    ) -> Minimum:
        """Over the free couplings; the others stay at K, where the problem is `at`."""
        known = [at] if at else []

        def penalised(some: Values) -> Expansion:
            full = K.copy()
            full[free] = some
            value, gradient, hessian = known.pop() if known else problem.expand(full)
            if not free.all():
                gradient, hessian = gradient[free], hessian[free][:, free]
            if not self.l2:
                return Expansion(value, gradient, hessian)
            unit = identity(len(some), format="csr") if issparse(hessian) else np.eye(len(some))
            return Expansion(
                value + self.l2 / 2 * float(some @ some), gradient + self.l2 * some, hessian + self.l2 * unit
            )

        return minimise(penalised, K[free], iterations=self.iterations, stop=stop)

    def _spread(
        self, problem: Problem, observed: Observed, K: Values, at: Expansion, bounded: NDArray[np.bool_]
    ) -> Spread:
        steps = observed.spins.shape[1]
        size = math.ceil(observed.samples * len(K) / _SCORES)
        size = max(1, min(size, observed.samples // _FEW, steps // 8))
        scores = problem.scores(K, size)
        chains, n, A = scores.shape
        influence = np.full((A, chains * n), math.nan)
        if bounded.any():
            with suppress(NotPositiveDefinite):  # far from a minimum: no errors
                influence[bounded] = -solve(at.hessian, scores.reshape(-1, A).T[bounded])
        statistics = problem.scores(np.zeros(A), size)
        return Spread(influence.T.reshape(chains, n, A), statistics, size)


def tell_apart(hessian: Values | csr_matrix, names: tuple[str, ...]) -> None:
    """Raise if some terms, or a sum of them, do the same to every sample.

    Raises
    ------
    InputError
        With the names of those terms.
    """
    try:
        solve(hessian, np.random.default_rng(0).normal(size=len(names)), tolerance=1e-6)
        return
    except NotPositiveDefinite as error:
        if error.direction is not None:
            _refuse(error.direction, names)
    dense = hessian if isinstance(hessian, np.ndarray) else hessian.toarray()
    diagonal = np.diagonal(dense)
    if not (diagonal > 0).all():
        _refuse((diagonal <= 0).astype(float), names)
    scale = diagonal**-0.5
    _refuse(scale * np.linalg.eigh(dense * np.outer(scale, scale))[1][:, 0], names)


def _refuse(direction: Values, names: tuple[str, ...]) -> NoReturn:
    involved = [names[a] for a in np.flatnonzero(np.abs(direction) > 1e-3 * np.abs(direction).max())]
    shown = ", ".join(involved[:6]) + (", …" if len(involved) > 6 else "")
    if len(involved) == 1:
        got = f"{shown}, which changes with no spin of any sample"
    else:
        got = f"{shown}, of which a combination changes with no spin of any sample"
    raise InputError(
        "terms that the samples tell apart", got, "leave one out, or infer with a penalty: l2=0.01"
    )


def _main(direction: Values) -> Values:
    """A direction without the components that are on their way to 0."""
    return np.where(np.abs(direction) > 1e-3 * np.abs(direction).max(initial=0.0), direction, 0.0)


def _named(names: Iterable[str], values: Values) -> dict[str, float]:
    return dict(zip(names, values.tolist(), strict=True))


def _state(bounded: bool, known: bool, error: float, converged: bool) -> Convergence:
    if not bounded:
        return Convergence.UNBOUNDED
    if not converged:
        return Convergence.ITERATION_LIMIT
    if math.isinf(error):
        return Convergence.TOO_FEW_SAMPLES
    return Convergence.CONVERGED if known else Convergence.CORRELATED

"""How well two kinds of ground conduct, from fields of steady flows through them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lensmaker.core import Convergence, InputError, Measurement, Reference, Table, Where
from lensmaker.instruments.base import Instrument
from lensmaker.numerics.grouped_fits import Values, gauss_newton
from lensmaker.numerics.resampling import Estimate
from lensmaker.systems.fields.steady_flow import SteadyFlows, steady_flow

LEAST = 5
"""Media that errors rest on."""


@dataclass(frozen=True)
class ConductivityFit:
    """What was found.

    Attributes
    ----------
    ratio, source
        a₁/a₀ and f/a₀.
    refinement
        Relative change of the ratio on a grid twice as fine; contained in its error.
    misfit
        Root mean square of what is left, relative to that of the fields.
    converged
        Whether the fit ended.
    """

    ratio: Estimate
    source: Estimate
    refinement: float
    misfit: float
    converged: bool


@dataclass(frozen=True)
class InferredConductivity(Instrument):
    r"""a(x) of −∇·(a ∇u) = f as a function of a bit, by solving for u and comparing with what was seen.

    The equation knows a and f up to a common factor: a₁/a₀ and f/a₀ are what can be found. Errors are from leaving
    media out, and from what a finer grid would change; that the ground is known at the points alone, and not where one
    kind ends between them, is not among them: `misfit` tells of it.

    Parameters
    ----------
    start
        a₁/a₀ to begin with.
    refine
        Points for each one of the medium, even.

    Examples
    --------
    >>> media = np.random.default_rng(0).random((6, 8, 8)) < 0.5
    >>> seen = SteadyFlows(media, np.stack([3.0 * steady_flow(m, 5.0) for m in media]))
    >>> found = InferredConductivity().fit(seen)
    >>> round(found.ratio.value, 5), round(found.source.value, 5)
    (5.0, 3.0)
    """

    start: float = 4.0
    refine: int = 2

    name = "inferred_conductivity"
    summary = "Ratio of the conductivities of two kinds of ground, from steady fields in media of them."
    quantities = ("conductivity_ratio", "source_strength")
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "li2020",
            "Z. Li, N. Kovachki, K. Azizzadenesheli, B. Liu, K. Bhattacharya, A. Stuart, A. Anandkumar",
            "Fourier Neural Operator for Parametric Partial Differential Equations",
            2020,
            "",
            "arXiv:2010.08895",
        ),
    )

    def measure(self, system: SteadyFlows) -> Table[Measurement]:
        found = self.fit(system)
        state = Convergence.CONVERGED if found.converged else Convergence.ITERATION_LIMIT
        pairs = zip(self.quantities, (found.ratio, found.source), strict=True)
        where = Where("medium")
        return Table([self.measurement(q, where, *estimate, len(system), state) for q, estimate in pairs])

    def fit(self, flows: SteadyFlows) -> ConductivityFit:
        """The two numbers.

        Raises
        ------
        InputError
            If there are too few media.
        """
        if len(flows) < LEAST:
            raise InputError(f"{LEAST} media or more", f"{len(flows)}", "pass more")
        kept: dict[float, Values] = {}

        def solved(log_ratio: float) -> Values:
            if log_ratio not in kept:
                kept[log_ratio] = self._solved(flows, log_ratio, self.refine)
            return kept[log_ratio]

        def residuals(θ: Values) -> Values:
            return (math.exp(θ[1]) * solved(float(θ[0])) - flows.fields).reshape(len(flows), -1)

        first = solved(math.log(self.start))
        scale = float((first * flows.fields).sum() / (first**2).sum())
        if not scale > 0:
            raise InputError("fields that are positive in the main", "others", "change their sign")
        start = np.array([math.log(self.start), math.log(scale)])
        fit = gauss_newton(residuals, start, step=1e-3, tolerance=1e-7)
        log_ratio, log_source = (float(v) for v in fit.values)
        finer = math.exp(log_source) * (self._solved(flows, log_ratio, 2 * self.refine) - solved(log_ratio))
        refinement = fit.pull @ finer.ravel()
        errors = np.hypot(fit.errors, refinement)
        ratio, source = math.exp(log_ratio), math.exp(log_source)
        return ConductivityFit(
            Estimate(ratio, ratio * float(errors[0])),
            Estimate(source, source * float(errors[1])),
            float(refinement[0]),
            math.sqrt(float((fit.residuals**2).sum() / (flows.fields**2).sum())),
            fit.converged,
        )

    def _solved(self, flows: SteadyFlows, log_ratio: float, refine: int) -> Values:
        return np.stack([steady_flow(m, math.exp(log_ratio), refine) for m in flows.media])

"""Order and chaos in deep random networks: fixed points, depth scales and phase of an activation.

Sources: Poole et al. 2016 (arXiv:1606.05340) for the maps and the phases, Schoenholz et al. 2016
(arXiv:1611.01232) for the depth scales, Roberts, Yaida, Hanin 2022 (arXiv:2106.10165) for the
universality classes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from lensmaker.core import INSIDE, InputError, Prediction, Reference, Regime, Table, Where
from lensmaker.core.bibliography import POOLE_2016, ROBERTS_2022, SCHOENHOLZ_2017
from lensmaker.theories.activation_functions import Activation, ElementWise, activation
from lensmaker.theories.base import Theory
from lensmaker.theories.critical_line import critical_line
from lensmaker.theories.fixed_points import (
    Correlation,
    SecondMoment,
    Settling,
    settle_correlation,
    settle_second_moment,
)
from lensmaker.theories.signal_maps import gain, gain_at_zero

_LARGEST = 1e6

LARGE_Q = 2.0**40
"""Where χ₁ is evaluated when the second moment diverges."""


class Phase(Enum):
    """The phase of a layer repeated without end; the value says what its depth does."""

    ORDERED = "χ₁ < 1: gradients vanish with depth, and all inputs become alike"
    CRITICAL = "χ₁ = 1: gradients keep their size, and inputs are forgotten slower than exponentially"
    CHAOTIC = "χ₁ > 1: gradients explode with depth, and similar inputs become different"
    UNBOUNDED = "the second moment has no finite fixed point, so there is no phase"


@dataclass(frozen=True)
class ActivationLayer:
    """The system studied: a wide layer of random weights, followed by φ, repeated without end.

    Attributes
    ----------
    activation
        A name of `activation_functions.NAMED`, or an element-wise differentiable torch function.
    sigma_w, sigma_b
        √(fan_in·Var(w)) and √Var(b).
    start
        Second moment q₀ of the first pre-activation; matters where there are several fixed points.
    """

    activation: str | ElementWise | Activation
    sigma_w: float
    sigma_b: float
    start: float = 1.0


class Criticality(Theory):
    """Fixed points, depth scales and critical σ_w of a random layer repeated without end.

    With V and C the maps of `signal_maps`,

        q* = V(q*),  c* = C(c*),  χ₁ = σ_w² E[φ'(√q* z)²],
        ξ_q = −1/ln|V'(q*)|,  ξ_c = −1/ln|C'(c*)|.

    Raises
    ------
    InputError
        If σ_w, σ_b or the start is not a possible one, or the activation not a function of one number.

    Examples
    --------
    >>> layer = ActivationLayer("tanh", sigma_w=1.5, sigma_b=0.2)
    >>> for p in Criticality().predict(layer):
    ...     print(f"{p.quantity.symbol} = {p.value:.4f}")
    q* = 0.8709
    c* = 0.4966
    χ₁ = 1.1009
    ξ_q = 1.3046
    ξ_c = 14.5426
    σ_w = 1.3041
    """

    name: ClassVar[str] = "criticality"
    summary: ClassVar[str] = "Fixed points, depth scales and critical line of an activation function."
    quantities: ClassVar[tuple[str, ...]] = (
        "fixed_point_q",
        "fixed_point_c",
        "chi_1",
        "xi_q",
        "xi_c",
        "critical_sigma_w",
    )
    assumptions: ClassVar[tuple[str, ...]] = (
        "the layers are infinitely wide and their weights and biases independent and Gaussian",
        "every layer has the same σ_w, σ_b and activation",
        "the depth is large compared with ξ_q",
    )
    references: ClassVar[tuple[Reference, ...]] = (POOLE_2016, SCHOENHOLZ_2017, ROBERTS_2022)

    def predict(self, system: ActivationLayer) -> Table[Prediction]:
        phi = _checked(system)
        coordinates = (("sigma_w", float(system.sigma_w)), ("sigma_b", float(system.sigma_b)))
        where = Where(operation=phi.name, coordinates=coordinates)
        q = settle_second_moment(phi, system.sigma_w, system.sigma_b, system.start)
        outside = Regime(q.settling.value)
        chi, chi_error = _chi_1(phi, system.sigma_w, q)
        xi_q, xi_q_error = depth_scale(q.slope, q.slope_error)
        point = critical_line(phi, (system.sigma_b,))[0]
        lost = Regime(Settling.UNRESOLVED.value) if q.settling is Settling.UNRESOLVED else INSIDE
        chi_regime = outside if q.settling is Settling.DIVERGES else lost
        c, pair = Correlation(math.nan, math.nan, math.nan, math.nan), outside
        if q.settling in (Settling.FIXED_POINT, Settling.HALF_STABLE, Settling.EVERY_Q):
            c = settle_correlation(phi, system.sigma_w, system.sigma_b, q.value)
            pair = INSIDE if q.settling is Settling.EVERY_Q else outside
        xi_c, xi_c_error = depth_scale(c.slope, c.slope_error)
        steep = Regime("φ jumps, so χ₁ is infinite and the slope of C is not computed") if phi.jumps else pair
        return Table(
            (
                self.prediction(
                    "fixed_point_q",
                    where,
                    q.value,
                    q.error,
                    INSIDE if q.settling is Settling.VANISHES else outside,
                ),
                self.prediction("fixed_point_c", where, c.value, c.error, pair),
                self.prediction("chi_1", where, chi, chi_error, chi_regime),
                self.prediction("xi_q", where, xi_q, xi_q_error, lost if xi_q >= 0 else outside),
                self.prediction("xi_c", where, xi_c, xi_c_error, steep),
                self.prediction(
                    "critical_sigma_w", where, point.sigma_w, point.error, Regime(point.status.value)
                ),
            )
        )


def phase(
    function: str | ElementWise | Activation, sigma_w: float, sigma_b: float, start: float = 1.0
) -> Phase:
    """The phase of a layer: by χ₁ at the fixed point, critical where it is 1 within its numerical error.

    Raises
    ------
    InputError
        As `Criticality`; also if the Gaussian integrals of the activation do not converge.

    Examples
    --------
    >>> phase("tanh", 0.9, 0.0).name, phase("tanh", 1.0, 0.0).name, phase("tanh", 1.1, 0.0).name
    ('ORDERED', 'CRITICAL', 'CHAOTIC')
    >>> phase("relu", 1.5, 0.0).name
    'UNBOUNDED'
    """
    phi = _checked(ActivationLayer(function, sigma_w, sigma_b, start))
    return _phase(phi, sigma_w, settle_second_moment(phi, sigma_w, sigma_b, start))


def depth_scale(slope: float, slope_error: float = 0.0) -> tuple[float, float]:
    """ξ = −1/ln|slope| and its error: the depth over which a deviation falls by e; ∞ where it does not fall.

    Examples
    --------
    >>> round(depth_scale(math.exp(-0.1))[0], 12)
    10.0
    >>> depth_scale(1.0)[0], depth_scale(0.0)[0]
    (inf, 0.0)
    """
    size = abs(slope)
    if math.isnan(size):
        return math.nan, math.nan
    if abs(size - 1) <= slope_error + 1e-13:
        return math.inf, 0.0
    if size == 0.0:
        return 0.0, 0.0
    scale = -1 / math.log(size)
    return scale, scale * scale * slope_error / size


def _phase(phi: Activation, sigma_w: float, q: SecondMoment) -> Phase:
    if q.settling is Settling.UNRESOLVED:
        raise InputError(
            "an activation with finite Gaussian moments", phi.name, "bound its growth, or lower σ_w and σ_b"
        )
    if q.settling is Settling.DIVERGES:
        return Phase.UNBOUNDED
    chi, error = _chi_1(phi, sigma_w, q)
    if abs(chi - 1) <= error + 1e-12:
        return Phase.CRITICAL
    return Phase.ORDERED if chi < 1 else Phase.CHAOTIC


def _chi_1(phi: Activation, sigma_w: float, q: SecondMoment) -> tuple[float, float]:
    """χ₁ at q*, or its limit at 0 or at large q; the error of q* goes in through d ln χ₁/d ln q ~ 1."""
    if q.settling is Settling.UNRESOLVED:
        return math.nan, math.nan
    if q.value == 0.0:
        chi = sigma_w**2 * gain_at_zero(phi)
        return chi, 1e-14 * chi
    if phi.jumps:
        return math.inf, 0.0
    if q.settling is Settling.DIVERGES:
        chi, beyond = (sigma_w**2 * float(gain(phi, at).value) for at in (LARGE_Q, 4 * LARGE_Q))
        return (chi, abs(chi - beyond)) if abs(chi - beyond) < 1e-3 * chi else (math.inf, 0.0)
    found = gain(phi, q.value)
    chi = sigma_w**2 * float(found.value)
    return chi, sigma_w**2 * float(found.error) + chi * q.error / q.value


def _checked(system: ActivationLayer) -> Activation:
    for name, symbol, least in (("sigma_w", "σ_w", 0.0), ("sigma_b", "σ_b", 0.0), ("start", "q₀", 1e-12)):
        value = getattr(system, name)
        if not (value >= least and value <= _LARGEST):
            got, fix = f"{name}={value!r}", "mind that it is a scale, not a logarithm"
            raise InputError(f"a finite {symbol} ≥ {least:g}, up to {_LARGEST:g}", got, fix)
    return activation(system.activation)

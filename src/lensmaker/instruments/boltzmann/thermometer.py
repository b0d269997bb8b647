"""A thermometer: the temperature at which a spin system has a given energy, or a given magnetisation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from lensmaker.core import Convergence, InputError, Measurement, Prediction
from lensmaker.instruments.spins.ensemble import Ensemble
from lensmaker.systems.spins.sampling.samples import Samples

READ_AS = {"energy": "energy_temperature", "magnetisation": "magnetic_temperature"}
"""Quantities that tell a temperature, and what that is called."""

FEWEST = 4
"""Points of a curve, of which every other one still makes a curve."""


class Reading(NamedTuple):
    """A temperature with its standard error; at the end of the scale where the value is beyond it."""

    temperature: float
    error: float
    state: Convergence = Convergence.CONVERGED


@dataclass(frozen=True)
class Thermometer:
    r"""T(x) by the monotone curve x(T) through calibrated points, piecewise cubic (PCHIP), turned round.

    The error of a reading is

        δT² = (δx² + δx_c²)/x'(T)² + δT_i²,

    δx that of the value, δx_c that of the calibration, and δT_i by how far the curve through every other point reads
    another temperature. The scale ends at the first and at the last point: a magnetisation tells nothing above T_c, and
    its thermometer is made to end there.

    Parameters
    ----------
    quantity
        "energy" or "magnetisation".
    temperatures, values, errors
        Of the points, by rising temperature.

    Raises
    ------
    InputError
        If the points are fewer than four, do not rise in temperature, or do not rise or fall in value throughout,
        or an error is negative or not known.

    References
    ----------
    F. N. Fritsch, R. E. Carlson, SIAM J. Numer. Anal. 17, 238 (1980).

    Examples
    --------
    >>> T = [0.5 + 0.1 * k for k in range(40)]
    >>> ring = Thermometer("energy", T, [-math.tanh(1 / t) for t in T], [0.0] * 40)  # long chains
    >>> reading = ring.read(-math.tanh(0.5), error=0.002)
    >>> round(reading.temperature, 3), round(reading.error, 3)  # 0.002/0.1966
    (2.0, 0.01)
    >>> ring.read(-0.1).state.name
    'OUT_OF_SCALE'
    """

    quantity: str
    temperatures: Sequence[float]
    values: Sequence[float]
    errors: Sequence[float]

    def __post_init__(self) -> None:
        if self.quantity not in READ_AS:
            raise InputError(" or ".join(READ_AS), f"{self.quantity!r}", "choose one of them")
        T, x = np.asarray(self.temperatures, float), np.asarray(self.values, float)
        if len(T) < FEWEST or not (len(T) == len(x) == len(self.errors)):
            got = f"{len(T)} temperatures, {len(x)} values and {len(self.errors)} errors"
            raise InputError(
                f"{FEWEST} points of a curve or more", got, "calibrate it at 20 temperatures or so"
            )
        if not (np.isfinite(T).all() and np.isfinite(x).all() and (np.diff(T) > 0).all()):
            fix = "sort the points, and leave out those that are not known"
            raise InputError("finite values at temperatures that rise", "others", fix)
        if not (np.asarray(self.errors, float) >= 0).all():
            raise InputError("errors of 0 or more", "others", "leave out points whose error is not known")
        steps = np.diff(x)
        if not ((steps > 0).all() or (steps < 0).all()):
            k = int(np.argmax(np.sign(steps) != np.sign(x[-1] - x[0])))
            got = f"{x[k]:.6g} at T = {T[k]:g} and {x[k + 1]:.6g} at T = {T[k + 1]:g}"
            fix = "calibrate it with more samples, or at fewer temperatures"
            raise InputError("values that only rise, or only fall, with the temperature", got, fix)

    @classmethod
    def of(
        cls, records: Iterable[Prediction | Measurement], quantity: str = "energy", highest: float = math.inf
    ) -> Thermometer:
        """The thermometer through predictions of a theory, or through measurements, at temperatures up to `highest`.

        Raises
        ------
        InputError
            If one that is needed is outside the regime of its theory, or has not converged.
        """
        points = []
        for record in records:
            T = dict(record.where.coordinates).get("T", math.inf)
            if record.quantity.name != quantity or highest < T:
                continue
            if why := _trouble(record):
                raise InputError(f"a value to trust at T = {T:g}", why, "leave that temperature out")
            points.append((T, record.value, record.error))
        points.sort()
        return cls(quantity, *([p[k] for p in points] for k in range(3)))

    @classmethod
    def from_samples(
        cls, samples: Iterable[Samples], quantity: str = "energy", highest: float = math.inf
    ) -> Thermometer:
        """The thermometer through what samples at several temperatures measure."""
        table = [m for s in samples if s.system.temperature <= highest for m in Ensemble().measure(s)]
        return cls.of(table, quantity, highest)

    @property
    def reads(self) -> str:
        """Name of the quantity that it reads."""
        return READ_AS[self.quantity]

    def read(self, value: float, error: float = 0.0) -> Reading:
        """The temperature at which the quantity has this value ± error."""
        T, x = np.asarray(self.temperatures, float), np.asarray(self.values, float)
        low, high = sorted((x[0], x[-1]))
        if not math.isfinite(value):
            return Reading(math.nan, math.nan, Convergence.NOT_FINITE)
        state = Convergence.CONVERGED if low <= value <= high else Convergence.OUT_OF_SCALE
        value = min(max(value, low), high)
        found = self._at(self._curve, value)
        slope = abs(float(self._curve.derivative()(found)))
        calibration = float(np.interp(found, T, np.asarray(self.errors, float)))
        apart = abs(self._at(self._coarse, value) - found)
        whole = math.hypot(error, calibration)
        spread = whole / slope if slope else math.inf if whole else 0.0
        return Reading(found, math.hypot(spread, apart), state)

    @cached_property
    def _curve(self) -> Any:
        from scipy.interpolate import PchipInterpolator

        return PchipInterpolator(self.temperatures, self.values)

    @cached_property
    def _coarse(self) -> Any:
        """Through every other point, and the last one."""
        from scipy.interpolate import PchipInterpolator

        n = len(self.temperatures)
        kept = sorted({*range(0, n, 2), n - 1})
        return PchipInterpolator([self.temperatures[k] for k in kept], [self.values[k] for k in kept])

    def _at(self, curve: Any, value: float) -> float:
        from scipy.optimize import brentq

        T = self.temperatures
        ends = [float(curve(t)) - value for t in (T[0], T[-1])]
        if ends[0] * ends[1] >= 0:
            return float(T[0] if abs(ends[0]) <= abs(ends[1]) else T[-1])
        return float(brentq(lambda t: float(curve(t)) - value, T[0], T[-1], xtol=1e-12))

    def __str__(self) -> str:
        scale = f"T = {self.temperatures[0]:g} … {self.temperatures[-1]:g}"
        return f"thermometer of the {self.quantity}, {scale}, {len(self.temperatures)} points"


def _trouble(record: Prediction | Measurement) -> str:
    if isinstance(record, Prediction):
        return record.regime.outside
    return record.convergence.value

"""Prediction, measurement, and the comparison that makes a fact of the two."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from lensmaker.core.quantities import Quantity, Scale
from lensmaker.core.where import Where

AGREEMENT_Z = 3.0
"""|z| below which prediction and measurement are said to agree."""


@dataclass(frozen=True)
class Regime:
    """Whether a theory's assumptions hold where it made a prediction; if not, why not.

    Examples
    --------
    >>> bool(Regime()), bool(Regime("an LSTM has no law"))
    (True, False)
    """

    outside: str = ""

    def __bool__(self) -> bool:
        return not self.outside


INSIDE = Regime()


class Convergence(Enum):
    """State of a measurement; the value is advice, empty when there is nothing to mend."""

    CONVERGED = ""
    NOT_FINITE = "the values overflow or are not a number: look at the first element marked so"
    TOO_FEW_SAMPLES = "one sample gives no statistical error: pass a larger batch"
    SERIES_TOO_SHORT = "the series is shorter than 50 autocorrelation times: sample longer"
    CHAINS_DISAGREE = "the chains have not met (R̂ > 1.05): burn in longer, or choose another rule"
    ITERATION_LIMIT = "the iteration stopped at its limit: raise the limit or loosen the tolerance"
    CORRELATED = "the samples are too few for how long they remember, so the error is a guess: sample longer"
    NEVER_VARIED = (
        "the samples are all alike, so the error is unknown: sample longer, or at a higher temperature"
    )
    DIRECTIONS_APART = "annealing up and down do not meet: take more steps"
    UNEVEN = "few of the samples carry all the weight, so the error is a guess: take more of them"
    NO_ONE_POWER = "the sizes do not follow one power: leave the smallest out, or add larger ones"
    TOO_FEW_FOR_OPERATORS = (
        "the samples are too few for so many operators: sample longer, or take fewer operators"
    )
    NO_EXPONENT = (
        "the leading eigenvalue is complex or negative, so the exponent is that of its size: "
        "take other operators, or sample longer"
    )
    UNDERSAMPLED = (
        "few samples come to each state, so the bias is a guess: sample longer, or take fewer spins"
    )
    AT_CEILING = "the bound is near the largest value it can have: take a larger batch, or count states"
    UNBOUNDED = "the samples fit best at an infinite value: draw more of them, or penalise large values"
    OUT_OF_SCALE = "the value is beyond the scale of the thermometer: calibrate it at more temperatures"
    MISFIT = "the samples do not follow what was fitted to them: fit smaller momenta, or take a higher order"
    INDISTINCT = "the rows do not tell this term from others: vary the variables apart, or lower the degree"
    TERM_LIMIT = "the fit would take more terms than it may: pass more rows, or raise the limit"
    NO_PAIRS = (
        "no product of two sites stands out of its error, so there is no form to read: pass more rows, "
        "or raise the degree"
    )
    STEP_VANISHED = "the step in time fell to nothing: the solution blows up before this time, or the tolerance is below rounding"
    ENDS_APART = "the starts end apart: iterate longer, or there is more than one fixed point"


@dataclass(frozen=True)
class Prediction:
    """A theory's value ± error (one standard deviation) at a place, with its regime."""

    quantity: Quantity
    where: Where
    value: float
    error: float
    theory: str
    regime: Regime = INSIDE


@dataclass(frozen=True)
class Measurement:
    """An instrument's value ± error (one standard error) at a place, with its convergence."""

    quantity: Quantity
    where: Where
    value: float
    error: float
    instrument: str
    samples: int
    convergence: Convergence = Convergence.CONVERGED


class Verdict(Enum):
    """What the comparison of a prediction with a measurement says."""

    AGREES = "agrees"
    DEVIATES = "deviates"
    OUTSIDE = "theory outside its regime"
    NOT_CONVERGED = "measurement not converged"


@dataclass(frozen=True)
class Comparison:
    """A prediction and a measurement of the same quantity at the same place.

    For a quantity on a log scale z = ln(measured/predicted) / √((σ_p/p)² + (σ_m/m)²),
    otherwise z = (measured − predicted) / √(σ_p² + σ_m²).

    Examples
    --------
    >>> from lensmaker.core.quantities import quantity
    >>> p = Prediction(quantity("mean"), Where("fc"), 1.0, 0.3, "t")
    >>> m = Measurement(quantity("mean"), Where("fc"), 1.5, 0.4, "i", samples=10)
    >>> Comparison(p, m).z_score, Comparison(p, m).verdict.value
    (1.0, 'agrees')
    """

    prediction: Prediction
    measurement: Measurement

    def __post_init__(self) -> None:
        if (self.prediction.quantity, self.prediction.where) != (
            self.measurement.quantity,
            self.measurement.where,
        ):
            raise ValueError("a comparison needs the same quantity at the same place")

    @property
    def quantity(self) -> Quantity:
        return self.prediction.quantity

    @property
    def where(self) -> Where:
        return self.prediction.where

    @property
    def ratio(self) -> float:
        """Measured over predicted; nan where the prediction is zero."""
        p = self.prediction.value
        return self.measurement.value / p if p else math.nan

    @property
    def z_score(self) -> float:
        """Deviation in standard errors; 0 where both agree exactly, ±inf where only the errors vanish."""
        p, m = self.prediction, self.measurement
        if self.quantity.scale is Scale.LOG and p.value > 0 and m.value > 0:
            difference = math.log(m.value) - math.log(p.value)
            error = math.hypot(p.error / p.value, m.error / m.value)
        else:
            difference = m.value - p.value
            error = math.hypot(p.error, m.error)
        if difference == 0:
            return 0.0
        return difference / error if error else math.copysign(math.inf, difference)

    @property
    def verdict(self) -> Verdict:
        if self.measurement.convergence is not Convergence.CONVERGED:
            return Verdict.NOT_CONVERGED
        if not self.prediction.regime:
            return Verdict.OUTSIDE
        return Verdict.AGREES if abs(self.z_score) < AGREEMENT_Z else Verdict.DEVIATES

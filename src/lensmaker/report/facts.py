"""A bench record as reports draw it: the elements in order, and what is known at each of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from lensmaker.core import (
    AGREEMENT_Z,
    QUANTITIES,
    BenchRecord,
    Comparison,
    Measurement,
    Prediction,
    Quantity,
    Scale,
    Table,
    Training,
    Verdict,
    Where,
)
from lensmaker.report.numbers import number

RAYS = ("second_moment", "correlation", "chi", "gradient")
"""The quantities that every report draws through the train."""


@dataclass(frozen=True)
class Fact:
    """All that is known of one quantity at one place: predicted, measured, and after the correction.

    Attributes
    ----------
    element
        Position of the place in the train, None where the train does not pass it.
    prediction, measurement
        None where only the other one exists.
    corrected
        The predicted effect of a correction beside what was measured once it was applied.
    """

    where: Where
    element: int | None
    quantity: Quantity
    prediction: Prediction | None = None
    measurement: Measurement | None = None
    corrected: Comparison | None = None

    @property
    def comparison(self) -> Comparison | None:
        if self.prediction is None or self.measurement is None:
            return None
        return Comparison(self.prediction, self.measurement)

    @property
    def verdict(self) -> Verdict | None:
        """The comparison's verdict; without a partner only what disqualifies the one that is there."""
        if self.comparison is not None:
            return self.comparison.verdict
        if self.measurement is not None and self.measurement.convergence.value:
            return Verdict.NOT_CONVERGED
        return Verdict.OUTSIDE if self.prediction is not None and not self.prediction.regime else None

    @property
    def reason(self) -> str:
        """Why the two cannot be held against each other, "" where they can."""
        if self.verdict is Verdict.NOT_CONVERGED and self.measurement is not None:
            return self.measurement.convergence.value
        return self.prediction.regime.outside if self.prediction is not None else ""


def train(record: BenchRecord) -> tuple[Where, ...]:
    """The places the signal passes, in order: the prescription's, or those with numbers if it is empty."""
    if record.elements:
        return tuple(element.where for element in record.elements)
    places = [c.where for c in record.comparisons]
    places += [p.where for p in record.predictions] + [m.where for m in record.measurements]
    return tuple(dict.fromkeys(places))


def facts(record: BenchRecord) -> tuple[Fact, ...]:
    """One fact for each quantity at each place, along the train and then in the glossary's order."""
    places = {where: i for i, where in reversed(tuple(enumerate(train(record))))}
    predictions = {_key(p): p for p in (*record.predictions, *(c.prediction for c in record.comparisons))}
    measurements = {_key(m): m for m in (*record.measurements, *(c.measurement for c in record.comparisons))}
    corrected = {_key(c): c for c in record.corrected}
    rank = {q.name: i for i, q in enumerate(QUANTITIES)}
    keys = dict.fromkeys((*predictions, *measurements, *corrected))
    found = [
        Fact(
            key[1],
            places.get(key[1]),
            key[0],
            predictions.get(key),
            measurements.get(key),
            corrected.get(key),
        )
        for key in keys
    ]
    end = len(places)

    def order(fact: Fact) -> tuple[int, int]:
        return end if fact.element is None else fact.element, rank.get(fact.quantity.name, len(rank))

    return tuple(sorted(found, key=order))


def interval(value: float, error: float, quantity: Quantity, width: float) -> tuple[float, float]:
    """`value` ± `width` errors; on a logarithmic scale value·exp(±width·error/value), as in z-scores.

    Examples
    --------
    >>> from lensmaker.core import quantity
    >>> interval(0.5, 0.1, quantity("mean"), 2)
    (0.3, 0.7)
    >>> low, high = interval(1.0, 0.1, quantity("chi"), 2)
    >>> round(low, 4), round(high, 4)
    (0.8187, 1.2214)
    """
    if not (math.isfinite(value) and math.isfinite(error)):
        return value, value
    if quantity.scale is Scale.LOG and value > 0:
        spread = math.exp(min(width * error / value, 50.0))
        return value / spread, value * spread
    return value - width * error, value + width * error


def counts(found: Iterable[Fact]) -> dict[Quantity, Counter[Verdict]]:
    """How often each verdict fell, for each quantity that was compared."""
    table: dict[Quantity, Counter[Verdict]] = {}
    for fact in found:
        if fact.comparison is not None:
            table.setdefault(fact.quantity, Counter())[fact.comparison.verdict] += 1
    return table


def reasons(found: Iterable[Fact]) -> dict[str, tuple[int, Where]]:
    """Why numbers could not be compared: the reason, at how many places, and the first of them."""
    places: dict[str, dict[Where, None]] = {}
    for fact in found:
        if fact.reason:
            places.setdefault(fact.reason, {})[fact.where] = None
    return {reason: (len(wheres), next(iter(wheres))) for reason, wheres in places.items()}


def summary(found: Iterable[Fact]) -> str:
    """How many comparisons agree, and what became of the others, in one line."""
    total: Counter[Verdict] = sum(counts(found).values(), Counter())
    if not total:
        return "nothing was both predicted and measured"
    parts = [f"{total[Verdict.AGREES]} of {total.total()} comparisons agree (|z| < {AGREEMENT_Z:g})"]
    if deviating := total[Verdict.DEVIATES]:
        parts.append(f"{deviating} deviate" + ("s" if deviating == 1 else ""))
    if outside := total[Verdict.OUTSIDE]:
        parts.append(f"{outside} outside the theory's regime")
    if broken := total[Verdict.NOT_CONVERGED]:
        parts.append(f"{broken} with a measurement that did not converge")
    return ", ".join(parts)


def as_corrected(record: BenchRecord) -> BenchRecord:
    """The record of the corrected network: the predicted effect beside what was measured."""
    return replace(
        record, comparisons=record.corrected, predictions=Table(), measurements=Table(), corrected=Table()
    )


def gradient_span(record: BenchRecord) -> str:
    """How much larger the gradient is at the first element than at the last, in one line; "" where none is."""
    rays = [c for c in record.comparisons if c.quantity.name == "gradient"]
    if len(rays) < 2:
        return ""
    first, last = rays[0], rays[-1]
    values = [c.prediction.value for c in (first, last)] + [c.measurement.value for c in (first, last)]
    if not all(0 < value < math.inf for value in values):
        return ""
    predicted, measured = (number(math.sqrt(a / b), 2) for a, b in (values[:2], values[2:]))
    return f"the gradient at {first.where} is {measured} times that at {last.where} (predicted {predicted})"


def meaning(training: Training) -> str:
    """What a verdict says about this network, in one clause for the reader."""
    if training is Training.FRESH:
        return "the theory should hold here, so a deviation is news"
    return "the theory is the null hypothesis of random weights, so a deviation is what training built"


def _key(entry: Prediction | Measurement | Comparison) -> tuple[Quantity, Where]:
    return entry.quantity, entry.where

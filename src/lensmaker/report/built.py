"""What training built, in words and rows: one sentence on top, one row for each weight."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from lensmaker.core import BenchRecord, Built, Comparison, Origin, Scale, Verdict, Where
from lensmaker.report.facts import train
from lensmaker.report.numbers import number, signed, with_error

NAMED = 3
"""Weights that the sentence names of each kind."""

SHORT = {Origin.BUILT: "changed", Origin.DRAWN: "no different", Origin.UNTOLD: "not told"}
"""The words for an origin in a column."""


@dataclass(frozen=True)
class Departure:
    """How far one quantity is from that of random weights, as a reader wants it.

    Attributes
    ----------
    text, error
        Measured over random, or measured minus random for a correlation; and "± error"; "—" without one.
    z, judgement
        In errors; "agrees", "deviates" or why neither.
    measured, null
        Both sides, each with its error.
    """

    text: str
    error: str
    z: str
    judgement: Verdict | None
    measured: str
    null: str

    @property
    def departs(self) -> bool:
        """Whether it is a fact, and not noise."""
        return self.judgement is Verdict.DEVIATES


@dataclass(frozen=True)
class BuiltRow:
    """One weight, all in words but its position in the train, its spikes and the share of rank left."""

    name: str
    element: int | None
    spikes: int
    origin: str
    left: float
    cells: list[Departure]


COLUMNS = (
    ("edge", "s₁/s₊", "largest singular value over the Marchenko–Pastur edge"),
    ("rank", "r/r₀", "effective rank over that of a random matrix of this size"),
    ("chi", "χ/χ₀", "growth of a tangent over what random weights of this scale make of it"),
    ("correlation", "c−c₀", "correlation between samples minus that after random weights"),
)
"""Field of `Built`, heading and explanation."""


def departures(weight: Built) -> list[Departure]:
    """Those of the four columns, in their order."""
    return [departure(getattr(weight, field), field) for field, _, _ in COLUMNS]


def departure(compared: Comparison | None, field: str) -> Departure:
    """The departure in one column; the edge is a ratio already."""
    if compared is None:
        return Departure("—", "", "", None, "—", "—")
    p, m = compared.prediction, compared.measurement
    if field == "edge":
        value, error = m.value, p.error
    elif compared.quantity.scale is Scale.LOG:
        value = compared.ratio
        relative = math.hypot(p.error / p.value, m.error / m.value) if p.value and m.value else math.nan
        error = value * relative
    else:
        value, error = m.value - p.value, math.hypot(p.error, m.error)
    verdict = compared.verdict
    z = {Verdict.OUTSIDE: "out", Verdict.NOT_CONVERGED: "n.c."}.get(verdict, "")
    return Departure(
        f"{value:+.2f}"
        if field == "correlation"
        else f"{value:.2f}"
        if 0.1 <= value < 10
        else number(value, 2),
        f"± {number(error, 1)}",
        z or signed(compared.z_score),
        verdict,
        with_error(m.value, m.error),
        with_error(p.value, p.error),
    )


def summary_of_built(record: BenchRecord) -> str:
    """Which weights training changed, which of them most, and which are as they were drawn."""
    kinds = {origin: [b for b in record.built if b.origin is origin] for origin in Origin}
    changed, total = kinds[Origin.BUILT], len(record.built)
    if not changed:
        sentences = [f"No spectrum of the {_weights(total)} departs from that of random numbers"]
    else:
        of = f"all {_weights(total)}" if len(changed) == total else f"{len(changed)} of {_weights(total)}"
        most = sorted(changed, key=attrgetter("rank_left"))[:NAMED]
        sentences = [f"Training changed {of}, most {'; then '.join(_told(b) for b in most)}"]
    for origin, words in (
        (Origin.DRAWN, "No different from a random draw"),
        (Origin.UNTOLD, "Cannot be told, with too few rows or more even than any draw"),
    ):
        if kinds[origin]:
            sentences.append(f"{words}: {_listed([b.where for b in kinds[origin]])}")
    return ". ".join(sentences)


def most_changed(weights: Sequence[Built], most: int) -> list[int]:
    """Positions of the weights that lost most rank, in the order of the signal."""
    order = sorted(range(len(weights)), key=lambda i: weights[i].rank_left)
    return sorted(order[:most])


def built_cells(record: BenchRecord, most: int | None = None) -> list[BuiltRow]:
    """The rows as templates want them, each with the position of its element in the train."""
    places = {where: i for i, where in reversed(tuple(enumerate(train(record))))}
    weights = record.built
    shown = range(len(weights)) if most is None else most_changed(weights, most)
    return [
        BuiltRow(
            str(weights[i].where),
            places.get(weights[i].where),
            weights[i].spikes,
            SHORT[weights[i].origin],
            min(1.0, weights[i].rank_left),
            departures(weights[i]),
        )
        for i in shown
    ]


def _told(b: Built) -> str:
    spikes = "no spike" if b.spikes == 0 else f"{b.spikes} spike" + ("s" if b.spikes > 1 else "")
    height = f" up to {number(b.edge.measurement.value, 2)} edges" if b.edge is not None and b.spikes else ""
    return f"{b.where} ({b.rank_left:.0%} of the rank left, {spikes}{height})"


def _listed(places: Iterable[Where]) -> str:
    names = [str(place) for place in places]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _weights(n: int) -> str:
    return f"{n} weight" + ("" if n == 1 else "s")

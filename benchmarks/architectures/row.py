"""One row of the table: what an inspection read, predicted, flagged and found."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lensmaker.core import BenchRecord, Comparison, Convergence, Verdict

FACTOR = 3.0
"""A prediction inside its regime that is further off than this, and deviates, is silent nonsense."""


@dataclass(frozen=True)
class Row:
    """What came of one architecture.

    Attributes
    ----------
    elements, read
        Elements that do something to the signal, and those whose signal was measured with a statistical error.
    predicted
        Elements whose signal has a prediction inside the regime of the theory.
    comparisons, agree
        Comparisons inside the regime, of all quantities, and those of them that agree.
    off
        Places where signal or gradient is off by more than FACTOR inside the regime, and deviates.
    outside
        What the theory marks as outside its regime, in words.
    findings
        What is said to harm the network.
    refused
        The sentence with which it was refused; all else is then empty.
    """

    elements: int = 0
    read: int = 0
    predicted: int = 0
    comparisons: int = 0
    agree: int = 0
    off: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    refused: str = ""


def row_of(record: BenchRecord) -> Row:
    """The row of an inspected network."""
    places = {e.where for e in record.elements}
    signals = [c for c in record.comparisons if c.quantity.name == "second_moment"]
    measured = [c.measurement for c in signals] + [
        m for m in record.measurements if m.quantity.name == "second_moment"
    ]
    inside = [c for c in record.comparisons if c.verdict in (Verdict.AGREES, Verdict.DEVIATES)]
    told = {m.where for m in measured if m.convergence is Convergence.CONVERGED}
    reasons = [
        reason
        for p in [*(c.prediction for c in record.comparisons), *record.predictions]
        if (reason := in_words(p.where.operation, p.regime.outside))
    ]
    return Row(
        len(record.elements),
        len(places & told),
        sum(bool(c.prediction.regime) for c in signals),
        len(inside),
        sum(c.verdict is Verdict.AGREES for c in inside),
        tuple(f"{c.quantity} at {c.where}: {c.ratio:.3g}" for c in inside if is_off(c)),
        tuple(dict.fromkeys(reasons)),
        tuple(f"{f.aberration} at {f.where}" for f in record.findings if not f.consequence_of),
    )


def is_off(c: Comparison) -> bool:
    """Whether a comparison inside the regime is nonsense."""
    of_interest = c.quantity.name in ("second_moment", "gradient")
    return of_interest and c.verdict is Verdict.DEVIATES and not 1 / FACTOR <= c.ratio <= FACTOR


def in_words(operation: str, outside: str) -> str:
    """Where and why the theory left its regime, without what only follows from it; "" for that.

    Examples
    --------
    >>> in_words("add", "after rnn:lstm: lstm has no mean-field law here; the ray goes on from recorded values")
    'lstm: no mean-field law'
    >>> in_words("add", "no gradient comes back through rnn:lstm: lstm has no mean-field law here")
    ''
    """
    if not outside or outside.startswith("no gradient comes back"):
        return ""
    text = outside.removesuffix("; the ray goes on from recorded values")
    if after := re.match(r"after (\S*?):?(\w+)(?:#-?\d+)?: (.*)", text):
        operation, text = after[2], after[3]
    text = re.sub(r" \(\(.*\) here, .* recorded\)$", "", text)
    if "has no mean-field law here" in text:
        return f"{operation}: no mean-field law"
    if twin := re.match(r"its weights are those of (\S+), which its input depends on", text):
        return f"{operation} tied to {twin[1].rpartition(':')[2]}"
    if text.startswith("the gradient of a scale"):
        return "gradients of the scales of norms, where the head is tied"
    if "leaves the range of single precision" in text:
        return "values that are zero or beyond single precision"
    if text.startswith(("too deep for its width", "the loss takes")):
        return text.partition(":")[0]
    return f"{operation}: {text.removeprefix(operation + ': ')}"

"""Which elements of a long train deserve a line, and what to say of those between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lensmaker.core import Verdict
from lensmaker.report.facts import Fact

MOST = 40
"""A train up to this long is shown whole."""

FEW = 12
"""So many elements are always room for."""

_WORDS = (
    (Verdict.DEVIATES, "deviate", "deviates"),
    (Verdict.OUTSIDE, "outside the theory's regime", "outside the theory's regime"),
    (Verdict.NOT_CONVERGED, "not converged", "not converged"),
)

State = frozenset[Verdict]


def notable(states: Sequence[State], worst: Sequence[float], blamed: set[int], most: int = MOST) -> set[int]:
    """The elements worth a line: those at fault, the ends, the first and the worst of each troubled stretch.

    Parameters
    ----------
    states
        The verdicts at each element, without "agrees".
    worst
        The largest |z| at each element.
    blamed
        The elements that findings name; always shown.
    most
        A train up to this long is shown whole, and of a longer one about as many elements.

    Examples
    --------
    >>> calm, off = frozenset(), frozenset({Verdict.DEVIATES})
    >>> sorted(notable([calm] * 50 + [off] * 10 + [calm] * 40, [0.0] * 53 + [9.0] + [0.0] * 46, set()))
    [0, 50, 53, 99]
    """
    length = len(states)
    if length <= most:
        return set(range(length))
    chosen = {0, length - 1} | blamed
    troubled = [(i, j, max(range(i, j), key=lambda k: worst[k])) for i, j in _stretches(states) if states[i]]
    for first, _, peak in sorted(troubled, key=lambda s: (-worst[s[2]], s[0] - s[1])):
        if len(chosen) < max(most, FEW) + len(blamed):
            chosen |= {first, peak}
    return chosen


def runs(length: int, shown: set[int]) -> Iterator[range]:
    """Each shown element alone, and each stretch of hidden ones as one range.

    Examples
    --------
    >>> [list(r) for r in runs(5, {0, 3})]
    [[0], [1, 2], [3], [4]]
    """
    start = 0
    while start < length:
        stop = start + 1
        while start not in shown and stop < length and stop not in shown:
            stop += 1
        yield range(start, stop)
        start = stop


def between(states: Sequence[State]) -> str:
    """What to say of elements that are left out.

    Examples
    --------
    >>> between([frozenset()] * 180)
    '… 180 more elements agree'
    >>> between([frozenset({Verdict.DEVIATES})] + [frozenset()] * 2)
    '… 3 more elements: 2 agree, 1 deviates'
    """
    total, calm = len(states), sum(not s for s in states)
    noun = "element" if total == 1 else "elements"
    if calm == total:
        return f"… {total} more {noun} agree" + ("s" if total == 1 else "")
    tally = {verdict: 0 for verdict, *_ in _WORDS}
    for state in states:
        if state:
            tally[next(verdict for verdict in tally if verdict in state)] += 1
    for verdict, many, _ in _WORDS:
        if tally[verdict] == total > 1:
            return f"… {total} more {noun} {many}"
    parts = [f"{calm} agree" + ("s" if calm == 1 else "")] if calm else []
    parts += [f"{tally[v]} {one if tally[v] == 1 else many}" for v, many, one in _WORDS if tally[v]]
    return f"… {total} more {noun}: {', '.join(parts)}"


def state(row: Mapping[str, Fact]) -> State:
    """The verdicts at one element, without "agrees"."""
    return frozenset(f.verdict for f in row.values() if f.verdict and f.verdict is not Verdict.AGREES)


def worst_z(row: Mapping[str, Fact]) -> float:
    """The largest |z| that counts against the element."""
    compared = (f.comparison for f in row.values() if f.verdict is Verdict.DEVIATES)
    return max((abs(c.z_score) for c in compared if c is not None), default=0.0)


def _stretches(states: Sequence[State]) -> Iterator[tuple[int, int]]:
    start = 0
    for stop in range(1, len(states) + 1):
        if stop == len(states) or states[stop] != states[start]:
            yield start, stop
            start = stop

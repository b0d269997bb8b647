"""Put predictions and measurements of the same quantity at the same place side by side."""

from __future__ import annotations

from collections.abc import Iterable

from lensmaker.core.records import Comparison, Measurement, Prediction
from lensmaker.core.tables import Table


def compare(
    predictions: Iterable[Prediction], measurements: Iterable[Measurement]
) -> tuple[Table[Comparison], Table[Prediction], Table[Measurement]]:
    """The pairs, the predictions without a measurement, and the measurements without a prediction.

    Examples
    --------
    >>> from lensmaker.core import Where, quantity
    >>> p = Prediction(quantity("mean"), Where("fc"), 1.0, 0.1, "theory")
    >>> m = Measurement(quantity("mean"), Where("fc"), 1.1, 0.1, "instrument", 8)
    >>> pairs, alone, _ = compare([p], [m])
    >>> len(pairs), len(alone)
    (1, 0)
    """
    measured = {(m.quantity, m.where): m for m in measurements}
    pairs: list[Comparison] = []
    unmeasured: list[Prediction] = []
    for p in predictions:
        m = measured.pop((p.quantity, p.where), None)
        if m is None:
            unmeasured.append(p)
        else:
            pairs.append(Comparison(p, m))
    return Table(pairs), Table(unmeasured), Table(measured.values())

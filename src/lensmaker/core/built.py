"""What training built: each weight, and what its layer does, beside the null hypothesis of random weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from lensmaker.core.records import Comparison, Measurement, Verdict
from lensmaker.core.tables import Table
from lensmaker.core.where import Where

CHANGED_Z = 5.0
"""Errors that a spectrum must be away from that of random weights to be called changed.

Simulated random matrices, uniform and normal, from 6 × 200 to 32 × 64, are beyond it at a rate of 1e-4 at most
(4 × 100: 4e-4), so of a network with many layers none is called so by chance.
"""


class Origin(Enum):
    """Where a weight's spectrum comes from, as far as it tells."""

    BUILT = "changed by training"
    DRAWN = "no different from a random draw"
    UNTOLD = "cannot be told: too few rows, or more even than any draw"


@dataclass(frozen=True)
class Built:
    """One weight of a trained network beside what it would be, and do, were it random.

    Attributes
    ----------
    where
        The element; for the matrices of a recurrent one the parameter.
    spikes
        Singular values above the Marchenko–Pastur edge; 0 ± at most 0.001 for a random matrix.
    edge
        The largest one over that edge.
    rank
        Effective rank of the weight.
    chi
        Growth of a tangent across the layer; None where it was not both predicted and measured.
    correlation
        Cosine between samples at its output, the same.
    origin
        What the spectrum tells; that χ or c depart may be due to the layers before.
    """

    where: Where
    spikes: int
    edge: Comparison | None
    rank: Comparison | None
    chi: Comparison | None
    correlation: Comparison | None
    origin: Origin

    @property
    def rank_left(self) -> float:
        """Effective rank over that of a random matrix of the size; 1 where it is not known."""
        return self.rank.ratio if self.rank is not None and _holds(self.rank) else 1.0


def what_training_built(
    train: Iterable[Where],
    comparisons: Iterable[Comparison],
    measurements: Iterable[Measurement],
) -> Table[Built]:
    """The weights whose spectrum was measured, in the order of the train's places.

    Examples
    --------
    >>> from lensmaker.core import Prediction, quantity
    >>> fc, rank = Where("fc"), quantity("effective_rank")
    >>> null, found = Prediction(rank, fc, 60.0, 0.5, "t"), Measurement(rank, fc, 40.0, 0.0, "i", 4096)
    >>> spikes = Measurement(quantity("spikes"), fc, 3.0, 0.0, "i", 4096)
    >>> built = what_training_built([], [Comparison(null, found)], [spikes])
    >>> [(b.spikes, b.origin.name, round(b.rank_left, 2)) for b in built]
    [(3, 'BUILT', 0.67)]
    """
    pairs = {(c.quantity.name, c.where): c for c in comparisons}
    depth = {where: i for i, where in reversed(tuple(enumerate(train)))}
    counted = [m for m in measurements if m.quantity.name == "spikes" and math.isfinite(m.value)]
    return Table(
        Built(
            m.where,
            int(m.value),
            edge := pairs.get(("edge_ratio", m.where)),
            rank := pairs.get(("effective_rank", m.where)),
            pairs.get(("chi", m.where)),
            pairs.get(("correlation", m.where)),
            _origin(edge, rank),
        )
        for m in sorted(counted, key=lambda m: _depth(m.where, depth))
    )


def _depth(where: Where, depth: Mapping[Where, int]) -> int:
    """Position in the train; of the matrix of a recurrent element, that of the element."""
    path = where.path.rpartition(".")[0]
    inside = (i for w, i in depth.items() if (w.path, w.operation) == (path, where.operation))
    return depth[where] if where in depth else min(inside, default=len(depth))


def _origin(edge: Comparison | None, rank: Comparison | None) -> Origin:
    if edge is not None and _holds(edge) and edge.z_score > CHANGED_Z:
        return Origin.BUILT
    if rank is None or not _holds(rank) or rank.z_score > CHANGED_Z:
        return Origin.UNTOLD
    return Origin.BUILT if rank.z_score < -CHANGED_Z else Origin.DRAWN


def _holds(comparison: Comparison) -> bool:
    return comparison.verdict in (Verdict.AGREES, Verdict.DEVIATES)

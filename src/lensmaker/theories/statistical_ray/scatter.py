"""How readings of a ray scatter, over replicas and over probes: of all readings of one kind at once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import Scale, quantity
from lensmaker.theories.statistical_ray.reading import Reading

Numbers = NDArray[np.float64]

_TINY = float(np.finfo(np.float64).tiny)

_AT_MOST = 4
"""Largest part of a variance that is said to average out over the samples: a few networks do not show more."""


def probe_errors(readings: Sequence[Reading]) -> list[float]:
    """Standard error of each value from the choice of probes, by the jackknife; relative on a log scale.

    0 where the probes cannot be told apart.
    """
    return _together(readings, _probe_errors)


def centres(readings: Sequence[Reading]) -> list[float]:
    """Each reading of a typical replica: the mean over replicas, geometric on a log scale."""
    return _together(readings, _centres)


def replica_spreads(readings: Sequence[Reading], samples: int) -> list[float]:
    """Standard deviation from network to network of the mean over `samples`; on a log scale relative.

    The replicas follow fewer probes than there are samples. What fluctuates for each probe on its own
    (the interaction of the two-way table replica × probe) averages out over the samples, and is taken
    out in proportion.
    """
    return _together(readings, lambda group, logarithmic: _replica_spreads(group, logarithmic, samples))


def _together(readings: Sequence[Reading], work: Callable[[list[Reading], bool], Numbers]) -> list[float]:
    """`work` of the readings of one shape and scale together; the results in the order of the readings."""
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for i, r in enumerate(readings):
        shapes = r.numerator.shape, r.denominator.shape, None if r.pairs is None else r.pairs.shape
        groups[(*shapes, quantity(r.name).scale)].append(i)
    found = [math.nan] * len(readings)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for (*_, scale), places in groups.items():
            values = work([readings[i] for i in places], scale is Scale.LOG)
            for i, value in zip(places, values.tolist(), strict=True):
                found[i] = value
    return found


def _parts(readings: list[Reading]) -> tuple[Numbers, Numbers]:
    """Numerators and denominators, (N, R, P)."""
    return (
        np.stack([r.numerator.double().numpy() for r in readings]),
        np.stack([r.denominator.double().numpy() for r in readings]),
    )


def _pairs(readings: list[Reading]) -> Numbers | None:
    """(N, R, P, P)."""
    tables = [r.pairs.double().numpy() for r in readings if r.pairs is not None]
    return np.stack(tables) if tables else None


def _probe_errors(readings: list[Reading], logarithmic: bool) -> Numbers:
    up, down = _parts(readings)
    pairs, probes = _pairs(readings), up.shape[2]
    if probes < 2 or (pairs is not None and probes < 3):
        return np.zeros(len(readings))
    if pairs is not None:
        matrix = pairs.mean(1)
        total, rows = matrix.sum((1, 2)), matrix.sum(2)
        left_out = (total[:, None] - 2 * rows) / ((probes - 1) * (probes - 2))
    else:
        up, down = up.sum(1), down.sum(1)
        left_out = (up.sum(1, keepdims=True) - up) / (down.sum(1, keepdims=True) - down)
    if logarithmic:
        left_out = np.log(np.maximum(left_out, _TINY))
    return np.asarray(np.sqrt((probes - 1) * left_out.var(1)))


def _by_replica(up: Numbers, down: Numbers, logarithmic: bool) -> Numbers:
    """Of every replica alone, (N, R), on its scale."""
    values = up.sum(2) / down.sum(2)
    return np.log(np.maximum(values, _TINY)) if logarithmic else values


def _centres(readings: list[Reading], logarithmic: bool) -> Numbers:
    middle = _by_replica(*_parts(readings), logarithmic).mean(1)
    return np.exp(middle) if logarithmic else middle


def _replica_spreads(readings: list[Reading], logarithmic: bool, samples: int) -> Numbers:
    up, down = _parts(readings)
    replicas, probes = up.shape[1:]
    if replicas < 2:
        return np.full(len(readings), math.nan)
    variance = _by_replica(up, down, logarithmic).var(1, ddof=1)
    pairs = _pairs(readings)
    if pairs is not None and samples > probes > 3:
        return np.asarray(np.sqrt(np.maximum(_spreads_of_pairs(pairs, samples), variance / _AT_MOST)))
    if probes > 1 and pairs is None and samples > probes:
        table = up / down
        if logarithmic:
            table = table / np.maximum(table.mean((1, 2), keepdims=True), _TINY)
        means = (
            table.mean(1, keepdims=True) + table.mean(2, keepdims=True) - table.mean((1, 2), keepdims=True)
        )
        interaction = ((table - means) ** 2).sum((1, 2)) / ((replicas - 1) * (probes - 1))
        without = np.maximum(variance - interaction / probes, 0.0) + interaction / samples
        variance = np.maximum(without, variance / _AT_MOST)
    return np.asarray(np.hypot(np.sqrt(variance), np.array([r.step for r in readings]) / 2))


def _spreads_of_pairs(pairs: Numbers, samples: int) -> Numbers:
    """Variances from network to network of the mean over the pairs of n samples, from those of P probes.

    Of two pairs, some are the same, some share one sample, some none; each kind has its own covariance over
    networks, and n samples have them in other proportions than P.
    """
    replicas, P = pairs.shape[1:3]
    d, n = pairs - pairs.mean(1, keepdims=True), samples
    total = (d.sum((2, 3)) ** 2).sum(1)
    same = (d**2).sum((1, 2, 3))
    joined = (d.sum(3) ** 2).sum((1, 2)) - same
    apart = (total - 4 * joined - 2 * same) / (replicas - 1)
    same, joined = same / (replicas - 1) / (P * (P - 1)), joined / (replicas - 1) / (P * (P - 1) * (P - 2))
    apart = apart / (P * (P - 1) * (P - 2) * (P - 3))
    parts = 2 * same + 4 * (n - 2) * np.maximum(joined, 0) + (n - 2) * (n - 3) * np.maximum(apart, 0)
    return np.asarray(parts / (n * (n - 1)))

"""Kernels over all samples and sites; samples lie along the last axis, a few hundred at a time."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Values = NDArray[np.float64]
Integers = NDArray[np.int64]

_WIDTH = 256
_SUMS = {"reassoc", "contract", "nsz"}
"""What a compiler may do to a sum so that it runs in vectors; infinities stay what they are."""


@njit(cache=True, fastmath=_SUMS)
def _changes(
    spins: NDArray[np.int8],
    start: int,
    count: int,
    site: int,
    of_site: Integers,
    of_slot: Integers,
    others: Integers,
    sizes: Integers,
    weights: Values,
    sign: NDArray[np.int8],
    y: Values,
) -> None:
    """y[t, m] of the slots t of a site, for the samples from `start`."""
    for t in range(of_site[site], of_site[site + 1]):
        row = y[t - of_site[site]]
        row[:count] = 0.0
        for p in range(of_slot[t], of_slot[t + 1]):
            sign[:count] = spins[site, start : start + count]
            for k in range(sizes[p]):
                other = spins[others[p, k], start : start + count]
                for m in range(count):
                    sign[m] *= other[m]
            for m in range(count):
                row[m] += weights[p] * sign[m]


@njit(cache=True, fastmath=_SUMS)
def _margins(y: Values, K: Values, coupling: Integers, first: int, last: int, count: int, u: Values) -> None:
    """What half the change of −βH is: u = Σ_a K_a y_a."""
    u[:count] = 0.0
    for t in range(first, last):
        k, row = K[coupling[t]], y[t - first]
        for m in range(count):
            u[m] += k * row[m]


@njit(cache=True)
def _losses(u: Values, count: int, exponential: bool, slope: Values, curve: Values) -> float:
    """Σ ℓ(u) and ℓ′, ℓ″ of each: ℓ = e^(−u), or ln(1 + e^(−2u))."""
    total = 0.0
    if exponential:
        for m in range(count):
            e = math.exp(-u[m])
            total += e
            slope[m] = -e
            curve[m] = e
        return total
    product = 1.0  # of 1 + e^(−2|u|) ≤ 2: no overflow in so few factors
    for m in range(count):
        e = math.exp(-2 * abs(u[m]))
        product *= 1 + e
        share = 1 / (1 + e)
        if u[m] > 0:
            slope[m] = -2 * e * share
        else:
            slope[m] = -2 * share
            total -= 2 * u[m]
        curve[m] = 4 * e * share * share
    return total + math.log(product)


@njit(cache=True, nogil=True, fastmath=_SUMS)
def expand(
    spins: NDArray[np.int8],
    of_site: Integers,
    coupling: Integers,
    of_slot: Integers,
    others: Integers,
    sizes: Integers,
    weights: Values,
    of_block: Integers,
    K: Values,
    exponential: bool,
    value: Values,
    gradient: Values,
    blocks: Values,
    begin: int,
    end: int,
) -> None:
    """Sums over samples, of sites begin … end − 1: ℓ by site, its gradient by slot, blocks of its Hessian by site."""
    for site in range(begin, end):
        first, last = of_site[site], of_site[site + 1]
        z, base = last - first, of_block[site]
        y, sign = np.empty((z, _WIDTH)), np.empty(_WIDTH, np.int8)
        u, slope, curve = np.empty(_WIDTH), np.empty(_WIDTH), np.empty(_WIDTH)
        for start in range(0, spins.shape[1], _WIDTH):
            count = min(_WIDTH, spins.shape[1] - start)
            _changes(spins, start, count, site, of_site, of_slot, others, sizes, weights, sign, y)
            _margins(y, K, coupling, first, last, count, u)
            value[site] += _losses(u, count, exponential, slope, curve)
            for a in range(z):
                total = 0.0
                for m in range(count):
                    total += slope[m] * y[a, m]
                    u[m] = curve[m] * y[a, m]
                gradient[first + a] += total
                for b in range(a + 1):
                    total = 0.0
                    for m in range(count):
                        total += u[m] * y[b, m]
                    blocks[base + a * z + b] += total
        for a in range(z):
            for b in range(a):
                blocks[base + b * z + a] = blocks[base + a * z + b]


@njit(cache=True, nogil=True)
def scores(
    spins: NDArray[np.int8],
    of_site: Integers,
    coupling: Integers,
    of_slot: Integers,
    others: Integers,
    sizes: Integers,
    weights: Values,
    K: Values,
    exponential: bool,
    size: int,
    found: Values,
    begin: int,
    end: int,
) -> None:
    """The gradient, added up over `size` samples in a row: rows begin … end − 1 of (samples // size, A)."""
    step = size * max(1, _WIDTH // size)
    used = end * size
    most = 0
    for site in range(len(of_site) - 1):
        most = max(most, of_site[site + 1] - of_site[site])
    y, sign = np.empty((most, _WIDTH)), np.empty(_WIDTH, np.int8)
    u, slope, curve = np.empty(_WIDTH), np.empty(_WIDTH), np.empty(_WIDTH)
    for row_start in range(begin * size, used, step):
        stop = min(used, row_start + step)
        for start in range(row_start, stop, _WIDTH):
            count = min(_WIDTH, stop - start)
            for site in range(len(of_site) - 1):
                first, last = of_site[site], of_site[site + 1]
                _changes(spins, start, count, site, of_site, of_slot, others, sizes, weights, sign, y)
                _margins(y, K, coupling, first, last, count, u)
                _losses(u, count, exponential, slope, curve)
                for m in range(count):
                    row = found[(start + m) // size]
                    for t in range(first, last):
                        row[coupling[t]] += slope[m] * y[t - first, m]


@njit(cache=True, nogil=True)
def bounds(
    spins: NDArray[np.int8],
    of_site: Integers,
    coupling: Integers,
    of_slot: Integers,
    others: Integers,
    sizes: Integers,
    weights: Values,
    K: Values,
    low: Values,
    high: Values,
    begin: int,
    end: int,
) -> None:
    """The least and the largest u = Σ_a K_a y_ia over all samples, of sites begin … end − 1."""
    for site in range(begin, end):
        first, last = of_site[site], of_site[site + 1]
        y, sign = np.empty((last - first, _WIDTH)), np.empty(_WIDTH, np.int8)
        u = np.empty(_WIDTH)
        for start in range(0, spins.shape[1], _WIDTH):
            count = min(_WIDTH, spins.shape[1] - start)
            _changes(spins, start, count, site, of_site, of_slot, others, sizes, weights, sign, y)
            _margins(y, K, coupling, first, last, count, u)
            low[site] = min(low[site], u[:count].min())
            high[site] = max(high[site], u[:count].max())

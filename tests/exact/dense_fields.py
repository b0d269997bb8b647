"""Field equations on a grid as dense matrices, built neighbour by neighbour, and their solutions by LAPACK or scipy."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.linalg import expm

Floats = NDArray[np.float64]
FIRST = {-1: -0.5, 1: 0.5}
SECOND = {-1: 1.0, 0: -2.0, 1: 1.0}


def matrix(
    shape: tuple[int, ...],
    spacing: tuple[float, ...],
    boundary: str,
    coefficients: Callable[[tuple[int, ...]], tuple[Floats, Floats, Floats]],
) -> Floats:
    """½ g^{ij} ∂_i∂_j + A^i ∂_i + V by differences of three points.

    `coefficients(site)` are (d, d, C, C), (d, C, C) and (C, C); `boundary` is "periodic", "reflecting" (in the last point) or "zero".
    """
    sites = list(product(*map(range, shape)))
    at = {site: k for k, site in enumerate(sites)}
    channels = coefficients(sites[0])[2].shape[0]
    n, d = len(sites), len(shape)
    out = np.zeros((channels, n, channels, n))

    def add(site: tuple[int, ...], step: dict[int, int], block: Floats) -> None:
        there = list(site)
        for axis, z in step.items():
            there[axis] += z
            m = shape[axis]
            if boundary == "periodic":
                there[axis] %= m
            elif not 0 <= there[axis] < m:
                if boundary == "zero":
                    return
                there[axis] = -there[axis] if there[axis] < 0 else 2 * (m - 1) - there[axis]
        out[:, at[site], :, at[tuple(there)]] += block

    for site in sites:
        g, a, v = coefficients(site)
        add(site, {}, v)
        for i in range(d):
            for z, w in FIRST.items():
                add(site, {i: z}, w / spacing[i] * a[i])
            for j in range(d):
                if i == j:
                    for z, w in SECOND.items():
                        add(site, {i: z}, w / (2 * spacing[i] ** 2) * g[i, i])
                    continue
                for (z, w), (y, u) in product(FIRST.items(), FIRST.items()):
                    add(site, {i: z, j: y}, w * u / (2 * spacing[i] * spacing[j]) * g[i, j])
    return out.reshape(channels * n, channels * n)


def evolved(generator: Floats, start: Floats, t: float) -> Floats:
    """e^{Mt} φ."""
    return np.asarray(expm(generator * t) @ start)


def reacted(generator: Floats, start: Floats, t: float, reaction: Callable[[Floats], Floats]) -> Floats:
    """∂_t φ = M φ + r(φ), by scipy's eighth-order method to 1e-12."""
    found = solve_ivp(
        lambda _, y: generator @ y + reaction(y), (0, t), start, method="DOP853", rtol=1e-12, atol=1e-13
    )
    return np.asarray(found.y[:, -1])

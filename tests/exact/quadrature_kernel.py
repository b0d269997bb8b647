"""Mean-field maps of any activation, by SciPy's quadrature and by brute-force iteration.

    V(q) = σ_w² E[φ(√q z)²] + σ_b²,   C(c) = (σ_w² E[φ(u) φ(v)] + σ_b²)/V(q),   χ(q, c) = σ_w² E[φ'(u) φ'(v)]

One dimension: adaptive `quad`, split at 0 and at the kinks given. Two dimensions: the product of
Gauss–Hermite rules for smooth functions, `dblquad` split at the kinks for others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from scipy.integrate import dblquad, quad

Function = Callable[[np.ndarray], np.ndarray]
REACH = 12.0


def expectation(function: Function, q: float, kinks: Sequence[float] = ()) -> float:
    """E[f(x)] for x ~ N(0, q).

    >>> round(expectation(lambda x: x**4, 2.0), 10)
    12.0
    """
    root = math.sqrt(q)

    def density(z: float) -> float:
        return float(function(np.float64(root * z))) * math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)

    cuts = sorted({-REACH, 0.0, REACH, *(k / root for k in kinks if abs(k) < REACH * root)})
    parts = [quad(density, a, b, epsabs=1e-15, epsrel=1e-12, limit=200)[0] for a, b in pairwise(cuts)]
    return math.fsum(parts)


def pair_expectation(function: Function, q: float, c: float, nodes: int = 340) -> float:
    """E[f(u) f(v)] for smooth f and a Gaussian pair of variance q and correlation c."""
    z, w = np.polynomial.hermite_e.hermegauss(nodes)
    w = w / w.sum()
    u = math.sqrt(q) * z
    v = math.sqrt(q) * (c * z[:, None] + math.sqrt(1 - c * c) * z[None, :])
    return float(np.einsum("i,j,i,ij->", w, w, function(u), function(v)))


def kinked_pair_expectation(function: Function, q: float, c: float, kinks: Sequence[float] = ()) -> float:
    """E[f(u) f(v)] for f smooth between the kinks, |c| < 1, by `dblquad` in the variables u and v."""
    norm = 2 * math.pi * q * math.sqrt(1 - c * c)

    def density(v: float, u: float) -> float:
        weight = math.exp(-(u * u - 2 * c * u * v + v * v) / (2 * q * (1 - c * c))) / norm
        return float(function(np.float64(u))) * float(function(np.float64(v))) * weight

    reach = 8 * math.sqrt(q)
    cuts = sorted({-reach, 0.0, reach, *(k for k in kinks if abs(k) < reach)})
    boxes = [(a, b, d, e) for a, b in pairwise(cuts) for d, e in pairwise(cuts)]
    return math.fsum(dblquad(density, *box, epsabs=1e-11, epsrel=1e-11)[0] for box in boxes)


def q_map(phi: Function, q: float, sigma_w: float, sigma_b: float, kinks: Sequence[float] = ()) -> float:
    return sigma_w**2 * expectation(lambda x: phi(x) ** 2, q, kinks) + sigma_b**2


def q_recursion(phi: Function, q: float, depth: int, sigma_w: float, sigma_b: float) -> list[float]:
    """Second moments of `depth` layers of pre-activations, of which q is the first."""
    moments = [q]
    for _ in range(depth - 1):
        moments.append(q_map(phi, moments[-1], sigma_w, sigma_b))
    return moments


def c_recursion(
    phi: Function, q: float, c: float, depth: int, sigma_w: float, sigma_b: float
) -> list[tuple[float, float]]:
    """(q, c) of `depth` layers of pre-activations, for two inputs of equal second moment and smooth φ."""
    pairs = [(q, c)]
    for _ in range(depth - 1):
        q, c = pairs[-1]
        after = q_map(phi, q, sigma_w, sigma_b)
        pairs.append((after, (sigma_w**2 * pair_expectation(phi, q, c) + sigma_b**2) / after))
    return pairs


def chi(slope: Function, q: float, sigma_w: float, c: float = 1.0, kinks: Sequence[float] = ()) -> float:
    """σ_w² E[φ'(u) φ'(v)]: growth of a tangent at c = 1, slope of the correlation map below."""
    if c == 1.0:
        return sigma_w**2 * expectation(lambda x: slope(x) ** 2, q, kinks)
    return sigma_w**2 * pair_expectation(slope, q, c)


def iterated_fixed_point(step: Callable[[float], float], start: float, limit: int = 20_000) -> float:
    """Iterate a map until it stands still to 1e-13; slow and plain.

    >>> round(iterated_fixed_point(lambda q: 0.5 * q + 1.0, 5.0), 10)
    2.0
    """
    for _ in range(limit):
        after = step(start)
        if abs(after - start) <= 1e-13 * abs(after):
            return after
        start = after
    raise RuntimeError("the iteration does not stand still")

"""Temperatures for parallel tempering, so that neighbours exchange at a wanted rate."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import erfcinv

from lensmaker.core import InputError

MOST = 512
"""Temperatures of a ladder, at most."""


def ladder(temperatures: Sequence[float], energies: Sequence[float], rate: float = 0.3) -> tuple[float, ...]:
    r"""Temperatures from the coldest to the hottest whose neighbours exchange at `rate`, or a little more often.

    Where energies at β and β′ are Gaussian, Δ = (β − β′)(E − E′) has mean −μ and variance 2μ, with
    μ = (β − β′)(U′ − U), and the exchange is accepted with ⟨min(1, e^Δ)⟩ = erfc(√μ/2). All pairs get the same μ.

    Parameters
    ----------
    temperatures, energies
        Where ⟨H⟩ = U was measured, and what it was: of the whole system, not a spin.
    rate
        Of accepted exchanges, between 0 and 1.

    Raises
    ------
    InputError
        If the energies do not rise with the temperature, or the rate is none.

    References
    ----------
    A. Kone, D. A. Kofke, J. Chem. Phys. 122, 206101 (2005).

    Examples
    --------
    >>> temperatures = [1 + k / 10 for k in range(31)]
    >>> found = ladder(temperatures, [50 * t for t in temperatures], rate=0.3)  # 100 oscillators: a geometric ladder
    >>> len(found), [round(b / a, 3) for a, b in zip(found, found[1:])][::4]
    (8, [1.219, 1.219])
    """
    T, U = np.asarray(temperatures, dtype=float), np.asarray(energies, dtype=float)
    order = np.argsort(T)
    T, U = T[order], np.maximum.accumulate(U[order])  # noise may turn two near points round
    if not 0 < rate < 1:
        raise InputError("a rate of exchanges between 0 and 1", f"{rate}", "pass 0.3")
    if len(T) < 2 or T.shape != U.shape or not T[0] > 0 or not (np.diff(T) > 0).all() or not U[-1] > U[0]:
        raise InputError(
            "energies that rise with two or more temperatures", f"{U.tolist()}", "measure them for longer"
        )
    energy = PchipInterpolator(1 / T[::-1], U[::-1])
    cold, hot = 1 / T[0], 1 / T[-1]
    most = float(4 * erfcinv(rate) ** 2)
    count = len(_climb(energy, cold, hot, most))
    low, high = 0.0, most
    for _ in range(60):  # the smallest μ that still needs no more steps: the last one ends at the hottest
        mid = (low + high) / 2
        low, high = (low, mid) if len(_climb(energy, cold, hot, mid, count + 1)) <= count else (mid, high)
    return (float(T[0]), *(float(1 / b) for b in _climb(energy, cold, hot, high)[:-1]), float(T[-1]))


def _climb(energy: PchipInterpolator, cold: float, hot: float, mu: float, most: int = MOST) -> list[float]:
    """The β after each step of that μ; the last one is the hottest."""
    found: list[float] = []
    at = cold
    while at > hot and len(found) <= most:
        start = float(energy(at))

        def reached(b: float, at: float = at, start: float = start) -> float:
            return (at - b) * (float(energy(b)) - start) - mu

        if reached(hot) <= 0:
            return [*found, hot]
        low, high = hot, at
        for _ in range(60):
            mid = (low + high) / 2
            low, high = (mid, high) if reached(mid) > 0 else (low, mid)
        at = low
        found.append(at)
    if len(found) > MOST:
        raise InputError(f"a ladder of at most {MOST} temperatures", "more", "ask for a lower rate")
    return found


def geometric(coldest: float, hottest: float, count: int) -> tuple[float, ...]:
    """Temperatures in equal ratios.

    Examples
    --------
    >>> geometric(1.0, 4.0, 3)
    (1.0, 2.0, 4.0)
    """
    return tuple(coldest * math.exp(math.log(hottest / coldest) * k / (count - 1)) for k in range(count))

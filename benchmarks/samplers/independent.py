"""What an independent sample costs: 2τ sweeps, by rule and temperature."""

from __future__ import annotations

import math
import time

import numpy as np

from lensmaker.numerics.autocorrelation import autocorrelation
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import square
from lensmaker.systems.spins.sampling import RULES

MEASUREMENTS = 2000
LENGTHS = 60
"""Autocorrelation times that each chain has to be long."""

FORGOTTEN = 0.75
"""τ between measurements below which they are as good as independent; none at all is 0.5."""

SAME = 0.3
"""By how much a series of twice the length may differ in τ."""


def independent(rule: str, chains: int, side: int, temperature: float, most: float) -> dict[str, object]:
    """τ in sweeps of energy and |m|, and the seconds of 2τ sweeps of a chain, of at most `most` seconds of sampling."""
    system = Canonical(ising(square(side)), temperature)
    chosen = next(r for r in RULES if r.name == rule)
    walk = chosen().start(system, np.ones((chains, side**2), np.int8), seed=3)
    walk.advance(1)
    apart, spent, before, previous = 1, 0.0, math.inf, None
    while True:
        walk.advance(LENGTHS * apart)
        energies, orders, sweeping = np.empty((chains, MEASUREMENTS)), np.empty((chains, MEASUREMENTS)), 0.0
        for k in range(MEASUREMENTS):
            start = time.perf_counter()
            walk.advance(apart)
            sweeping += time.perf_counter() - start
            energies[:, k] = walk.energies(system.hamiltonian)
            orders[:, k] = np.abs(walk.magnetisations())
        found = {"energy": autocorrelation(energies), "order": autocorrelation(orders)}
        slowest = max(f.time for f in found.values())
        spent += sweeping
        # a short series sees no slow mode: twice its length has to say the same, or that nothing is remembered
        if previous is not None and slowest < FORGOTTEN:
            (found, apart), is_known = previous, True
            break
        is_known = LENGTHS * slowest <= MEASUREMENTS and abs(slowest * apart / before - 1) < SAME
        if is_known or spent * 4 > most:
            break
        before, previous = slowest * apart, (found, apart)
        apart *= 2 ** max(1, math.ceil(math.log2(LENGTHS * slowest / MEASUREMENTS)))
    count = max(1, round(0.05 / (sweeping / MEASUREMENTS / apart)))
    times = []
    for _ in range(9):  # many sweeps a call, which a call of one sweep would hide
        start = time.perf_counter()
        walk.advance(4 * count)
        times.append(time.perf_counter() - start)
    sweep = min(times) / (4 * count) / chains
    return {
        "chains": chains,
        "sweeps_apart": apart,
        "tau_in_sweeps": {n: _figure(f.time * apart, f.error * apart) for n, f in found.items()},
        "is_known": is_known,
        "microseconds_of_a_sweep": round(sweep * 1e6, 3),
        "microseconds_of_an_independent_sample": {
            n: round(2 * max(f.time * apart, 0.5) * sweep * 1e6, 2) for n, f in found.items()
        },
    }


def _figure(value: float, error: float) -> str:
    return f"{value:.3g} ± {error:.1g}"

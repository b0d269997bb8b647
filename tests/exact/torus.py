"""A rule's energies on a square torus beside Kaufman's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensmaker.numerics.autocorrelation import mean_of
from lensmaker.numerics.resampling import Estimate
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import square
from lensmaker.systems.spins.multistate import Multistate
from lensmaker.systems.spins.named_models import potts
from lensmaker.systems.spins.sampling.rule import Rule, Spins
from lensmaker.theories.spins.kaufman import Kaufman


@dataclass(frozen=True)
class Beside:
    """How many errors the measured energy and specific heat are off, and how large these errors are, relatively."""

    energy: float
    heat: float
    precision: float


def energies(spins: Spins, rows: int, columns: int) -> NDArray[np.float64]:
    """−Σ s s' over neighbours, (chains,)."""
    s = spins.reshape(-1, rows, columns)
    aligned = s * np.roll(s, 1, 1) + s * np.roll(s, 1, 2)
    return -aligned.sum((1, 2), dtype=np.float64)


def beside_kaufman(
    rule: Rule,
    temperature: float,
    *,
    sides: tuple[int, int] = (64, 64),
    chains: int,
    burn: int,
    samples: int,
    every: int = 1,
    seed: int = 1,
) -> Beside:
    """From aligned spins, after `burn` sweeps, `samples` of each chain, `every` so many sweeps; J = 1.

    A rule for q states moves the Potts model of two at T/2: −δ(s, s') = −(1 + s s')/2 at half the temperature.
    The specific heat is β² ⟨(E − ⟨E⟩)²⟩/N, whose error is that of the mean of a correlated series.
    """
    rows, columns = sides
    system: Canonical[Any] = Canonical(ising(square(rows, columns)), temperature)
    two_states: Canonical[Any] = Canonical(potts(square(rows, columns), 2), temperature / 2)
    has_states = rule.treats is Multistate
    walk = rule.start(two_states if has_states else system, np.ones((chains, system.sites), np.int8), seed)
    walk.advance(burn)
    series = np.empty((chains, samples))
    for k in range(samples):
        walk.advance(every)
        spins = walk.spins()
        series[:, k] = energies(2 * spins - 1 if has_states else spins, rows, columns)
    exact = {p.quantity.name: p.value for p in Kaufman().predict(system)}
    energy = mean_of(series / system.sites)
    heat = mean_of(system.beta**2 * (series - series.mean()) ** 2 / system.sites)
    return Beside(
        _off(energy, exact["energy"]), _off(heat, exact["specific_heat"]), abs(energy.error / energy.value)
    )


def _off(found: Estimate, exact: float) -> float:
    return (found.value - exact) / found.error

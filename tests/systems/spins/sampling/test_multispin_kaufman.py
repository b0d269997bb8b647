"""Multi-spin coding at L = 64 against Kaufman's torus: energy and specific heat, many chains and one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from lensmaker.numerics.autocorrelation import block_means
from lensmaker.numerics.resampling import jackknife
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import square
from lensmaker.systems.spins.sampling import MultiSpin
from lensmaker.theories.spins.kaufman import Kaufman

SIDE = 64
FALSE_ALARM = 4.0
"""|z| < 4: twelve values, wrong once in 1300 runs of another seed."""


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [2.0, 2.27, 3.0])
@pytest.mark.parametrize(
    ("chains", "before", "apart", "measurements", "block"),
    [(512, 20_000, 100, 200, 200), (1, 200_000, 100, 40_000, 400)],
    ids=["chains", "one lattice"],
)
def test_energy_and_specific_heat(
    temperature: float, chains: int, before: int, apart: int, measurements: int, block: int
) -> None:
    system = Canonical(ising(square(SIDE)), temperature)
    walk = MultiSpin().start(system, np.ones((chains, SIDE**2), np.int8), 11)
    walk.advance(before)
    series = np.empty((chains, measurements))
    for k in range(measurements):
        walk.advance(apart)
        series[:, k] = walk.energies(system.hamiltonian) / SIDE**2
    exact = {p.quantity.name: p.value for p in Kaufman().predict(system)}
    blocks = block_means(np.stack([series, series**2], -1), block)  # a block is a chain, or 40 000 sweeps

    def heat(means: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((means[..., 1] - means[..., 0] ** 2) * SIDE**2 / temperature**2)

    for name, function in (("energy", None), ("specific_heat", heat)):
        found = jackknife(blocks, function) if function else jackknife(blocks)
        z = (found.value - exact[name]) / found.error
        print(
            f"T = {temperature}, {chains} chains, {name}: {found.value:.6f} ± {found.error:.6f}, z = {z:.2f}"
        )
        assert abs(z) < FALSE_ALARM
        assert found.error < (1e-3 if name == "energy" else 0.05) * abs(exact[name])

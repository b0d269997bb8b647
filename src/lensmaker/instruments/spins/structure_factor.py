"""The structure factor at the smallest wave vectors of a torus, and the correlation length in it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lensmaker.systems.spins.canonical import Model
from lensmaker.systems.spins.lattices import Lattice
from lensmaker.systems.spins.multistate import Multistate


def smallest(lattice: Lattice | None) -> tuple[int, ...]:
    """The axes along which the smallest wave vectors lie: the longest ones; none where it is no torus.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import chain, square
    >>> smallest(square(4, 8)), smallest(chain(8, periodic=False))
    ((1,), ())
    """
    if lattice is None or lattice.name in ("complete", "graph") or lattice.basis > 1:
        return ()
    longest = max(lattice.shape)
    if not all(lattice.periodic) or longest < 3:
        return ()
    return tuple(a for a, n in enumerate(lattice.shape) if n == longest)


def structure_factors(model: Model, spins: NDArray[np.int8]) -> NDArray[np.float64]:
    """S(0) and the mean of S over the smallest k of each configuration (n, N): S(k) = |Σ_x s_x e^{ikx}|²/N, (2, n).

    Of Potts spins q/(q − 1) Σ_a |Σ_x (δ(σ_x, a) − 1/q) e^{ikx}|²/N, which for two states is the same.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import chain
    >>> found = structure_factors(ising(chain(4)), np.array([[1, 1, 1, 1], [1, 1, -1, -1]], np.int8))
    >>> found.round(9).tolist()
    [[4.0, 0.0], [0.0, 2.0]]
    """
    lattice = model.lattice
    axes = smallest(lattice)
    assert lattice is not None
    total = np.zeros((2, len(spins)))
    for component in _components(model, spins):
        grid = component.reshape(-1, *lattice.shape)
        total[0] += grid.sum(tuple(range(1, grid.ndim)), dtype=np.float64) ** 2
        for axis in axes:
            others = tuple(1 + a for a in range(len(lattice.shape)) if a != axis)
            wave = np.exp(2j * np.pi * np.arange(lattice.shape[axis]) / lattice.shape[axis])
            total[1] += np.abs(grid.sum(others, dtype=np.float64) @ wave) ** 2 / len(axes)
    return total / model.sites


def _components(model: Model, spins: NDArray[np.int8]) -> Iterator[NDArray[Any]]:
    """What is summed up over the lattice, (n, N) each: a number, or one for each state."""
    if not isinstance(model, Multistate):
        yield spins
    elif model.values is not None:
        yield model.values[spins]
    else:
        q = model.q
        yield from (math.sqrt(q / (q - 1)) * ((spins == state) - 1 / q) for state in model.states)


def momentum_squared(lattice: Lattice) -> float:
    r"""k̂² = (2d/z) Σ_δ (1 − cos k·δ) over the z neighbours: k² for small k, 4 sin²(k/2) on a hypercubic lattice.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import square
    >>> round(momentum_squared(square(8)) - 4 * math.sin(math.pi / 8) ** 2, 12)
    0.0
    """
    axis = smallest(lattice)[0]
    place = np.unravel_index(np.arange(lattice.sites), lattice.shape)[axis]
    step = (place[lattice.bonds[:, 1]] - place[lattice.bonds[:, 0]]) * 2 * np.pi / lattice.shape[axis]
    return float(2 * len(lattice.shape) * (1 - np.cos(step)).mean())


def second_moment_length(uniform: ArrayLike, wave: ArrayLike, k_squared: float) -> NDArray[np.float64]:
    """ξ = √(S(0)/S(k) − 1)/|k̂| of means; 0 where noise makes S(0) the smaller one.

    References
    ----------
    F. Cooper, B. Freedman, D. Preston, Nucl. Phys. B 210, 210 (1982).
    """
    zero, near = np.asarray(uniform, float), np.asarray(wave, float)
    ratio = np.divide(zero, np.where(near > 1e-15 * zero, near, 0.0))  # rounding leaves something of a 0
    return np.asarray(np.sqrt(np.maximum(ratio - 1, 0)) / math.sqrt(k_squared))

"""Independent samples of a 4 × 4 torus, drawn from its exact distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from exact.block_spins import Torus
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import Lattice, square
from lensmaker.systems.spins.sampling import Samples
from lensmaker.systems.spins.sampling.provenance import Provenance

K_C = math.log1p(math.sqrt(2)) / 2


def by_hand(spins: NDArray[np.int8], system: Canonical[Any], chains: int = 1) -> Samples:
    facts = Provenance("by hand", 0, chains, 0, 1, True, 0.5, 0.5, 1.0, ())
    return Samples(torch.from_numpy(np.ascontiguousarray(spins)), system, facts)


def on(lattice: Lattice | None, n: int, seed: int = 0) -> Samples:
    """Free spins."""
    assert lattice is not None
    drawn = np.random.default_rng(seed).choice(np.array([-1, 1], np.int8), (n, lattice.sites))
    return by_hand(drawn, Canonical(ising(lattice), 2.0))


def independent(torus: Torus, n: int, seed: int, each: int = 1) -> Samples:
    """Of the Ising model on a torus, each of them so many times in a row."""
    p = torus.distribution()
    drawn = np.random.default_rng(seed).choice(len(p), n, p=p)
    return by_hand(torus.fine[drawn].repeat(each, 0), Canonical(ising(square(4)), 1 / torus.K))

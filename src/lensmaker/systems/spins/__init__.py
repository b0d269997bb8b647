"""Lattices, Hamiltonians that are polynomials in spins, and samplers of them."""

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.formula import from_formula
from lensmaker.systems.spins.glasses import bimodal_glass, gaussian_glass
from lensmaker.systems.spins.hamiltonian import Hamiltonian, from_matrix, ising
from lensmaker.systems.spins.lattices import (
    Lattice,
    chain,
    complete,
    cubic,
    from_graph,
    honeycomb,
    hypercubic,
    square,
    triangular,
)
from lensmaker.systems.spins.multistate import Multistate
from lensmaker.systems.spins.named_models import blume_capel, potts
from lensmaker.systems.spins.sampling import Samples, sample

__all__ = [
    "Canonical",
    "Hamiltonian",
    "Lattice",
    "Multistate",
    "Samples",
    "bimodal_glass",
    "blume_capel",
    "chain",
    "complete",
    "cubic",
    "from_formula",
    "from_graph",
    "from_matrix",
    "gaussian_glass",
    "honeycomb",
    "hypercubic",
    "ising",
    "potts",
    "sample",
    "square",
    "triangular",
]

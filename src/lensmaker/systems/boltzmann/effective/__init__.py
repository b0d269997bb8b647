"""The Hamiltonian that a layer of a machine has when the other layer is summed over."""

from lensmaker.systems.boltzmann.effective.kinds import Kind, LearnedCouplings, learned_couplings
from lensmaker.systems.boltzmann.effective.layer import Layer
from lensmaker.systems.boltzmann.effective.marginal import Marginal, effective_hamiltonian

__all__ = [
    "Kind",
    "Layer",
    "LearnedCouplings",
    "Marginal",
    "effective_hamiltonian",
    "learned_couplings",
]

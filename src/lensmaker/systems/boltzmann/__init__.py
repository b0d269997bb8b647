"""Restricted and deep Boltzmann machines: sample, train, likelihood."""

from lensmaker.systems.boltzmann.deep import DeepBeliefNetwork, DeepBoltzmannMachine
from lensmaker.systems.boltzmann.exact import Exact
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.units import Binary, Gaussian, Potts, Rectified, Spin, Units
from lensmaker.systems.boltzmann.weights import Convolutional, Dense, Weights

__all__ = [
    "Binary",
    "Convolutional",
    "DeepBeliefNetwork",
    "DeepBoltzmannMachine",
    "Dense",
    "Exact",
    "Gaussian",
    "Potts",
    "Rectified",
    "RestrictedBoltzmannMachine",
    "Spin",
    "Units",
    "Weights",
]

"""Weights between layers: exchangeable parts of a machine."""

from lensmaker.systems.boltzmann.weights.base import Weights
from lensmaker.systems.boltzmann.weights.convolutional import Convolutional
from lensmaker.systems.boltzmann.weights.dense import Dense
from lensmaker.systems.boltzmann.weights.rounded import Rounded

__all__ = ["Convolutional", "Dense", "Rounded", "Weights"]

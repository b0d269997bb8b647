"""What a machine gives to data: ln Z by annealing or integration, and the likelihood that follows."""

from lensmaker.systems.boltzmann.likelihood.estimate import AnnealedLogPartition, log_partition
from lensmaker.systems.boltzmann.likelihood.integration import IntegratedLogPartition
from lensmaker.systems.boltzmann.likelihood.log_likelihood import LogLikelihood, log_likelihood
from lensmaker.systems.boltzmann.likelihood.methods import (
    METHODS,
    Annealing,
    Integration,
    Method,
    Summation,
    fitting,
)
from lensmaker.systems.boltzmann.likelihood.path import Path, path_to
from lensmaker.systems.boltzmann.likelihood.result import LogPartition
from lensmaker.systems.boltzmann.likelihood.sandwich import Sandwich

__all__ = [
    "METHODS",
    "AnnealedLogPartition",
    "Annealing",
    "IntegratedLogPartition",
    "Integration",
    "LogLikelihood",
    "LogPartition",
    "Method",
    "Path",
    "Sandwich",
    "Summation",
    "fitting",
    "log_likelihood",
    "log_partition",
    "path_to",
]

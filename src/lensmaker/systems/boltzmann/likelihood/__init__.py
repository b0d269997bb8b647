"""What a machine gives to data: ln Z by annealing, and the likelihood that follows."""

from lensmaker.systems.boltzmann.likelihood.estimate import LogPartition, log_partition
from lensmaker.systems.boltzmann.likelihood.path import Path, path_to

__all__ = ["LogPartition", "Path", "log_partition", "path_to"]

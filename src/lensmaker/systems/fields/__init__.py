"""Gaussian fields on a periodic grid, and their averages over blocks."""

from lensmaker.systems.fields.block_average import AveragedFields, BlockAverage, block_averaged
from lensmaker.systems.fields.gaussian_field import GaussianField
from lensmaker.systems.fields.momenta import momenta

__all__ = ["AveragedFields", "BlockAverage", "GaussianField", "block_averaged", "momenta"]

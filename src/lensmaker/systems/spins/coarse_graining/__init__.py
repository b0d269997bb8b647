"""Coarse-graining maps: block spins by decimation, by majority, by a function, again and again."""

from lensmaker.systems.spins.coarse_graining.base import CoarseGrainer
from lensmaker.systems.spins.coarse_graining.blocks import BlockRule, coarse_lattice
from lensmaker.systems.spins.coarse_graining.decimation import DecimationRule
from lensmaker.systems.spins.coarse_graining.flow import Flow, Level, repeated
from lensmaker.systems.spins.coarse_graining.function import FunctionRule
from lensmaker.systems.spins.coarse_graining.learned_filter import LearnedFilter
from lensmaker.systems.spins.coarse_graining.majority import MajorityRule, TunableMajority

BLOCK_RULES: tuple[type[BlockRule], ...] = (DecimationRule, MajorityRule, TunableMajority, LearnedFilter)
"""Every rule of blocks there is."""

__all__ = [
    "BLOCK_RULES",
    "BlockRule",
    "CoarseGrainer",
    "DecimationRule",
    "Flow",
    "FunctionRule",
    "LearnedFilter",
    "Level",
    "MajorityRule",
    "TunableMajority",
    "coarse_lattice",
    "repeated",
]

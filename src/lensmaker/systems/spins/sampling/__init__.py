"""Samplers: rules that move configurations, and the sampler that owns chains, errors and what is saved."""

from lensmaker.systems.spins.sampling.heat_bath import HeatBath
from lensmaker.systems.spins.sampling.kawasaki import Kawasaki
from lensmaker.systems.spins.sampling.metropolis import Metropolis
from lensmaker.systems.spins.sampling.parallel_tempering import ParallelTempering
from lensmaker.systems.spins.sampling.rule import Rule

RULES: tuple[type[Rule], ...] = (Metropolis, HeatBath, Kawasaki, ParallelTempering)
"""Every rule there is; the sampler, the CLI, the docs and the conformance tests read this tuple."""

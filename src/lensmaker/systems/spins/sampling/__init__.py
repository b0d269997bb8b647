"""Samplers: rules that move configurations, and the sampler that owns chains, errors and what is saved."""

from lensmaker.systems.spins.sampling.checkerboard import Checkerboard
from lensmaker.systems.spins.sampling.metropolis import Metropolis
from lensmaker.systems.spins.sampling.on_torch import TorchCheckerboard
from lensmaker.systems.spins.sampling.rule import Rule
from lensmaker.systems.spins.sampling.swendsen_wang import SwendsenWang
from lensmaker.systems.spins.sampling.wolff import Wolff

RULES: tuple[type[Rule], ...] = (Metropolis, Checkerboard, TorchCheckerboard, Wolff, SwendsenWang)
"""Every rule there is; the sampler, the CLI, the docs and the conformance tests read this tuple."""

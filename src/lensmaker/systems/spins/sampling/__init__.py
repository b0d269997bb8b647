"""Samplers: rules that move configurations, and the sampler that owns chains, errors and what is saved."""

from lensmaker.systems.spins.sampling.choice import choose
from lensmaker.systems.spins.sampling.drawing import sample
from lensmaker.systems.spins.sampling.rule import Rule
from lensmaker.systems.spins.sampling.rules.checkerboard import Checkerboard
from lensmaker.systems.spins.sampling.rules.heat_bath import HeatBath
from lensmaker.systems.spins.sampling.rules.kawasaki import Kawasaki
from lensmaker.systems.spins.sampling.rules.metropolis import Metropolis
from lensmaker.systems.spins.sampling.rules.multispin import MultiSpin
from lensmaker.systems.spins.sampling.rules.multistate_heat_bath import MultistateHeatBath
from lensmaker.systems.spins.sampling.rules.multistate_metropolis import MultistateMetropolis
from lensmaker.systems.spins.sampling.rules.multistate_swendsen_wang import MultistateSwendsenWang
from lensmaker.systems.spins.sampling.rules.parallel_tempering import ParallelTempering
from lensmaker.systems.spins.sampling.rules.swendsen_wang import SwendsenWang
from lensmaker.systems.spins.sampling.rules.torch_checkerboard import TorchCheckerboard
from lensmaker.systems.spins.sampling.rules.wolff import Wolff
from lensmaker.systems.spins.sampling.sampler import Sampler
from lensmaker.systems.spins.sampling.samples import Samples

RULES: tuple[type[Rule], ...] = (
    Metropolis,
    HeatBath,
    Checkerboard,
    TorchCheckerboard,
    MultiSpin,
    Wolff,
    SwendsenWang,
    Kawasaki,
    ParallelTempering,
    MultistateMetropolis,
    MultistateHeatBath,
    MultistateSwendsenWang,
)
"""Every rule there is; the sampler, the CLI, the docs and the conformance tests read this tuple."""

__all__ = [
    "RULES",
    "Checkerboard",
    "HeatBath",
    "Kawasaki",
    "Metropolis",
    "MultiSpin",
    "MultistateHeatBath",
    "MultistateMetropolis",
    "MultistateSwendsenWang",
    "ParallelTempering",
    "Rule",
    "Sampler",
    "Samples",
    "SwendsenWang",
    "TorchCheckerboard",
    "Wolff",
    "choose",
    "sample",
]

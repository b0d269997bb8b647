"""Training: what is learned from data, watched, kept, and taken up again."""

from lensmaker.systems.boltzmann.training.fit import fit
from lensmaker.systems.boltzmann.training.learner import Learner
from lensmaker.systems.boltzmann.training.looks import Looks
from lensmaker.systems.boltzmann.training.mixing import MixingTime, mixing_time
from lensmaker.systems.boltzmann.training.monitor import LikelihoodMonitor, Monitor, Reading
from lensmaker.systems.boltzmann.training.plan import Plan, Training
from lensmaker.systems.boltzmann.training.restricted import RestrictedLearner
from lensmaker.systems.boltzmann.training.rows import Rows, rows_of
from lensmaker.systems.boltzmann.training.rule import Rule
from lensmaker.systems.boltzmann.training.run import History, Run
from lensmaker.systems.boltzmann.training.schedule import Schedule
from lensmaker.systems.boltzmann.training.shares import ALONE, Shares, shares, torchrun
from lensmaker.systems.boltzmann.training.watch import Watch

__all__ = [
    "ALONE",
    "History",
    "Learner",
    "LikelihoodMonitor",
    "Looks",
    "MixingTime",
    "Monitor",
    "Plan",
    "Reading",
    "RestrictedLearner",
    "Rows",
    "Rule",
    "Run",
    "Schedule",
    "Shares",
    "Training",
    "Watch",
    "fit",
    "mixing_time",
    "rows_of",
    "shares",
    "torchrun",
]

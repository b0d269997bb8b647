"""Deep machines: undirected throughout, or a stack whose lower layers are directed."""

from lensmaker.systems.boltzmann.deep.belief import DeepBeliefNetwork
from lensmaker.systems.boltzmann.deep.belief_learner import BeliefLearner
from lensmaker.systems.boltzmann.deep.belief_likelihood import importance_estimate, variational_bound
from lensmaker.systems.boltzmann.deep.bound import Bound, mean_field_bound
from lensmaker.systems.boltzmann.deep.copies import Copies
from lensmaker.systems.boltzmann.deep.exact import ExactDeep
from lensmaker.systems.boltzmann.deep.fine_tune import (
    BeliefMonitor,
    BeliefReading,
    FineTuning,
    fine_tune,
)
from lensmaker.systems.boltzmann.deep.fit import DeepTraining, fit_deep
from lensmaker.systems.boltzmann.deep.halves import halves
from lensmaker.systems.boltzmann.deep.learner import DeepLearner
from lensmaker.systems.boltzmann.deep.likelihood import deep_log_partition
from lensmaker.systems.boltzmann.deep.machine import DeepBoltzmannMachine
from lensmaker.systems.boltzmann.deep.mean_field import (
    MeanField,
    Relaxation,
    mean_field,
    unnormalised_bound,
)
from lensmaker.systems.boltzmann.deep.monitor import DeepMonitor, DeepReading
from lensmaker.systems.boltzmann.deep.phases import (
    DEEP_PHASES,
    DeepPhase,
    ExactDeepMoments,
    PersistentChains,
)
from lensmaker.systems.boltzmann.deep.pretrain import pretrain
from lensmaker.systems.boltzmann.deep.stack import Given, fit_greedily, fit_stack
from lensmaker.systems.boltzmann.deep.tuning import TUNINGS, Tuning, UpDown, WakeSleep

__all__ = [
    "DEEP_PHASES",
    "TUNINGS",
    "BeliefLearner",
    "BeliefMonitor",
    "BeliefReading",
    "Bound",
    "Copies",
    "DeepBeliefNetwork",
    "DeepBoltzmannMachine",
    "DeepLearner",
    "DeepMonitor",
    "DeepPhase",
    "DeepReading",
    "DeepTraining",
    "ExactDeep",
    "ExactDeepMoments",
    "FineTuning",
    "Given",
    "MeanField",
    "PersistentChains",
    "Relaxation",
    "Tuning",
    "UpDown",
    "WakeSleep",
    "deep_log_partition",
    "fine_tune",
    "fit_deep",
    "fit_greedily",
    "fit_stack",
    "halves",
    "importance_estimate",
    "mean_field",
    "mean_field_bound",
    "pretrain",
    "unnormalised_bound",
    "variational_bound",
]

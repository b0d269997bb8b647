"""Estimators of the model's half of the gradient, one for each way to get samples."""

from lensmaker.systems.boltzmann.phases.base import Buffers, Gradient, ModelPhase, State, Update
from lensmaker.systems.boltzmann.phases.contrastive import (
    ContrastiveDivergence,
    PersistentContrastiveDivergence,
)
from lensmaker.systems.boltzmann.phases.exact_moments import ExactMoments
from lensmaker.systems.boltzmann.phases.tempered import TemperedChains

PHASES: tuple[type[ModelPhase], ...] = (
    ContrastiveDivergence,
    PersistentContrastiveDivergence,
    TemperedChains,
    ExactMoments,
)
"""Every estimator there is."""

__all__ = [
    "PHASES",
    "Buffers",
    "ContrastiveDivergence",
    "ExactMoments",
    "Gradient",
    "ModelPhase",
    "PersistentContrastiveDivergence",
    "State",
    "TemperedChains",
    "Update",
]

"""Mutual information of two sets of spins from samples: by counting, and by lower bounds of a critic."""

from lensmaker.instruments.information.ascent import Ascent
from lensmaker.instruments.information.counting import BiasCorrection, Counting
from lensmaker.instruments.information.critic import Concatenated, Critic, Separable
from lensmaker.instruments.information.estimator import Estimator, Found
from lensmaker.instruments.information.mutual_information import MutualInformation
from lensmaker.instruments.information.neural import DonskerVaradhan, InfoNCE, NeuralBound
from lensmaker.instruments.information.pairs import Pairs, pairs_of

ESTIMATORS: tuple[type[Estimator], ...] = (Counting, InfoNCE, DonskerVaradhan)
"""Every estimator there is."""

__all__ = [
    "ESTIMATORS",
    "Ascent",
    "BiasCorrection",
    "Concatenated",
    "Counting",
    "Critic",
    "DonskerVaradhan",
    "Estimator",
    "Found",
    "InfoNCE",
    "MutualInformation",
    "NeuralBound",
    "Pairs",
    "Separable",
    "pairs_of",
]

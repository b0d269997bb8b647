"""System → predictions, one theory a file."""

from lensmaker.theories.base import Theory
from lensmaker.theories.criticality import Criticality
from lensmaker.theories.finite_width import FiniteWidth
from lensmaker.theories.kernel_recursion.theory import KernelRecursion
from lensmaker.theories.mean_field import MeanField
from lensmaker.theories.random_weights import RandomWeights

THEORIES: tuple[type[Theory], ...] = (MeanField, FiniteWidth, RandomWeights, Criticality, KernelRecursion)
"""Every theory there is; the CLI, the docs and the conformance tests read this tuple."""

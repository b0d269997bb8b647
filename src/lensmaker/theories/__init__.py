"""System → predictions, one theory a file."""

from lensmaker.theories.base import Theory
from lensmaker.theories.criticality import Criticality
from lensmaker.theories.finite_width import FiniteWidth
from lensmaker.theories.kernel_recursion.theory import KernelRecursion
from lensmaker.theories.mean_field import MeanField

THEORIES: tuple[type[Theory], ...] = (MeanField, FiniteWidth, Criticality, KernelRecursion)
"""Every theory there is; the CLI, the docs and the conformance tests read this tuple."""

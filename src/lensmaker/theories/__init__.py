"""System → predictions, one theory a file."""

from lensmaker.theories.base import Theory
from lensmaker.theories.boltzmann.exact_sum import ExactBoltzmann
from lensmaker.theories.boltzmann.plefka import Plefka
from lensmaker.theories.boltzmann.random_fields import RandomFields
from lensmaker.theories.boltzmann.theory import BoltzmannTheory
from lensmaker.theories.criticality import Criticality
from lensmaker.theories.field_equation.theory import FieldEquation
from lensmaker.theories.fields.block_averages import BlockAverages
from lensmaker.theories.fields.naive_scaling import NaiveScaling
from lensmaker.theories.finite_width import FiniteWidth
from lensmaker.theories.kernel_recursion.theory import KernelRecursion
from lensmaker.theories.markov.distillation import Distillation
from lensmaker.theories.mean_field import MeanField
from lensmaker.theories.point_spread.theory import PointSpread
from lensmaker.theories.polynomial_networks.gates import ProductGate
from lensmaker.theories.polynomial_networks.linear_flattening import LinearFlattening
from lensmaker.theories.polynomial_networks.theory import PolynomialNetworks
from lensmaker.theories.random_weights import RandomWeights
from lensmaker.theories.spins.bethe import Bethe
from lensmaker.theories.spins.block_information import BlockInformation
from lensmaker.theories.spins.critical_point import CriticalPoint
from lensmaker.theories.spins.decimation import Decimation
from lensmaker.theories.spins.elimination import Elimination
from lensmaker.theories.spins.enumeration import Enumeration
from lensmaker.theories.spins.ferdinand_fisher import FerdinandFisher
from lensmaker.theories.spins.kaufman import Kaufman
from lensmaker.theories.spins.onsager import Onsager
from lensmaker.theories.spins.strip import Strip
from lensmaker.theories.spins.theory import SpinTheory
from lensmaker.theories.spins.weak_couplings import TAP, NaiveMeanField
from lensmaker.theories.variational_rg.kadanoff import Kadanoff
from lensmaker.theories.variational_rg.theory import VariationalRG

SPIN_THEORIES: tuple[type[SpinTheory], ...] = (
    Enumeration,
    Elimination,
    Strip,
    Kaufman,
    Onsager,
    FerdinandFisher,
    CriticalPoint,
    Decimation,
    BlockInformation,
    Bethe,
    NaiveMeanField,
    TAP,
)
"""Those of spin systems at a temperature, the exact ones first."""

BOLTZMANN_THEORIES: tuple[type[BoltzmannTheory], ...] = (ExactBoltzmann, Plefka)
"""Those of Boltzmann machines."""

THEORIES: tuple[type[Theory], ...] = (
    MeanField,
    FiniteWidth,
    RandomWeights,
    Criticality,
    KernelRecursion,
    *SPIN_THEORIES,
    *BOLTZMANN_THEORIES,
    RandomFields,
    VariationalRG,
    Kadanoff,
    Distillation,
    PolynomialNetworks,
    LinearFlattening,
    ProductGate,
    BlockAverages,
    NaiveScaling,
    FieldEquation,
    PointSpread,
)
"""Every theory there is; the CLI, the docs and the conformance tests read this tuple."""

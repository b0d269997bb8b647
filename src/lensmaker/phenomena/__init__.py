"""Claims checked by numbers: a system, what a theory or a control says of it, what is measured, and a rule."""

from lensmaker.phenomena.base import Phenomenon
from lensmaker.phenomena.bayes_classifier import BayesClassifier
from lensmaker.phenomena.block_spin import BlockSpin
from lensmaker.phenomena.flattening import Flattening
from lensmaker.phenomena.hierarchy import Hierarchy
from lensmaker.phenomena.inverse_scattering import InverseScattering
from lensmaker.phenomena.learned_magnet import LearnedMagnet
from lensmaker.phenomena.product_training import ProductTraining
from lensmaker.phenomena.rbm_flow import CriticalFlow

PHENOMENA: tuple[type[Phenomenon], ...] = (
    BlockSpin,
    CriticalFlow,
    LearnedMagnet,
    Flattening,
    ProductTraining,
    Hierarchy,
    BayesClassifier,
    InverseScattering,
)
"""Every phenomenon there is; the CLI and the tests read this tuple."""

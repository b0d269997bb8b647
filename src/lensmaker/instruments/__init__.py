"""System → measurements, one instrument a file."""

from lensmaker.instruments.attention import AttentionEntropy
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.boltzmann.machine_ensemble import MachineEnsemble
from lensmaker.instruments.boltzmann.rbm_flow import RBMFlow
from lensmaker.instruments.boltzmann.receptive_fields import ReceptiveFields
from lensmaker.instruments.boltzmann.variational_map import VariationalMap
from lensmaker.instruments.convolutions.field_law_error import FieldLawError
from lensmaker.instruments.convolutions.input_spectrum import InputSpectrum
from lensmaker.instruments.convolutions.point_spread_gradients import PointSpreadGradients
from lensmaker.instruments.couplings import MaximumLikelihood, MinimumProbabilityFlow, PseudoLikelihood
from lensmaker.instruments.fields.field_spectrum import FieldSpectrum
from lensmaker.instruments.gate_errors import GateErrors
from lensmaker.instruments.gradients import Gradients
from lensmaker.instruments.information import MutualInformation
from lensmaker.instruments.jacobian import Jacobian
from lensmaker.instruments.markov import KeptInformation
from lensmaker.instruments.polynomials import LearnedHamiltonian, LearnedPolynomial
from lensmaker.instruments.renormalization import MonteCarloRG, RenormalisedCouplings
from lensmaker.instruments.saturation import Saturation
from lensmaker.instruments.signals import Signals
from lensmaker.instruments.spectra import Spectra
from lensmaker.instruments.spins.critical_exponents import CriticalExponents
from lensmaker.instruments.spins.ensemble import Ensemble

INSTRUMENTS: tuple[type[Instrument], ...] = (
    Signals,
    Saturation,
    AttentionEntropy,
    Gradients,
    Jacobian,
    Spectra,
    Ensemble,
    CriticalExponents,
    MaximumLikelihood,
    PseudoLikelihood,
    MinimumProbabilityFlow,
    MachineEnsemble,
    ReceptiveFields,
    RBMFlow,
    MonteCarloRG,
    RenormalisedCouplings,
    MutualInformation,
    VariationalMap,
    KeptInformation,
    GateErrors,
    FieldSpectrum,
    LearnedPolynomial,
    LearnedHamiltonian,
    InputSpectrum,
    FieldLawError,
    PointSpreadGradients,
)
"""Every instrument there is; the CLI, the docs and the conformance tests read this tuple."""

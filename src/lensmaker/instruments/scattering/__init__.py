"""Inverse scattering: the field equation of an unknown medium, from what went in and what came out."""

from lensmaker.instruments.scattering.inferred_conductivity import InferredConductivity
from lensmaker.instruments.scattering.inferred_equation import InferredEquation, Term
from lensmaker.instruments.scattering.inferred_layer import InferredLayer
from lensmaker.instruments.scattering.inferred_symbol import Columns, InferredSymbol
from lensmaker.instruments.scattering.medium_reading import MediumReading
from lensmaker.instruments.scattering.trained_medium import Activation, TrainedMedium
from lensmaker.instruments.scattering.windows import Alike

__all__ = [
    "Activation",
    "Alike",
    "Columns",
    "InferredConductivity",
    "InferredEquation",
    "InferredLayer",
    "InferredSymbol",
    "MediumReading",
    "Term",
    "TrainedMedium",
]

"""Training infers the spacetime: the medium behind what goes in and what comes out."""

from lensmaker.phenomena.inverse_scattering.phenomenon import InverseScattering
from lensmaker.phenomena.inverse_scattering.plan import Plan

__all__ = ["InverseScattering", "Plan"]

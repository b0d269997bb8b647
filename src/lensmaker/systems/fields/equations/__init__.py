"""Field equations: metric, drift, potential and reaction on a grid, and their solutions."""

from lensmaker.systems.fields.equations.equation import FieldEquation
from lensmaker.systems.fields.equations.forms import divergence_form, gauge_form
from lensmaker.systems.fields.equations.grid import Boundary, Grid
from lensmaker.systems.fields.equations.medium import Medium
from lensmaker.systems.fields.equations.named import (
    advection_diffusion,
    allen_cahn,
    fisher_kpp,
    imaginary_time,
    reaction_diffusion,
    schrodinger,
    wave,
)
from lensmaker.systems.fields.equations.operators import Space
from lensmaker.systems.fields.equations.propagator import propagated
from lensmaker.systems.fields.equations.reactions import PolynomialReaction
from lensmaker.systems.fields.equations.solve import Method, Solution, solve
from lensmaker.systems.fields.equations.stencils import stencil

__all__ = [
    "Boundary",
    "FieldEquation",
    "Grid",
    "Medium",
    "Method",
    "PolynomialReaction",
    "Solution",
    "Space",
    "advection_diffusion",
    "allen_cahn",
    "divergence_form",
    "fisher_kpp",
    "gauge_form",
    "imaginary_time",
    "propagated",
    "reaction_diffusion",
    "schrodinger",
    "solve",
    "stencil",
    "wave",
]

"""Polynomials in named real variables, also such as are the same at all sites of a lattice."""

from lensmaker.systems.polynomials.gate import Gate
from lensmaker.systems.polynomials.gaussian import gaussian, gaussian_log_partition
from lensmaker.systems.polynomials.lattice import LatticePolynomial, phi4, recognise
from lensmaker.systems.polynomials.polynomial import Polynomial
from lensmaker.systems.polynomials.tabulated import Tabulated

__all__ = [
    "Gate",
    "LatticePolynomial",
    "Polynomial",
    "Tabulated",
    "gaussian",
    "gaussian_log_partition",
    "phi4",
    "recognise",
]

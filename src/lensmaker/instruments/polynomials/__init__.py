"""The polynomial Hamiltonian behind values or samples, and how physical it is."""

from lensmaker.instruments.polynomials.learned import Learned
from lensmaker.instruments.polynomials.learned_hamiltonian import LearnedCouplings, LearnedHamiltonian
from lensmaker.instruments.polynomials.learned_polynomial import LearnedPolynomial
from lensmaker.instruments.polynomials.quadratic_form import QuadraticForm

__all__ = ["Learned", "LearnedCouplings", "LearnedHamiltonian", "LearnedPolynomial", "QuadraticForm"]

"""Polynomials in named real variables, as tables of exponents and coefficients."""

from lensmaker.systems.polynomials.polynomial import Polynomial

__all__ = ["Polynomial"]

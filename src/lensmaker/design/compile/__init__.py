"""Polynomial → network of fixed size, with a certified bound of its error, and classes → their classifier."""

from lensmaker.design.compile.check import Checked, check
from lensmaker.design.compile.classes import ClassHamiltonians
from lensmaker.design.compile.classifier import CompiledClassifier, bayes_classifier, check_classifier
from lensmaker.design.compile.compiler import compile_polynomial
from lensmaker.design.compile.domains import Bits, Box, Spins
from lensmaker.design.compile.ledger import Ledger, Reached
from lensmaker.design.compile.network import CompiledNetwork

__all__ = [
    "Bits",
    "Box",
    "Checked",
    "ClassHamiltonians",
    "CompiledClassifier",
    "CompiledNetwork",
    "Ledger",
    "Reached",
    "Spins",
    "bayes_classifier",
    "check",
    "check_classifier",
    "compile_polynomial",
]

"""Polynomial → network of fixed size, with a certified bound of its error."""

from lensmaker.design.compile.check import Checked, check
from lensmaker.design.compile.compiler import compile_polynomial
from lensmaker.design.compile.domains import Bits, Box
from lensmaker.design.compile.ledger import Ledger, Reached
from lensmaker.design.compile.network import CompiledNetwork

__all__ = ["Bits", "Box", "Checked", "CompiledNetwork", "Ledger", "Reached", "check", "compile_polynomial"]

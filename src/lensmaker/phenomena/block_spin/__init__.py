"""Do block spins emerge in machines that learn from Ising samples? P. Mehta, D. J. Schwab, arXiv:1410.3831."""

from lensmaker.phenomena.block_spin.phenomenon import BlockSpin
from lensmaker.phenomena.block_spin.plan import Plan, Variant

__all__ = ["BlockSpin", "Plan", "Variant"]

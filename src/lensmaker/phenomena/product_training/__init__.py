"""Does training find the networks that multiply? D. Rolnick, M. Tegmark, arXiv:1705.05502."""

from lensmaker.phenomena.product_training.phenomenon import ProductTraining
from lensmaker.phenomena.product_training.plan import Plan, Target

__all__ = ["Plan", "ProductTraining", "Target"]

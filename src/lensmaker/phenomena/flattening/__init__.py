"""What it costs to multiply in one layer: units and digits. H. W. Lin, M. Tegmark, D. Rolnick, arXiv:1608.08225."""

from lensmaker.phenomena.flattening.phenomenon import Flattening
from lensmaker.phenomena.flattening.plan import Case, Plan

__all__ = ["Case", "Flattening", "Plan"]

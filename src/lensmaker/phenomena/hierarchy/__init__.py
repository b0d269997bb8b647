"""Does depth save samples on data that are made level by level? F. Cagnetta et al., 2024."""

from lensmaker.phenomena.hierarchy.phenomenon import Hierarchy
from lensmaker.phenomena.hierarchy.plan import Kind, Plan

__all__ = ["Hierarchy", "Kind", "Plan"]

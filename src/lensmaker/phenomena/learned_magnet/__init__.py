"""How well do machines learn a magnet near T_c, by width and by depth? A. Morningstar, R. G. Melko, 2018."""

from lensmaker.phenomena.learned_magnet.phenomenon import LearnedMagnet
from lensmaker.phenomena.learned_magnet.plan import Case, Kind, Plan

__all__ = ["Case", "Kind", "LearnedMagnet", "Plan"]

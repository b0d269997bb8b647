"""Do machines that learn the Ising model flow to T_c? S. Iso, S. Shiba, S. Yokoo, Phys. Rev. E 97, 053304 (2018)."""

from lensmaker.phenomena.rbm_flow.phenomenon import CriticalFlow
from lensmaker.phenomena.rbm_flow.plan import T_C, Data, Plan, Setting

__all__ = ["T_C", "CriticalFlow", "Data", "Plan", "Setting"]

"""How a gradient becomes a change."""

from __future__ import annotations

from dataclasses import dataclass

from lensmaker.core import InputError
from lensmaker.systems.boltzmann.training.schedule import LARGEST


@dataclass(frozen=True)
class Rule:
    """How a gradient becomes a change.

    Attributes
    ----------
    momentum
        What is left of the last change.
    l1, l2
        Strength of the penalties l1 Σ|W| and ½ l2 Σ W².
    centering
        Whether products are taken about running means of both layers, which makes learning independent of whether
        units are called 0 and 1 or ±1. J. Melchior, A. Fischer, L. Wiskott, J. Mach. Learn. Res. 17, 1 (2016).
    slide
        Weight of the latest batch in the running means.
    """

    momentum: float = 0.0
    l1: float = 0.0
    l2: float = 0.0
    centering: bool = False
    slide: float = 0.01

    def check(self, biased: bool) -> None:
        """Raise if a machine cannot learn so.

        Raises
        ------
        InputError
            If it is to be centred, but has no biases: these take up what the weights are moved by.
        """
        if self.centering and not biased:
            raise InputError("biases where learning is centred", "a machine without", "pass centering=False")

    def __post_init__(self) -> None:
        if not 0 <= self.momentum < 1:
            raise InputError("a momentum from 0 to below 1", f"{self.momentum}", "pass momentum=0.5")
        for name in ("l1", "l2"):
            if not 0 <= getattr(self, name) <= LARGEST:
                got = f"{name}={getattr(self, name)}"
                raise InputError(f"a penalty from 0 to {LARGEST:g}", got, "pass 0")
        if not 0 < self.slide <= 1:
            raise InputError("a weight above 0 and up to 1", f"slide={self.slide}", "pass slide=0.01")

"""How one layer steps in time: Runge–Kutta tableaus and what they do to a mode that decays or turns."""

from __future__ import annotations

import math
from enum import Enum

import torch
from torch import Tensor


class Scheme(Enum):
    """The step of a layer; the value is its order of accuracy in time.

    `EXACT` is the exact propagator as one convolution, for uniform media on periodic grids, with half a step of the
    reaction before and behind (Strang): of order 2 with a reaction, exact in time without.
    """

    EULER = 1
    RK2 = 2
    RK4 = 4
    EXACT = 0

    @property
    def stages(self) -> tuple[tuple[float, ...], ...]:
        """For each stage, the weights of those before it (Butcher's a)."""
        return {
            Scheme.EULER: ((),),
            Scheme.RK2: ((), (0.5,)),
            Scheme.RK4: ((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)),
        }[self]

    @property
    def weights(self) -> tuple[float, ...]:
        """Of the stages in the step (Butcher's b)."""
        return {
            Scheme.EULER: (1.0,),
            Scheme.RK2: (0.0, 1.0),
            Scheme.RK4: (1 / 6, 1 / 3, 1 / 3, 1 / 6),
        }[self]

    def amplification(self, z: Tensor) -> Tensor:
        """By what a mode e^{λt} is multiplied in a step of hλ = z: Σ z^k/k! up to the order; e^z if exact.

        Examples
        --------
        >>> Scheme.RK2.amplification(torch.tensor([-1.0])).item()
        0.5
        """
        if self is Scheme.EXACT:
            return z.exp()
        return torch.stack([z**k / math.factorial(k) for k in range(self.value + 1)]).sum(0)

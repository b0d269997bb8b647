"""What a method asks of the samples: a convex function of the couplings, sample by sample."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from lensmaker.numerics.newton import Expansion

Values = NDArray[np.float64]


class Problem(ABC):
    """L(K) = (1/M) Σ_m ℓ(K; s_m), convex, least near the couplings that the samples were drawn with.

    Attributes
    ----------
    couplings
        Number of couplings A.
    """

    couplings: int

    @abstractmethod
    def expand(self, K: Values) -> Expansion:
        """L, its gradient (A,) and its Hessian (A, A)."""

    @abstractmethod
    def scores(self, K: Values, size: int) -> Values:
        """∂ℓ/∂K, means over `size` samples of a chain in a row: (chains, M // size, A).

        At K = 0 they are −Φ but for a constant, and for a factor that is the order of the products.
        """

    @abstractmethod
    def never_rises(self, direction: Values) -> bool:
        """Whether no sample's ℓ ever rises along a direction: then L has no minimum."""

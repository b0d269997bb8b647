"""Minimum probability flow: couplings at which the samples would flow away most slowly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lensmaker.core import Reference
from lensmaker.instruments.couplings.method import CouplingMethod
from lensmaker.instruments.couplings.observed import Observed
from lensmaker.instruments.couplings.one_flip import OneFlip


@dataclass(frozen=True)
class MinimumProbabilityFlow(CouplingMethod):
    """K that minimises the flow out of the samples, Σ_i ⟨e^(β(H(s) − H(s with s_i turned over))/2)⟩ = Σ_i ⟨e^(−u_i)⟩.

    u_i = s_i Σ_a K_a ∂Φ_a/∂s_i. Consistent, convex, without a partition function; costlier mistakes of single
    samples, so larger errors than those of the pseudo-likelihood at low temperature. Flow to configurations that are
    samples too is counted, which the paper leaves out: the estimate is consistent either way.

    Examples
    --------
    >>> import math
    >>> import numpy as np
    >>> from lensmaker.instruments.couplings.observed import observe
    >>> pairs = np.repeat([[1, 1], [1, -1]], [75, 25], axis=0)  # ¾ e^(−K) and ¼ e^K balance
    >>> found = MinimumProbabilityFlow().infer(observe(pairs, {"J": [[0, 1]]}))
    >>> abs(found.couplings["J"] - math.log(3) / 2) < 1e-15
    True
    """

    name = "minimum_probability_flow"
    summary = "Couplings at which single flips carry the samples away most slowly."
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "sohldickstein2011",
            "J. Sohl-Dickstein, P. B. Battaglino, M. R. DeWeese",
            "New method for parameter estimation in probabilistic models: minimum probability flow",
            2011,
            "Phys. Rev. Lett. 107, 220601",
            "arXiv:0906.4779",
        ),
    )

    def problem(self, observed: Observed) -> OneFlip:
        return OneFlip(observed, exponential=True, threads=self.threads)

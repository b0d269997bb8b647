"""Pseudo-likelihood: how well each spin is told by all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lensmaker.core import Reference
from lensmaker.instruments.couplings.method import CouplingMethod
from lensmaker.instruments.couplings.observed import Observed
from lensmaker.instruments.couplings.one_flip import OneFlip


@dataclass(frozen=True)
class PseudoLikelihood(CouplingMethod):
    """K that maximises Σ_i ⟨ln P(s_i | all others)⟩ over the samples.

    −ln P(s_i | others) = ln(1 + e^(−2u_i)) with u_i = s_i Σ_a K_a ∂Φ_a/∂s_i: logistic regressions, one for each
    site, that share their couplings. No partition function stands in it, so any number of spins will do. Consistent;
    its errors are those of the maximum likelihood where spins depend weakly on one another, and larger otherwise.

    Examples
    --------
    >>> import math
    >>> import numpy as np
    >>> from lensmaker.instruments.couplings.observed import observe
    >>> pairs = np.repeat([[1, 1], [1, -1]], [75, 25], axis=0)  # P(equal) = ¾ = σ(2K)
    >>> found = PseudoLikelihood().infer(observe(pairs, {"J": [[0, 1]]}))
    >>> abs(found.couplings["J"] - math.log(3) / 2) < 1e-15
    True
    """

    name = "pseudo_likelihood"
    summary = "Couplings that tell each spin best from all others; any number of spins."
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "besag1975",
            "J. Besag",
            "Statistical analysis of non-lattice data",
            1975,
            "The Statistician 24, 179",
        ),
        Reference(
            "aurell2012",
            "E. Aurell, M. Ekeberg",
            "Inverse Ising inference using all the data",
            2012,
            "Phys. Rev. Lett. 108, 090201",
            "arXiv:1107.3536",
        ),
    )

    def problem(self, observed: Observed) -> OneFlip:
        return OneFlip(observed, exponential=False, threads=self.threads)

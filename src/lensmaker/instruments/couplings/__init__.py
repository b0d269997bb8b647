"""The inverse problem: couplings of a Hamiltonian from samples of it, one method a file."""

from __future__ import annotations

from typing import Any

from lensmaker.instruments.couplings.inferred import Inferred
from lensmaker.instruments.couplings.maximum_likelihood import MaximumLikelihood
from lensmaker.instruments.couplings.method import CouplingMethod
from lensmaker.instruments.couplings.minimum_probability_flow import MinimumProbabilityFlow
from lensmaker.instruments.couplings.observed import Observed, Terms, observe
from lensmaker.instruments.couplings.pseudo_likelihood import PseudoLikelihood

__all__ = [
    "METHODS",
    "CouplingMethod",
    "Inferred",
    "MaximumLikelihood",
    "MinimumProbabilityFlow",
    "Observed",
    "PseudoLikelihood",
    "infer",
    "observe",
]

METHODS: tuple[type[CouplingMethod], ...] = (MaximumLikelihood, PseudoLikelihood, MinimumProbabilityFlow)
"""Every method there is."""


def infer(samples: Any, terms: Terms, method: CouplingMethod | None = None) -> Inferred:
    """The dimensionless couplings K = βJ of the terms, from samples of e^(−βH)/Z.

    Parameters
    ----------
    samples
        ±1, (M, N) of one chain in its order or of independent draws, (chains, M, N) of several chains; or
        `Samples`, or another object whose `spins` they are.
    terms
        A Hamiltonian, whose couplings do not count, or name → cliques (m, k).
    method
        Pseudo-likelihood if none is given.

    Raises
    ------
    InputError
        If samples and terms do not fit, or the samples do not tell terms apart.

    Examples
    --------
    >>> found = infer([[1, 1], [1, 1], [1, 1], [1, -1]] * 25, {"J": [[0, 1]]})
    >>> print(found)
    pseudo_likelihood, 100 samples
    J = 0.5493 ± 0.0...
    """
    return (method or PseudoLikelihood()).infer(observe(samples, terms))

"""ln Z of a class, where it is known exactly."""

from __future__ import annotations

import itertools
from typing import Any

import torch

from lensmaker.core import InputError
from lensmaker.design.compile.domains import Bits, Box, Spins
from lensmaker.systems.polynomials import LatticePolynomial, Polynomial, gaussian_log_partition
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian
from lensmaker.theories.fields.ring import Ring
from lensmaker.theories.spins.enumeration import Enumerated
from lensmaker.theories.spins.solvable import exact_values

MOST = 20
"""Bits or spins that are enumerated."""

FEW = 16
"""Spins that are enumerated rather than looked up."""


def log_partition_of(
    source: Any, energy: Polynomial | LatticePolynomial, domain: Box | Bits | Spins | None = None
) -> float:
    """The logarithm of Z = Σ e^(−H) over spins or bits, or of ∫ e^(−H) over all real x.

    A spin system at a temperature by the exact solutions (enumeration, Kaufman, elimination); on bits or spins by
    enumeration of up to 20; of real x where H is quadratic, or couples neighbours on a ring.

    Raises
    ------
    InputError
        If there is no exact value.

    Examples
    --------
    >>> import math
    >>> H = Polynomial.parse("x*y")
    >>> abs(log_partition_of(H, H, Spins()) - math.log(2 * math.e + 2 / math.e)) < 1e-15
    True
    """
    if isinstance(source, Canonical | Hamiltonian):
        return _of_spins(source if isinstance(source, Canonical) else Canonical(source, 1.0))
    polynomial = energy.to_polynomial() if isinstance(energy, LatticePolynomial) else energy
    if isinstance(domain, Bits | Spins):
        return _enumerated(polynomial, (0.0, 1.0) if isinstance(domain, Bits) else (-1.0, 1.0))
    if isinstance(energy, LatticePolynomial) and len(energy.sides) == 1 and polynomial.degree > 2:
        return Ring.of(energy).log_partition
    if polynomial.degree > 2:
        raise _unknown(f"one of degree {polynomial.degree}")
    return gaussian_log_partition(polynomial)


def _of_spins(system: Canonical[Hamiltonian]) -> float:
    if system.sites <= FEW:
        return Enumerated(system).log_partition
    table = exact_values(system).select(quantity="free_energy")
    if not len(table):
        raise _unknown(f"{system.sites} spins without an exact solution")
    return -table[0].value * system.sites * system.beta


def _enumerated(polynomial: Polynomial, states: tuple[float, float]) -> float:
    n = len(polynomial.variables)
    if n > MOST:
        raise _unknown(f"{n} variables of two states")
    rows = torch.tensor(list(itertools.product(states, repeat=n)), dtype=torch.float64)
    return float((-polynomial.evaluate(rows)).logsumexp(0))


def _unknown(got: str) -> InputError:
    return InputError("a class whose ln Z is known", got, "pass log_partitions=…, a number for each class")

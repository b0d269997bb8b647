"""Classes that have Hamiltonians: p(x|y) = e^(−H_y(x))/Z_y, and the posterior that follows, evaluated directly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.design.compile.domains import Bits, Box, Spins
from lensmaker.design.compile.log_partitions import log_partition_of
from lensmaker.design.compile.sources import Source, polynomial_of
from lensmaker.systems.polynomials import LatticePolynomial, Polynomial
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian

SUM_OFF = 1e-9
"""By how much the sum of priors may be off one, for they are rounded."""


@dataclass(frozen=True, eq=False)
class ClassHamiltonians:
    r"""What is known of some classes, and what Bayes' rule makes of it.

        p(y|x) = p(y) e^(−H_y(x))/Z_y / Σ_k p(k) e^(−H_k(x))/Z_k = softmax(−H_y(x) − μ_y),   μ_y = ln Z_y − ln p(y)

    so μ_y is the free energy of a class, and what its prior takes off it.

    Attributes
    ----------
    energies
        H_y, polynomials in the same variables, at temperature 1.
    log_partitions
        ln Z_y, of the sum over spins or bits, or of the integral over all x.
    priors
        p(y).
    flat
        Whether the sites of lattice polynomials come as one row.

    Examples
    --------
    >>> from lensmaker.systems.polynomials import gaussian
    >>> two = ClassHamiltonians.of([gaussian(0.0, 1.0), gaussian(2.0, 1.0)])
    >>> two.posterior(torch.tensor([[1.0], [2.0]]))[:, 1]  # ½, and 1/(1 + e^−2)
    tensor([0.5000, 0.8808], dtype=torch.float64)
    """

    energies: tuple[Polynomial | LatticePolynomial, ...]
    log_partitions: tuple[float, ...]
    priors: tuple[float, ...]
    flat: bool = False

    @classmethod
    def of(
        cls,
        hamiltonians: Sequence[Source | Canonical[Hamiltonian]],
        priors: Sequence[float] | None = None,
        log_partitions: Sequence[float] | None = None,
        *,
        domain: Box | Bits | Spins | None = None,
        lattice: Sequence[int] | None = None,
    ) -> ClassHamiltonians:
        """From whatever can be compiled, and spin systems at a temperature, whose H_y is H/T.

        Parameters
        ----------
        priors
            p(y); alike by default.
        log_partitions
            ln Z_y. Known without being given: of quadratic H_y, whose x are all real numbers; of rings of neighbours;
            of up to 20 bits or spins; and of spin systems that have an exact solution.

        Raises
        ------
        InputError
            If there are fewer than two classes, their variables differ, priors are no distribution, or a ln Z is
            neither given nor known.
        """
        if len(hamiltonians) < 2:
            raise InputError("two classes or more", f"{len(hamiltonians)}", "pass a Hamiltonian for each")
        p = _priors(priors, len(hamiltonians))
        energies = _alike([_taken(source, lattice) for source in hamiltonians])
        if log_partitions is None:
            known = [
                log_partition_of(source, energy, domain)
                for source, energy in zip(hamiltonians, energies, strict=True)
            ]
        else:
            known = [float(z) for z in log_partitions]
        if len(known) != len(energies) or not all(map(math.isfinite, known)):
            raise InputError(
                f"a finite ln Z for each of {len(energies)} classes",
                f"{', '.join(f'{z:g}' for z in known)}",
                "leave log_partitions=… out where they are known exactly",
            )
        flat = any(not isinstance(source, LatticePolynomial) for source in hamiltonians)
        return cls(energies, tuple(known), p, flat and isinstance(energies[0], LatticePolynomial))

    @property
    def count(self) -> int:
        """Number of classes."""
        return len(self.energies)

    @property
    def mu(self) -> tuple[float, ...]:
        """μ_y = ln Z_y − ln p(y); infinite for a class without a prior."""
        pairs = zip(self.log_partitions, self.priors, strict=True)
        return tuple(z - math.log(p) if p else math.inf for z, p in pairs)

    def logits(self, x: Tensor) -> Tensor:
        """−H_y(x) − μ_y of each row or field, directly, in double precision: classes along the last axis.

        Raises
        ------
        InputError
            If the shape is not that of the variables.
        """
        first = self.energies[0]
        if isinstance(first, LatticePolynomial) and self.flat:
            if x.shape[-1:] != (first.sites,):
                raise InputError(
                    f"{first.sites} variables along the last axis", f"shape {tuple(x.shape)}", "put them last"
                )
            x = x.reshape(*x.shape[:-1], *first.sides)
        values = torch.stack([energy.evaluate(x) for energy in self.energies], -1)
        return -values - torch.tensor(self.mu, dtype=torch.float64, device=x.device)

    def posterior(self, x: Tensor) -> Tensor:
        """p(y|x), to rounding."""
        return self.logits(x).softmax(-1)


def _priors(priors: Sequence[float] | None, classes: int) -> tuple[float, ...]:
    if priors is None:
        return (1 / classes,) * classes
    p = tuple(float(v) for v in priors)
    if len(p) != classes:
        raise InputError(f"a prior for each of {classes} classes", f"{len(p)}", "give one for each")
    if not all(math.isfinite(v) and v > 0 for v in p):
        raise InputError(
            "priors above 0", f"{', '.join(f'{v:g}' for v in p)}", "leave classes out that never occur"
        )
    if abs(math.fsum(p) - 1) > SUM_OFF:
        raise InputError("priors that add up to 1", f"{math.fsum(p):.12g}", "divide them by their sum")
    return p


def _taken(
    source: Source | Canonical[Hamiltonian], lattice: Sequence[int] | None
) -> Polynomial | LatticePolynomial:
    """H_y at temperature 1."""
    if not isinstance(source, Canonical):
        return polynomial_of(source, lattice)
    if not isinstance(source.hamiltonian, Hamiltonian):
        raise InputError("spins ±1", "spins of more states", "write their energy as a polynomial")
    found, beta = polynomial_of(source.hamiltonian, lattice), source.beta
    if isinstance(found, LatticePolynomial):
        return LatticePolynomial(found.sides, {shape: beta * c for shape, c in found.terms.items()})
    values = zip(found.factors, found.coefficients.tolist(), strict=True)
    return Polynomial.of_factors(found.variables, {factors: beta * c for factors, c in values})


def _alike(
    energies: Sequence[Polynomial | LatticePolynomial],
) -> tuple[Polynomial | LatticePolynomial, ...]:
    """All of them of one lattice, or all as lists of terms in the same variables."""
    on_lattice = [e for e in energies if isinstance(e, LatticePolynomial)]
    if len(on_lattice) == len(energies):
        sides = {e.sides for e in on_lattice}
        if len(sides) > 1:
            raise InputError(
                "classes on one lattice",
                f"sides {' and '.join(map(str, sorted(sides)))}",
                "cut the larger ones",
            )
        return tuple(on_lattice)
    names = next(e.variables for e in energies if isinstance(e, Polynomial))
    found = []
    for energy in energies:
        if isinstance(energy, LatticePolynomial):  # sites row by row, whatever they are called
            if energy.sites != len(names):
                raise _other_variables(names, tuple(f"x{i}" for i in range(energy.sites)))
            listed = energy.to_polynomial()
            energy = Polynomial(names, listed.exponents, listed.coefficients)
        if energy.variables != names:
            raise _other_variables(names, energy.variables)
        found.append(energy)
    return tuple(found)


def _other_variables(names: Sequence[str], others: Sequence[str]) -> InputError:
    one, two = (f"{', '.join(some)[:40] or 'none'}" for some in (names, others))
    return InputError(
        "classes in the same variables",
        f"{one} and {two}",
        "name all of them, Polynomial.parse(text, variables=(…))",
    )

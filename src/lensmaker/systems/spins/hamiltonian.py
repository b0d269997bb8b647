"""Hamiltonians: polynomials in ±1 spins, with named coupling constants."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.spins.cliques import distances
from lensmaker.systems.spins.lattices import Integers, Lattice

_BLOCK = 1 << 24
"""Entries of products that are in memory at a time."""


@dataclass(frozen=True, eq=False)
class Term:
    """What one coupling constant multiplies: Φ(s) = Σ_c w_c ∏_{i∈c} s_i.

    Attributes
    ----------
    name
        Name of the coupling constant.
    cliques
        The sites of each product, all of one order k, shape (m, k).
    weights
        w_c of each, shape (m,).
    """

    name: str
    cliques: Integers
    weights: NDArray[np.float64]

    @property
    def order(self) -> int:
        """Number of spins in each product, k."""
        return int(self.cliques.shape[1])


@dataclass(frozen=True, eq=False)
class Hamiltonian:
    r"""H(s) = −Σ_a J_a Φ_a(s) with Φ_a(s) = Σ_c w_c ∏_{i∈c} s_i and s_i = ±1.

    Attributes
    ----------
    sites
        Number of spins N.
    terms
        The Φ_a; several of different order may share a coupling constant's name.
    couplings
        Name → J_a, in the order of the statistics.
    lattice
        The lattice that it is made on, None for one of its own.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import chain
    >>> ring = ising(chain(3), J=1.0, h=0.5)
    >>> ring.energy(torch.tensor([[1, 1, 1], [1, 1, -1]])).tolist()
    [-4.5, 0.5]
    """

    sites: int
    terms: tuple[Term, ...]
    couplings: Mapping[str, float]
    lattice: Lattice | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coupling constants."""
        return tuple(self.couplings)

    @property
    def states(self) -> tuple[int, ...]:
        """What a spin can be."""
        return (-1, 1)

    @property
    def degree(self) -> int:
        """The most spins in one product."""
        return max((t.order for t in self.terms), default=0)

    @property
    def is_even(self) -> bool:
        """Whether turning all spins over changes nothing (Z₂), with the couplings as they are."""
        return all(t.order % 2 == 0 for t in self.terms if self.couplings[t.name] != 0 and t.weights.any())

    def with_couplings(self, **values: float) -> Hamiltonian:
        """The same with other coupling constants.

        Raises
        ------
        InputError
            If there is none of such a name, or a value is not finite.
        """
        if unknown := [name for name in values if name not in self.couplings]:
            raise InputError(f"one of the couplings {', '.join(self.names)}", unknown[0], "check the name")
        return replace(self, couplings={**self.couplings, **_finite(values)})

    def statistics(self, spins: Tensor) -> Tensor:
        """The sufficient statistics Φ_a, which are −∂H/∂J_a: (…, N) → (…, A) in double precision."""
        spins = _checked(spins, self.sites)
        found = {
            name: torch.zeros(spins.shape[:-1], dtype=torch.float64, device=spins.device)
            for name in self.names
        }
        for term in self.terms:
            found[term.name] += _products(spins, term).reshape(spins.shape[:-1])
        if not found:
            return torch.zeros(*spins.shape[:-1], 0, dtype=torch.float64)
        return torch.stack(list(found.values()), -1)

    def energy(self, spins: Tensor) -> Tensor:
        """H of each configuration: (…, N) → (…) in double precision."""
        couplings = torch.tensor(list(self.couplings.values()), dtype=torch.float64, device=spins.device)
        return -(self.statistics(spins) @ couplings)

    def local_fields(self, spins: Tensor) -> Tensor:
        """f_i = −∂H/∂s_i, the field that each spin feels: H = −s_i f_i + what does not depend on s_i; (…, N)."""
        spins = _checked(spins, self.sites).double()
        fields = torch.zeros_like(spins)
        for term in self.terms:
            cliques = torch.as_tensor(term.cliques, device=spins.device)
            scale = self.couplings[term.name] * torch.as_tensor(term.weights, device=spins.device)
            values = [spins[..., c] for c in cliques.unbind(1)]
            for k, site in enumerate(cliques.unbind(1)):
                others = math.prod([v for j, v in enumerate(values) if j != k], start=scale)
                fields.index_add_(-1, site, others.expand(*spins.shape[:-1], len(cliques)))
        return fields

    def differences(self, spins: Tensor) -> Tensor:
        """What H gains when one spin is turned over, each in its turn: ΔH_i = 2 s_i f_i; (…, N)."""
        return 2 * spins.double() * self.local_fields(spins)

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """J_ij of the pair terms, symmetric, (N, N)."""
        found = np.zeros((self.sites, self.sites))
        for term in self.terms:
            if term.order == 2:
                i, j = term.cliques.T
                np.add.at(found, (i, j), self.couplings[term.name] * term.weights)
        return found + found.T

    @cached_property
    def field(self) -> NDArray[np.float64]:
        """h_i of the terms of one spin, (N,)."""
        found = np.zeros(self.sites)
        for term in self.terms:
            if term.order == 1:
                np.add.at(found, term.cliques[:, 0], self.couplings[term.name] * term.weights)
        return found

    def is_invariant(self, permutation: ArrayLike) -> bool:
        """Whether H stays the same function when site i takes the place of `permutation[i]`."""
        p = np.asarray(permutation)
        if sorted(p.tolist()) != list(range(self.sites)):
            raise InputError(f"a permutation of {self.sites} sites", f"{p.tolist()}", "name each site once")
        mine = self._polynomial(np.arange(self.sites))
        moved = self._polynomial(p)
        return mine.keys() == moved.keys() and all(
            math.isclose(v, moved[c], rel_tol=1e-12) for c, v in mine.items()
        )

    def is_translation_invariant(self) -> bool:
        """Whether no translation of its lattice changes it.

        Raises
        ------
        InputError
            If it has no lattice.
        """
        if self.lattice is None:
            raise InputError("a Hamiltonian on a lattice", "one of its own", "ask is_invariant(permutation)")
        units = np.eye(len(self.lattice.shape), dtype=int)[list(self.lattice.periodic)]
        return all(self.is_invariant(self.lattice.translation(unit.tolist())) for unit in units)

    @cached_property
    def reach(self) -> float:
        """The distance of the farthest two spins in one product, in units of a bond: 0 for fields alone.

        Raises
        ------
        InputError
            If it has no lattice.
        """
        if self.lattice is None:
            raise InputError("a Hamiltonian on a lattice", "one of its own", "give it the lattice it is on")
        far = distances(self.lattice)
        live = [t.cliques for t in self.terms if self.couplings[t.name] and t.weights.any()]
        return max(
            (
                float(far[c[:, a], c[:, b]].max())
                for c in live
                if len(c)
                for a in range(c.shape[1])
                for b in range(a)
            ),
            default=0.0,
        )

    def _polynomial(self, place: Integers) -> dict[tuple[int, ...], float]:
        """Sites of a product → its coefficient, those that cancel left out; site i is at place[i]."""
        found: dict[tuple[int, ...], float] = {}
        for term in self.terms:
            for clique, weight in zip(place[term.cliques].tolist(), term.weights.tolist(), strict=True):
                key = tuple(sorted(clique))
                found[key] = found.get(key, 0.0) + self.couplings[term.name] * weight
        return {clique: value for clique, value in found.items() if value}

    def __str__(self) -> str:
        values = ", ".join(f"{name} = {value:g}" for name, value in self.couplings.items())
        on = f" on {self.lattice}" if self.lattice is not None else ""
        return f"{self.sites} spins{on}: {values}"


def hamiltonian(
    sites: int,
    terms: Mapping[str, ArrayLike | Sequence[ArrayLike]],
    couplings: Mapping[str, float],
    *,
    weights: Mapping[str, ArrayLike] | None = None,
    lattice: Lattice | None = None,
) -> Hamiltonian:
    """A Hamiltonian from the cliques of each coupling constant.

    Parameters
    ----------
    sites
        Number of spins N.
    terms
        Name → array (m, k) of the sites of each product.
    couplings
        Name → J.
    weights
        Name → w of each product; 1 where none are given.

    Raises
    ------
    InputError
        If names, sites or weights do not fit, or a coupling is not finite.

    Examples
    --------
    >>> plaquette = hamiltonian(4, {"K": [[0, 1, 2, 3]]}, {"K": 2.0})
    >>> plaquette.energy(torch.tensor([1, 1, 1, -1])).item()
    2.0
    """
    if set(terms) != set(couplings):
        raise InputError(
            f"a coupling for each of the terms {sorted(terms)}", f"{sorted(couplings)}", "name them alike"
        )
    made = [_term(name, np.asarray(c), (weights or {}).get(name), sites) for name, c in terms.items()]
    return Hamiltonian(sites, tuple(made), _finite({n: couplings[n] for n in terms}), lattice)


def _finite(couplings: Mapping[str, float]) -> dict[str, float]:
    """Couplings as numbers of Python, if they are finite."""
    found = {name: float(value) for name, value in couplings.items()}
    for name, value in found.items():
        if not math.isfinite(value):
            raise InputError("finite couplings", f"{name} = {value}", "pass numbers that are finite")
    return found


def ising(lattice: Lattice, J: float = 1.0, h: float = 0.0) -> Hamiltonian:
    """The Ising model H = −J Σ_bonds s_i s_j − h Σ_i s_i; without a term h where there is no field."""
    terms: dict[str, ArrayLike] = {"J": lattice.bonds}
    couplings = {"J": J}
    if h:
        terms["h"], couplings["h"] = np.arange(lattice.sites)[:, None], h
    return hamiltonian(lattice.sites, terms, couplings, lattice=lattice)


def from_matrix(J: ArrayLike, h: ArrayLike | None = None, *, lattice: Lattice | None = None) -> Hamiltonian:
    """H = −½ Σ_ij J_ij s_i s_j − Σ_i h_i s_i: each pair and each field that is not zero has a name of its own.

    Raises
    ------
    InputError
        If J is not square and symmetric, or h does not fit.

    Examples
    --------
    >>> dict(from_matrix([[0, 2], [2, 0]], [0.5, 0]).couplings)
    {'J[0,1]': 2.0, 'h[0]': 0.5}
    """
    matrix = np.asarray(J, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.array_equal(matrix, matrix.T):
        raise InputError("a symmetric matrix of couplings", f"shape {matrix.shape}", "pass (J + J.T)/2")
    n = len(matrix)
    pairs = np.argwhere(np.triu(matrix, 1))
    terms: dict[str, ArrayLike] = {f"J[{i},{j}]": [[i, j]] for i, j in pairs.tolist()}
    couplings = {f"J[{i},{j}]": matrix[i, j] for i, j in pairs.tolist()}
    if h is not None:
        field = np.asarray(h, dtype=np.float64)
        if field.shape != (n,):
            raise InputError(f"a field for each of {n} spins", f"shape {field.shape}", "pass one number each")
        for i in np.flatnonzero(field).tolist():
            terms[f"h[{i}]"], couplings[f"h[{i}]"] = [[i]], field[i]
    return hamiltonian(n, terms, couplings, lattice=lattice)


def _term(name: str, cliques: NDArray[np.generic], weights: ArrayLike | None, sites: int) -> Term:
    if cliques.ndim != 2 or not np.issubdtype(cliques.dtype, np.integer):
        got = f"shape {cliques.shape} of {cliques.dtype}"
        raise InputError(
            f"the sites of {name} as whole numbers of shape (products, order)", got, "pass [[0, 1], …]"
        )
    if cliques.size and not 0 <= cliques.min() <= cliques.max() < sites:
        raise InputError(f"sites from 0 to {sites - 1} in {name}", f"{cliques.max()}", "count from 0")
    ordered = np.sort(cliques, axis=1)
    if (ordered[:, 1:] == ordered[:, :-1]).any():
        raise InputError(
            f"different sites in each product of {name}", "one twice, though s² = 1", "leave both out"
        )
    given = np.ones(len(cliques)) if weights is None else np.asarray(weights, dtype=np.float64)
    if given.shape != (len(cliques),) or not np.isfinite(given).all():
        raise InputError(f"{len(cliques)} finite weights for {name}", f"shape {given.shape}", "pass one each")
    return Term(name, cliques.astype(np.int64), given)


def _checked(spins: Tensor, sites: int) -> Tensor:
    if spins.shape[-1:] != (sites,):
        raise InputError(
            f"configurations of {sites} spins",
            f"shape {tuple(spins.shape)}",
            "put the spins along the last axis",
        )
    return spins


def _products(spins: Tensor, term: Term) -> Tensor:
    """Φ of each configuration, flattened; a few products at a time."""
    rows = spins.reshape(-1, spins.shape[-1])
    rows = rows if rows.is_floating_point() else rows.to(torch.int8)
    total = torch.zeros(len(rows), dtype=torch.float64, device=spins.device)
    step = max(1, _BLOCK // max(1, len(rows)))
    cliques, weights = torch.as_tensor(term.cliques), torch.as_tensor(term.weights)
    for some, w in zip(cliques.split(step), weights.split(step), strict=True):
        product = torch.ones((), dtype=rows.dtype, device=rows.device)
        for site in some.to(rows.device).unbind(1):
            product = product * rows[:, site]
        total += product.double() @ w.to(rows.device)
    return total

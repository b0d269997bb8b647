"""The polynomial Hamiltonian behind samples of spins, and how low, local and symmetric it is."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import Convergence, InputError, Measurement, Reference, Table, Where, quantity
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.couplings import CouplingMethod, Inferred, Observed, PseudoLikelihood
from lensmaker.instruments.polynomials.quadratic_form import QuadraticForm
from lensmaker.numerics.resampling import Estimate, jackknife
from lensmaker.systems.spins.hamiltonian import Hamiltonian, hamiltonian

Values = NDArray[np.float64]

_MOST = 4096
"""Couplings at a time: Newton's method has a table of their squares."""

_BLOCKS = 20
"""Of held-out samples in a row; errors are those of their means, so that blocks may remember one another little."""

_CLEAR = 3.0
"""Standard errors by which products of two have to tell held-out samples something."""


@dataclass(frozen=True)
class LearnedHamiltonian(Instrument):
    """Couplings of all products of up to d spins, from samples of e^H/Z, and what the Hamiltonian is like.

    The couplings are those of `method`, from all samples. What terms up to a degree explain is 1 − L/(N ln 2) with
    L the pseudo-likelihood loss −Σ_i ln P(s_i | others) of the second half of the samples, by couplings from the first
    half: 0 where each spin is a coin, 1 where the others tell it. Halves, and the blocks that tell the error, are in
    the order of the samples, one chain after the other.

    Of the system only the spins and the lattice count; the terms of its Hamiltonian do not.

    Parameters
    ----------
    degree
        d.
    method
        That reads couplings; a penalty l2 keeps those of patterns that no sample has finite, and its pull is not
        contained in the errors.
    shuffles, seed
        Of sites, to see how local and symmetric a form without places looks.

    Examples
    --------
    >>> from lensmaker.instruments.couplings import observe
    >>> from lensmaker.systems.spins import chain, ising
    >>> rng = np.random.default_rng(0)
    >>> s = np.cumprod(rng.choice([1, -1], p=[0.8, 0.2], size=(4000, 4)), axis=1)  # tanh K = 0.6
    >>> found = LearnedHamiltonian().infer(observe(s, ising(chain(4, periodic=False))))
    >>> abs(found.inferred.couplings["s0*s1"] - 0.693) < 4 * found.inferred.errors["s0*s1"]
    True
    """

    degree: int = 2
    method: CouplingMethod = field(default_factory=PseudoLikelihood)
    shuffles: int = 200
    seed: int = 0

    name = "learned_hamiltonian"
    summary = (
        "Couplings of all products of spins up to a degree, from samples, with shares by degree and symmetry."
    )
    quantities = (
        "coupling",
        "explained_share",
        "degree_share",
        "coupling_distance",
        "translation_share",
        "reflection_share",
    )
    references: ClassVar[tuple[Reference, ...]] = PseudoLikelihood.references

    def __post_init__(self) -> None:
        if self.degree < 1 or self.shuffles < 2:
            raise InputError(
                "a degree from 1 and 2 shuffles or more",
                f"{self.degree} and {self.shuffles}",
                "leave them out",
            )

    def measure(self, system: Observed) -> Table[Measurement]:
        return self.infer(system).to_table()

    def infer(self, observed: Observed) -> LearnedCouplings:
        """The couplings, and what the Hamiltonian is like.

        Raises
        ------
        InputError
            If the samples have no lattice, there are too few or too many couplings, or they do not tell terms apart.
        """
        lattice, N = observed.model.lattice, observed.model.sites
        if (
            lattice is None
            or len(set(lattice.periodic)) > 1
            or not np.array_equal(lattice.positions, np.argwhere(np.ones(lattice.shape)))
        ):
            got = "none" if lattice is None else f"{lattice}"
            raise InputError(
                "a chain, square or cubic lattice, periodic or open",
                got,
                "observe(samples, ising(square(6)))",
            )
        if (count := sum(math.comb(N, k) for k in range(1, self.degree + 1))) > _MOST:
            raise InputError(
                f"at most {_MOST} couplings",
                f"{count} of up to {self.degree} of {N} spins",
                "lower the degree, or take fewer spins",
            )
        rows, half = observed.rows, observed.samples // 2
        if half < _BLOCKS:
            raise InputError(f"at least {2 * _BLOCKS} samples", f"{len(rows)}", "sample longer")
        losses = [np.full(_BLOCKS, N * math.log(2))]
        for k in range(1, self.degree + 1):
            model = _products(N, k)
            fitted = self.method.infer(Observed(rows[None, :half], model))
            couplings = np.array(list(fitted.couplings.values()))
            losses.append(_held_out(couplings, rows[half:], model))
        inferred = self.method.infer(replace(observed, model=_products(N, self.degree)))
        whole = N * math.log(2)
        return LearnedCouplings(
            self,
            inferred,
            tuple(jackknife((losses[0] - loss) / whole) for loss in losses[1:]),
            tuple(jackknife((a - b) / whole) for a, b in itertools.pairwise(losses)),
            _form(inferred, lattice.shape, all(lattice.periodic)),
        )


@dataclass(frozen=True, eq=False)
class LearnedCouplings:
    """What samples say.

    Attributes
    ----------
    instrument
        That read them.
    inferred
        The couplings, called s0, s0*s1, …
    explained, shares
        By degree 1, 2, …
    form
        The products of two spins.
    """

    instrument: LearnedHamiltonian
    inferred: Inferred
    explained: tuple[Estimate, ...]
    shares: tuple[Estimate, ...]
    form: QuadraticForm

    def to_table(self) -> Table[Measurement]:
        """Couplings at their products, shares at their degrees, and the form at the sites."""
        name, samples = self.instrument.name, self.inferred.samples
        found = [replace(m, instrument=name) for m in self.inferred.to_table()]
        for k, (whole, more) in enumerate(zip(self.explained, self.shares, strict=True), start=1):
            at = Where(coordinates=(("degree", float(k)),))
            for what, read in (("explained_share", whole), ("degree_share", more)):
                state = Convergence.CONVERGED if math.isfinite(read.value) else Convergence.NOT_FINITE
                found.append(Measurement(quantity(what), at, read.value, read.error, name, samples, state))
        form = self.form if self.has_pairs else self.form.without_pairs
        return Table(found + form.measurements(name, samples, self.instrument.shuffles, self.instrument.seed))

    @property
    def has_pairs(self) -> bool:
        """Whether products of two tell held-out samples anything; a penalty makes couplings where there are none."""
        return len(self.shares) > 1 and self.shares[1].value > _CLEAR * self.shares[1].error


def _products(sites: int, degree: int) -> Hamiltonian:
    """A coupling for each product of up to `degree` spins."""
    cliques = [c for k in range(1, degree + 1) for c in itertools.combinations(range(sites), k)]
    names = ["*".join(f"s{i}" for i in c) for c in cliques]
    return hamiltonian(
        sites, {n: [list(c)] for n, c in zip(names, cliques, strict=True)}, dict.fromkeys(names, 0.0)
    )


def _held_out(couplings: Values, spins: NDArray[np.int8], model: Hamiltonian) -> Values:
    """−Σ_i ln P(s_i | others) of a sample, mean over each block of samples in a row, (blocks,)."""
    return np.array([_loss(couplings, part[None], model) for part in np.array_split(spins, _BLOCKS)])


def _loss(couplings: Values, spins: NDArray[np.int8], model: Hamiltonian) -> float:
    if not np.isfinite(couplings).all():
        return math.inf
    problem = PseudoLikelihood().problem(Observed(spins, model))
    return problem.expand(couplings).value


def _form(inferred: Inferred, sides: tuple[int, ...], periodic: bool) -> QuadraticForm:
    """The products of two spins whose couplings are finite."""
    model, names = inferred.model, list(inferred.couplings)
    at = [a for a, term in enumerate(model.terms) if term.order == 2]
    at = [a for a in at if math.isfinite(inferred.couplings[names[a]])]
    pairs = np.array([model.terms[a].cliques[0] for a in at], dtype=np.int64).reshape(-1, 2)
    c = np.array([inferred.couplings[names[a]] for a in at], dtype=np.float64)
    covariance = inferred.covariance[np.ix_(at, at)] if at else np.zeros((0, 0))
    return QuadraticForm(sides, periodic, pairs, c, covariance)

"""RBM → Hamiltonian: the couplings of one layer when the other is summed over."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.core import InputError
from lensmaker.numerics.resampling import Estimate
from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann.effective.layer import Layer
from lensmaker.systems.boltzmann.effective.log_cosh import Integral, all_orders
from lensmaker.systems.boltzmann.finite import check_finite
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.spin_form import SpinForm, spin_form
from lensmaker.systems.spins.hamiltonian import Hamiltonian, hamiltonian
from lensmaker.systems.spins.lattices import Lattice

MOST = 20
"""Spins that one summed unit may see for all of its products to be told."""

MOST_PRODUCTS = 1 << 22
"""Couplings that are held."""

_FEW = 12
"""Spins of a unit up to which a transform is cheaper than integrals."""

_DRAWS = 4096
"""Configurations by which the size of what is left out is estimated."""

Values = NDArray[np.float64]
Couplings = dict[tuple[int, ...], float]


@dataclass(frozen=True, eq=False)
class Marginal:
    """−ln Σ e^{−E} over the other layer, as a polynomial.

    Attributes
    ----------
    hamiltonian
        H with βH = H: terms K1, K2, … of products of so many spins, each K_c as a weight.
    constant
        c of ln Σ e^{−E} = c − H(s).
    order
        The most spins in a product that is in H.
    left_out
        Root mean square, over all configurations alike, of what products of more spins would add; 0 ± 0 where there
        are none.
    """

    hamiltonian: Hamiltonian
    constant: float
    order: int
    left_out: Estimate

    def coupling(self, *sites: int) -> float:
        """K of the product of these spins, 0 where it is in no term."""
        wanted = tuple(sorted(sites))
        for term in self.hamiltonian.terms:
            if term.order == len(wanted):
                rows = (term.cliques == wanted).all(1)
                return float(term.weights[rows].sum())
        return 0.0


def effective_hamiltonian(
    machine: RestrictedBoltzmannMachine,
    layer: Layer = Layer.VISIBLE,
    *,
    order: int | None = None,
    lattice: Lattice | None = None,
    seed: int = 0,
) -> Marginal:
    r"""The Hamiltonian that a layer has when the other one is summed over.

    −H(v) = a·v + Σ_j ln 2 cosh(b_j + Σ_i W_ij v_i) − c, each logarithm a polynomial in the spins that unit j sees, with
    couplings that are exact at any number of them: see `log_cosh`. Units of 0 and 1 are written as spins first.

    Parameters
    ----------
    layer
        The one that is kept.
    order
        Of the most spins in a product that is told. By default all are, for which no unit may see more than 20 spins.
    lattice
        That the kept spins are on.
    seed
        Of the configurations by which what is left out is estimated, where a unit sees more than 12 spins.

    Raises
    ------
    InputError
        If all products are asked for and a unit sees more than 20 spins, or they are too many, or the lattice does not
        fit, or a parameter is not finite.

    Examples
    --------
    >>> from lensmaker.systems.boltzmann.constructed import decimation_machine
    >>> found = effective_hamiltonian(decimation_machine(12, 0.7), Layer.HIDDEN)
    >>> abs(found.coupling(0, 1) - math.log(math.cosh(1.4)) / 2) < 1e-15, found.coupling(0, 2)
    (True, 0.0)
    """
    check_finite(machine)
    form = spin_form(machine) if layer is Layer.VISIBLE else spin_form(machine).exchanged
    n = len(form.visible)
    if lattice is not None and lattice.sites != n:
        raise InputError(f"a lattice of {n} spins", str(lattice), f"name that of the {layer.value} units")
    if order is not None and order < 1:
        raise InputError("products of one spin or more", f"order {order}", "pass order=2")
    seen = [np.flatnonzero(w) for w in form.weights.T]
    _fits(seen, order)
    found, constant, beyond = _summed(form, seen, order)
    terms = {f"K{k}": np.array(c) for k, c in _by_order(found).items()}
    weights = {f"K{k}": np.array([found[c] for c in cs]) for k, cs in _by_order(found).items()}
    H = hamiltonian(n, terms, dict.fromkeys(terms, 1.0), weights=weights, lattice=lattice)
    if beyond is None:
        rest = _residual(form, H, constant, seed)
    else:
        rest = Estimate(math.sqrt(sum(K**2 for K in beyond.values())), 0.0)
    highest = max((len(c) for c in found), default=0)
    return Marginal(H, constant, highest if order is None else order, rest)


def _fits(seen: list[NDArray[np.int64]], order: int | None) -> None:
    most = max(len(s) for s in seen)
    if order is None and most > MOST:
        expected = f"units that see at most {MOST} spins, for products of any number of them"
        raise InputError(expected, f"one that sees {most}", "pass order=2, or another number")
    count = sum(
        2 ** len(s) if order is None else sum(math.comb(len(s), k) for k in range(order + 1)) for s in seen
    )
    if order != 1 and order != 2 and count > MOST_PRODUCTS:
        raise InputError(
            f"at most {MOST_PRODUCTS} products", f"{count}", "pass order=2, or another small number"
        )


def _summed(
    form: SpinForm, seen: list[NDArray[np.int64]], order: int | None
) -> tuple[Couplings, float, Couplings | None]:
    """Couplings up to the order, the constant, and those beyond it; None where not all of these are known."""
    constant, pairs = form.constant, np.zeros((len(form.visible),) * 2)
    singles = form.visible.copy()
    found: Couplings = {}
    beyond: Couplings | None = {}
    for spins, w, b in zip(seen, form.weights.T, form.hidden.tolist(), strict=True):
        if order is None or len(spins) <= _FEW:
            K = all_orders(b, w[spins])
            constant += float(K[0])
            # rounding leaves parts of 1e-16 of the largest value on products that have none
            for index in np.flatnonzero(np.abs(K) > 4e-16 * (abs(b) + np.abs(w).sum() + 1)).tolist():
                clique = tuple(spins[[i for i in range(len(spins)) if index >> i & 1]].tolist())
                into = found if order is None or len(clique) <= order else beyond
                if clique and into is not None:
                    into[clique] = into.get(clique, 0.0) + float(K[index])
            continue
        integral = Integral(b, w[spins])
        constant += integral.constant()
        singles[spins] += integral.fields()
        if order >= 2:
            pairs[np.ix_(spins, spins)] += integral.pairs()
        for k in range(3, min(order, len(spins)) + 1):
            cliques = np.array(list(itertools.combinations(range(len(spins)), k)))
            for clique, K_c in zip(spins[cliques].tolist(), integral.products(cliques).tolist(), strict=True):
                found[tuple(clique)] = found.get(tuple(clique), 0.0) + K_c
        beyond = None if len(spins) > order else beyond
    for i in np.flatnonzero(singles).tolist():
        found[i,] = found.get((i,), 0.0) + float(singles[i])
    for i, j in np.argwhere(np.triu(pairs, 1)).tolist():
        found[i, j] = found.get((i, j), 0.0) + float(pairs[i, j])
    return found, constant, beyond


def _by_order(found: Couplings) -> dict[int, list[tuple[int, ...]]]:
    """The sets of each number of spins, in order."""
    table: dict[int, list[tuple[int, ...]]] = {}
    for clique in sorted(found):
        table.setdefault(len(clique), []).append(clique)
    return dict(sorted(table.items()))


def _residual(form: SpinForm, H: Hamiltonian, constant: float, seed: int) -> Estimate:
    """√⟨(ln Σ e^{−E} − c + H)²⟩ over free spins: by Parseval, √ΣK_c² of all that is left out."""
    generator = stream("what a truncated Hamiltonian leaves out", seed)
    s = 2 * torch.randint(2, (_DRAWS, len(form.visible)), generator=generator) - 1
    rest = form.log_sum(s.numpy().astype(np.float64)) - constant + H.energy(s).numpy()
    square = rest**2
    rms = math.sqrt(float(square.mean()))
    error = float(square.std(ddof=1)) / math.sqrt(_DRAWS) / (2 * rms) if rms else 0.0
    return Estimate(rms, error)

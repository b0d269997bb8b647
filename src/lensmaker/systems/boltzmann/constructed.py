"""Machines that are written down, not trained: their distribution is that of given spins, exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lensmaker.core import InputError
from lensmaker.systems.boltzmann.exact import Exact
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.spin_form import SpinForm, spin_form
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian


def bond_machine(system: Canonical[Any]) -> RestrictedBoltzmannMachine:
    r"""One hidden spin for each bond: P(v) of the machine is e^{−βH(v)}/Z, for any pairs and fields on any graph.

    With K = βJ of a bond, 2 cosh W(s + s′ sign K) = 2 e^{|K|} e^{K s s′} where

        cosh 2W = e^{2|K|},   W = |K| + ½ ln(1 + √(1 − e^{−4|K|})).

    Fields are biases, a = βh. Several bonds between the same two spins are one, and a bond that cancels is none; a
    system without bonds has one hidden spin that nothing holds.

    Raises
    ------
    InputError
        If spins are not ±1, or more than two of them interact.

    Examples
    --------
    >>> from lensmaker.systems.spins import chain, ising
    >>> ring = Canonical(ising(chain(3)), 1.0)
    >>> W = bond_machine(ring).weights.parameter.detach()
    >>> W.shape, abs(math.cosh(2 * float(W[0, 0])) - math.exp(2)) < 1e-14
    (torch.Size([3, 3]), True)
    """
    h = _pairs(system)
    J = np.triu(h.matrix, 1) * system.beta
    bonds = np.argwhere(J)
    W = np.zeros((h.sites, max(1, len(bonds))))
    for j, (first, last) in enumerate(bonds):
        K = J[first, last]
        W[first, j] = bond_weight(abs(K))
        W[last, j] = math.copysign(W[first, j], K)
    return SpinForm(W, system.beta * h.field, np.zeros(W.shape[1]), 0.0).machine()


def bond_weight(K: float) -> float:
    """W with cosh 2W = e^{2K}, K ≥ 0.

    Examples
    --------
    >>> abs(math.cosh(2 * bond_weight(0.4)) - math.exp(0.8)) < 1e-15
    True
    """
    return K + math.log1p(math.sqrt(-math.expm1(-4 * K))) / 2


def bond_constant(system: Canonical[Any]) -> float:
    """Ln Z of `bond_machine` less ln Z of the system: ln 2 + |K| for each bond.

    Examples
    --------
    >>> from lensmaker.systems.spins import chain, ising
    >>> round(bond_constant(Canonical(ising(chain(3)), 1.0)) - 3 * math.log(2), 12)
    3.0
    """
    K = np.abs(np.triu(_pairs(system).matrix, 1)) * system.beta
    return max(1, int(np.count_nonzero(K))) * math.log(2) + float(K.sum())


def decimation_machine(sites: int, K: float, *, stiffness: float = 20.0) -> RestrictedBoltzmannMachine:
    r"""A ring as a machine whose hidden spins are every second one of it: an exact step of decimation.

    Hidden spin j has a weight w to spin 2j, which it copies for w → ∞, and K to both neighbours of that. Then

        Σ_h e^{−E} = Π_j 2 cosh(w v_{2j} + K (v_{2j−1} + v_{2j+1})) → const · e^{K Σ v v′},

    which is off by e^{−2(w − 2|K|)}, and for any w, Σ_v e^{−E} = const · Π_j 2 cosh K(h_j + h_{j+1}): the hidden spins
    are a ring with

        K' = ½ ln cosh 2K.

    Parameters
    ----------
    sites
        Of the ring, an even number.
    K
        J/T.
    stiffness
        w.

    Raises
    ------
    InputError
        If the number of sites is odd or less than four.

    Examples
    --------
    >>> (decimation_machine(6, 0.7).weights.parameter / 0.7).round().int().tolist()[:3]
    [[29, 0, 0], [1, 1, 0], [0, 29, 0]]
    """
    if sites < 4 or sites % 2:
        raise InputError("an even number of sites from 4 on", f"{sites}", "pass decimation_machine(8, K)")
    W = np.zeros((sites, sites // 2))
    for j in range(sites // 2):
        W[2 * j, j] = stiffness
        W[2 * j - 1, j] += K
        W[2 * j + 1, j] += K
    return SpinForm(W, np.zeros(sites), np.zeros(sites // 2), 0.0).machine()


def with_copies(
    machine: RestrictedBoltzmannMachine, sites: Sequence[int], weight: float
) -> RestrictedBoltzmannMachine:
    """The machine with more hidden spins, the first ones, each of which sees one visible spin alone.

    Each multiplies P(v, h) by P(h|v) = e^{weight h v}/(2 cosh weight) and leaves P(v) as it is: the trace condition
    says nothing of what hidden spins mean. For weight → ∞ they are copies, which is decimation.

    Raises
    ------
    InputError
        If there is no such site, or a layer is not of pairs of states.

    Examples
    --------
    >>> from lensmaker.systems.spins import chain, ising
    >>> with_copies(bond_machine(Canonical(ising(chain(4)), 1.0)), [0, 2], 3.0).hidden
    Spin(6)
    """
    form = spin_form(machine)
    n, chosen = len(form.visible), list(sites)
    if not all(0 <= i < n for i in chosen):
        raise InputError(f"sites from 0 to {n - 1}", f"{chosen}", "count from 0")
    copies = np.zeros((n, len(chosen)))
    copies[chosen, np.arange(len(chosen))] = weight
    W = np.concatenate([copies, form.weights], 1)
    return SpinForm(W, form.visible, np.concatenate([np.zeros(len(chosen)), form.hidden]), 0.0).machine()


def with_log_partition(machine: RestrictedBoltzmannMachine, value: float) -> RestrictedBoltzmannMachine:
    """The machine with one more hidden spin, which sees no other, in the field b that makes ln Z what is wanted.

    It multiplies Z by 2 cosh b, P(v) stays as it is: ΔF can be made 0 for any machine, however wrong.

    Raises
    ------
    InputError
        If ln Z is wanted to be less than what it is, plus ln 2.

    Examples
    --------
    >>> from lensmaker.systems.boltzmann import Exact, Spin
    >>> machine = RestrictedBoltzmannMachine(Spin(3), Spin(2))
    >>> round(Exact(with_log_partition(machine, 7.0)).log_partition, 12)
    7.0
    """
    form, own = spin_form(machine), Exact(machine).log_partition
    lacking = value - own
    if not lacking >= math.log(2):
        expected = f"ln Z from {own + math.log(2):.6g} on"
        raise InputError(expected, f"{value:.6g}", "scale the weights of the machine down")
    field = lacking - math.log(2) + math.log1p(math.sqrt(-math.expm1(2 * (math.log(2) - lacking))))
    W = np.concatenate([form.weights, np.zeros((len(form.visible), 1))], 1)
    return SpinForm(W, form.visible, np.append(form.hidden, field), 0.0).machine()


def _pairs(system: Canonical[Any]) -> Hamiltonian:
    h = system.hamiltonian
    if not isinstance(h, Hamiltonian):
        raise InputError("spins of ±1", "spins of other states", "take a Hamiltonian of spins ±1")
    if any(t.order > 2 and h.couplings[t.name] and t.weights.any() for t in h.terms):
        got = f"products of {h.degree} spins"
        raise InputError("fields and pairs", got, "train a machine, as none is known in closed form")
    return h

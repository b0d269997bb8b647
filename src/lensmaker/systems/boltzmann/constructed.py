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


def decimation_machine(blocks: int, K: float, *, periodic: bool = True) -> RestrictedBoltzmannMachine:
    """A chain as a machine: every second spin is hidden, and summing the others out is decimation.

    A bond joins spins of both layers alone, so that E(v, h) is βH of the chain. Visible spin j is between the hidden
    spins j and j + 1, and Σ_v e^{−E} = Π_j 2 cosh K(h_j + h_{j+1}): the hidden spins are a chain with

        K' = ½ ln cosh 2K.

    Parameters
    ----------
    blocks
        Hidden spins: as many are visible on a ring, one less on an open chain.
    K
        J/T.

    Raises
    ------
    InputError
        If there are fewer than two blocks.

    Examples
    --------
    >>> machine = decimation_machine(4, 0.7)
    >>> (machine.weights.parameter / 0.7).round().int().tolist()
    [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 1]]
    """
    if blocks < 2:
        raise InputError("two blocks or more", f"{blocks}", "pass decimation_machine(4, K)")
    between = blocks if periodic else blocks - 1
    W = np.zeros((between, blocks))
    for j in range(between):
        W[j, j] += K
        W[j, (j + 1) % blocks] += K
    return SpinForm(W, np.zeros(between), np.zeros(blocks), 0.0).machine()


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

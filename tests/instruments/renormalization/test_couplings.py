"""Couplings of block spins against those of all configurations, and against decimation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exact.block_spins import Torus
from instruments.renormalization.samples import K_C, by_hand, independent, on
from lensmaker.core import Convergence, InputError, Verdict, compare
from lensmaker.instruments.couplings import MaximumLikelihood, PseudoLikelihood
from lensmaker.instruments.couplings.method import CouplingMethod
from lensmaker.instruments.renormalization import (
    DIAGONAL,
    NEIGHBOUR,
    PLAQUETTE,
    TWO_APART,
    RenormalisedCouplings,
)
from lensmaker.systems.spins import Canonical, chain, ising, sample, square
from lensmaker.systems.spins.coarse_graining import DecimationRule, MajorityRule, repeated
from lensmaker.systems.spins.sampling import SwendsenWang
from lensmaker.theories.spins.decimation import Decimation

THREE = (NEIGHBOUR, DIAGONAL, PLAQUETTE)


@pytest.mark.parametrize("temperature", [0.7, 1.5])
def test_a_ring_flows_as_decimation_says(temperature: float) -> None:
    """tanh K′ = tanh² K at five levels, |z| < 4 each: a false alarm of 6e-5 each."""
    ring = sample(Canonical(ising(chain(64)), temperature), 4000, rule=SwendsenWang(), seed=1)
    measured = RenormalisedCouplings(repeated(DecimationRule(), 4), (NEIGHBOUR,)).measure(ring)
    predicted = Decimation(levels=4).predict(ring.system).select(quantity="coupling")
    pairs, missing, alone = compare(predicted, measured)
    assert (len(pairs), len(missing), len(alone)) == (5, 0, 0)
    for pair in pairs:
        assert pair.verdict is not Verdict.NOT_CONVERGED
        assert abs(pair.z_score) < 4
        assert pair.measurement.error < 0.03


def test_further_operators_of_a_ring_have_no_coupling() -> None:
    ring = sample(Canonical(ising(chain(32)), 1.0), 4000, rule=SwendsenWang(), seed=2)
    found = RenormalisedCouplings(DecimationRule(), (NEIGHBOUR, TWO_APART)).measure(ring)
    further = [m for m in found if m.where.path == "two_apart"]
    assert [str(m.where) for m in further] == [
        "two_apart:spins[T=1, level=0]",
        "two_apart:spins[T=1, level=1]",
    ]
    for m in further:
        assert abs(m.value) < 4 * m.error < 0.05


@pytest.mark.parametrize("method", [PseudoLikelihood(), MaximumLikelihood()], ids=lambda m: m.name)
def test_block_spins_of_a_small_torus(method: CouplingMethod) -> None:
    """Four block spins have three even couplings and no more, which all configurations tell: |z| < 4 of three."""
    torus = Torus([o.name for o in THREE], K_C)
    exact = torus.couplings()
    samples = independent(torus, 20_000, 0)
    found = RenormalisedCouplings(MajorityRule(), THREE, method).measure(samples)
    first = found.select(where=str(found[0].where))[0]
    assert abs(first.value - K_C) < 4 * first.error < 0.03
    for m, K in zip(found[3:], exact, strict=True):
        assert m.convergence is Convergence.CONVERGED
        assert abs(m.value - K) < 4 * m.error < 0.05
    assert exact[0] > 4 * max(abs(exact[1:]))


def test_what_cannot_be_told_is_said() -> None:
    up = by_hand(np.ones((100, 64), np.int8), Canonical(ising(square(8)), 1.0))
    found = RenormalisedCouplings(MajorityRule(), (NEIGHBOUR,)).measure(up)
    assert {m.convergence for m in found} == {Convergence.UNBOUNDED}
    assert {m.value for m in found} == {math.inf}
    with pytest.raises(InputError, match="the sites of the operator two_apart are different"):
        RenormalisedCouplings(MajorityRule(), (NEIGHBOUR, TWO_APART)).measure(on(square(4), 50))
    with pytest.raises(InputError, match="operators of different names"):
        RenormalisedCouplings(MajorityRule(), (NEIGHBOUR, NEIGHBOUR))
    with pytest.raises(InputError, match="multiples of 2"):
        RenormalisedCouplings(MajorityRule()).measure(on(square(9), 50))

"""Every canonical rule on a torus of 64 × 64 against Kaufman's partition function."""

from __future__ import annotations

import pytest

from lensmaker.core import Convergence, compare
from lensmaker.instruments.spins.ensemble import Ensemble
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import square
from lensmaker.systems.spins.sampling import RULES, Rule, sample
from lensmaker.theories.spins.kaufman import Kaufman

LOCAL = {"metropolis", "heat_bath"}
"""Rules whose τ near T_c is a thousand sweeps and more: their samples are left correlated there, to end in minutes."""


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [2.0, 2.27, 3.0])
@pytest.mark.parametrize("rule", [r for r in RULES if r.is_open], ids=lambda r: r.name)
def test_energy_and_specific_heat(rule: type[Rule], temperature: float) -> None:
    """|z| < 3.5 for both: a false alarm of 1e-3 each."""
    system = Canonical(ising(square(64)), temperature)
    thin = 200 if temperature == 2.27 and rule.name in LOCAL else None
    samples = sample(system, 4000, rule=rule(), seed=11, thin=thin)
    assert samples.provenance.is_settled
    pairs, _, _ = compare(Kaufman().predict(system), Ensemble().measure(samples))
    assert {c.quantity.name for c in pairs} == {"energy", "specific_heat"}
    for c in pairs:
        assert c.measurement.convergence is Convergence.CONVERGED
        assert abs(c.z_score) < 3.5, c

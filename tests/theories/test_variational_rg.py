"""The exact map against every configuration of both layers; what is an identity, and what a condition."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from exact.joint_sums import configurations, joint
from lensmaker.core import InputError
from lensmaker.systems.boltzmann import Binary, RestrictedBoltzmannMachine, Spin
from lensmaker.systems.boltzmann.coarsening import Coarsening
from lensmaker.systems.boltzmann.constructed import (
    bond_constant,
    bond_machine,
    with_copies,
    with_log_partition,
)
from lensmaker.systems.boltzmann.spin_form import SpinForm, spin_form
from lensmaker.systems.spins import Canonical, chain, ising, square, triangular
from lensmaker.systems.spins.glasses import gaussian_glass
from lensmaker.systems.spins.hamiltonian import from_matrix, hamiltonian
from lensmaker.systems.spins.lattices import complete
from lensmaker.systems.spins.named_models import potts
from lensmaker.theories.variational_rg.theory import VariationalRG
from lensmaker.theories.variational_rg.trace import Trace

RING = Canonical(ising(chain(6), 1.0, 0.2), 1.3)


def drawn(visible: int, hidden: int, seed: int, scale: float = 1.0) -> RestrictedBoltzmannMachine:
    random = np.random.default_rng(seed)
    sizes = (visible, hidden), visible, hidden
    return SpinForm(*(scale * random.normal(size=size) for size in sizes), 0.0).machine()


def predicted(machine: RestrictedBoltzmannMachine, system: Canonical) -> dict[str, float]:
    found = VariationalRG().predict(Coarsening(machine, system))
    assert all(p.regime for p in found if p.quantity.name != "identity_gap")
    return {p.quantity.name: p.value for p in found}


@pytest.mark.parametrize("seed", range(4))
def test_against_all_configurations(seed: int) -> None:
    machine = drawn(6, 3, seed)
    form, v = spin_form(machine), configurations(6)
    H = -(v * np.roll(v, 1, 1)).sum(1) / 1.3 - 0.2 * v.sum(1) / 1.3
    exact = joint(form.weights, form.visible, form.hidden, H)
    found = predicted(machine, RING)
    assert found["free_energy_shift"] == pytest.approx(exact.shift, abs=1e-12)
    assert found["kl_divergence"] == pytest.approx(exact.divergence, abs=1e-12)
    assert found["trace_violation"] == pytest.approx(exact.variance, abs=1e-11)
    assert found["trace_residual"] == pytest.approx(np.ptp(exact.traces) / 2, abs=1e-12)
    assert np.abs(exact.renormalised - exact.of_machine).max() < 1e-12


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("scale", [0.01, 1.0, 5.0])
def test_the_identity_holds_for_any_parameters(seed: int, scale: float) -> None:
    """However wrong the machine is for the spins."""
    found = predicted(drawn(6, 4, seed, scale), RING)
    assert found["identity_gap"] < 1e-12
    assert found["kl_divergence"] > 0.01


def test_the_identity_is_tested() -> None:
    """Both ways are different code: a wrong sign in either is a gap of its own size."""
    machine = drawn(6, 3, 0)
    pair = Coarsening(machine, RING)
    from lensmaker.theories.variational_rg.identity import of_machine, renormalised

    assert np.abs(renormalised(pair) - of_machine(pair)).max() < 1e-12
    turned = Coarsening(drawn(6, 3, 1), RING)
    assert np.abs(renormalised(pair) - of_machine(turned)).max() > 0.1


@pytest.mark.parametrize("seed", [0, 2, 11])
def test_no_shift_of_the_free_energy_does_not_mean_exact(seed: int) -> None:
    """A random machine of 6 spins; a hidden spin that sees none makes its ln Z that of the ring."""
    exact = math.log((2 * math.cosh(1)) ** 6 + (2 * math.sinh(1)) ** 6)
    found = predicted(with_log_partition(drawn(6, 2, seed, 0.3), exact), Canonical(ising(chain(6)), 1.0))
    assert abs(found["free_energy_shift"]) < 1e-12
    assert found["kl_divergence"] > 1
    assert found["trace_violation"] > 1


SYSTEMS = {
    "ring": Canonical(ising(chain(7)), 0.8),
    "torus with doubled bonds": Canonical(ising(square(2, 4)), 2.0),
    "antiferromagnet in a field": Canonical(ising(triangular(3), -1.0, 0.5), 1.0),
    "glass": Canonical(gaussian_glass(complete(7), seed=0), 0.9),
    "graph": Canonical(from_matrix([[0, 2, 0], [2, 0, -1], [0, -1, 0]], [0.3, 0, -1]), 1.5),
    "free": Canonical(hamiltonian(4, {}, {}), 1.0),
    "cold": Canonical(ising(chain(5)), 0.05),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_hidden_spin_for_each_bond_is_exact(name: str) -> None:
    """Any sign and any field: KL and residual < 1e-12, or their rounding where energies are large."""
    system = SYSTEMS[name]
    found = predicted(bond_machine(system), system)
    scale = max(1.0, float(system.beta * np.abs(system.hamiltonian.matrix).sum()) / 20)
    assert abs(found["kl_divergence"]) < 1e-12
    assert found["trace_residual"] < 1e-12 * scale
    assert found["trace_violation"] < 1e-12
    assert found["free_energy_shift"] == pytest.approx(-bond_constant(system), abs=1e-11 * scale)


def test_a_bond_of_two_percent_too_much_is_seen() -> None:
    machine = bond_machine(RING)
    machine.weights.parameter.data *= 1.02
    found = predicted(machine, RING)
    assert found["kl_divergence"] > 1e-4
    assert found["trace_residual"] > 1e-2


def test_copies_leave_the_trace_condition_as_it_is() -> None:
    """P(v) is exact whatever the hidden spins mean: soft copies, stiff ones, none."""
    for weight in (0.0, 0.3, 9.0):
        found = predicted(with_copies(bond_machine(RING), [0, 2, 4], weight), RING)
        assert abs(found["kl_divergence"]) < 1e-12
        assert found["trace_residual"] < 1e-12


@pytest.mark.parametrize(
    ("visible", "hidden"), [(Binary(5), Binary(3)), (Spin(5), Binary(3)), (Binary(5), Spin(3))]
)
def test_units_of_0_and_1_are_spins(visible: Spin | Binary, hidden: Spin | Binary) -> None:
    machine = RestrictedBoltzmannMachine(visible, hidden, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    for parameter in machine.parameters():
        parameter.data.normal_(generator=generator)
    form = spin_form(machine)
    v, s = visible.configurations(), configurations(5)
    expected = -machine.free_energy(v).detach().numpy()
    assert np.abs(form.log_sum(s) - expected).max() < 1e-12
    h, t = hidden.configurations(), configurations(3)
    expected = -machine.hidden_free_energy(h).detach().numpy()
    assert np.abs(form.exchanged.log_sum(t) - expected).max() < 1e-12
    system = Canonical(ising(chain(5)), 2.0)
    one, two = predicted(machine, system), predicted(form.machine(), system)
    assert one["kl_divergence"] == pytest.approx(two["kl_divergence"], abs=1e-12)
    assert one["identity_gap"] < 1e-12


def test_the_machine_as_a_trial_distribution() -> None:
    """βF of the machine's distribution is above the true one by KL(P_RBM ‖ P)."""
    machine = drawn(6, 3, 0)
    trace = Trace(Coarsening(machine, RING))
    v = configurations(6)
    form = spin_form(machine)
    Q = np.exp(form.log_sum(v))
    Q /= Q.sum()
    H = RING.beta * RING.hamiltonian.energy(torch.from_numpy(v)).numpy()
    above = Q @ H + Q @ np.log(Q) + math.log(np.exp(-H).sum())
    assert trace.reverse_divergence == pytest.approx(above, abs=1e-12)


def test_too_many_configurations_are_said_before_they_are_summed() -> None:
    large = Canonical(ising(square(6)), 2.0)
    found = VariationalRG().predict(Coarsening(RestrictedBoltzmannMachine(Spin(36), Spin(4)), large))
    assert {p.regime.outside for p in found} == {"its 36 spins have 2^36 configurations, more than 2^24"}
    assert all(math.isnan(p.value) for p in found)
    middling = Canonical(ising(chain(12)), 2.0)
    found = VariationalRG().predict(Coarsening(RestrictedBoltzmannMachine(Spin(12), Spin(13)), middling))
    outside = {p.quantity.name: p.regime.outside for p in found if not p.regime}
    assert outside == {"identity_gap": "both layers have 2^25 configurations, more than 2^24"}
    many = Canonical(potts(chain(4), 3), 1.0)
    found = VariationalRG().predict(Coarsening(RestrictedBoltzmannMachine(Spin(4), Spin(2)), many))
    assert {p.regime.outside for p in found} == {"its spins are not ±1"}


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(InputError, match="5 spins, one for each visible unit, but got 6"):
        Coarsening(RestrictedBoltzmannMachine(Spin(5), Spin(2)), RING)
    with pytest.raises(InputError, match="fields and pairs, but got products of 3 spins"):
        bond_machine(Canonical(hamiltonian(3, {"K": [[0, 1, 2]]}, {"K": 1.0}), 1.0))
    with pytest.raises(InputError, match="sites from 0 to 5, but got"):
        with_copies(bond_machine(RING), [6], 1.0)
    with pytest.raises(InputError, match=r"ln Z from .* on, but got 1"):
        with_log_partition(bond_machine(RING), 1.0)
    with pytest.raises(InputError, match="spins of ±1, but got spins of other states"):
        bond_machine(Canonical(potts(chain(4), 3), 1.0))


def test_a_machine_that_diverged_is_outside_the_regime() -> None:
    for wrong in (math.nan, math.inf):
        machine = drawn(6, 2, 0)
        machine.weights.parameter.data[0, 0] = wrong
        found = VariationalRG().predict(Coarsening(machine, RING))
        assert {p.regime.outside for p in found} == {"a parameter of the machine is not finite"}
        assert all(math.isnan(p.value) for p in found)

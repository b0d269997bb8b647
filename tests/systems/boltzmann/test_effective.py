"""Hamiltonians that layers have learned, against sums over all configurations; decimation by a machine."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from exact.joint_sums import configurations, coupling
from lensmaker.core import InputError
from lensmaker.systems.boltzmann import Binary, Gaussian, RestrictedBoltzmannMachine, Spin
from lensmaker.systems.boltzmann.coarsening import Coarsening
from lensmaker.systems.boltzmann.constructed import bond_machine, decimation_machine, with_copies
from lensmaker.systems.boltzmann.effective import Layer, effective_hamiltonian, learned_couplings
from lensmaker.systems.boltzmann.effective import marginal as marginal_module
from lensmaker.systems.boltzmann.effective.log_cosh import Integral, all_orders
from lensmaker.systems.boltzmann.spin_form import SpinForm, spin_form
from lensmaker.systems.spins import Canonical, chain, ising, square
from lensmaker.theories.variational_rg.trace import Trace

SETS = [c for k in range(1, 5) for c in itertools.combinations(range(6), k)]


def drawn(visible: int, hidden: int, seed: int, scale: float = 1.0) -> RestrictedBoltzmannMachine:
    random = np.random.default_rng(seed)
    sizes = (visible, hidden), visible, hidden
    return SpinForm(*(scale * random.normal(size=size) for size in sizes), 0.0).machine()


def log_sums(W: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """ln Σ_h e^{−E} of each v, term by term."""
    v, h = configurations(len(a)), configurations(len(b))
    return np.log(np.exp((v @ a)[:, None] + h @ b + v @ W @ h.T).sum(1))


@pytest.mark.parametrize("layer", list(Layer))
def test_all_couplings_are_those_of_enumeration(layer: Layer) -> None:
    machine = drawn(6, 6, 0)
    form = spin_form(machine)
    found = effective_hamiltonian(machine, layer)
    W, a, b = form.weights, form.visible, form.hidden
    exact = log_sums(W, a, b) if layer is Layer.VISIBLE else log_sums(W.T, b, a)
    assert [found.coupling(*c) for c in SETS] == pytest.approx([coupling(exact, c) for c in SETS], abs=1e-13)
    H = found.hamiltonian.energy(torch.from_numpy(configurations(6))).numpy()
    assert np.abs(found.constant - H - exact).max() < 1e-12
    assert found.order == 6
    assert found.left_out == (0.0, 0.0)


def test_integrals_are_those_couplings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way for units that see many spins, on units that see few."""
    machine = drawn(6, 4, 1, 1.5)
    few = effective_hamiltonian(machine, order=4)
    monkeypatch.setattr(marginal_module, "_FEW", 0)
    many = effective_hamiltonian(machine, order=4)
    assert [many.coupling(*c) for c in SETS] == pytest.approx([few.coupling(*c) for c in SETS], abs=2e-14)
    assert many.constant == pytest.approx(few.constant, abs=1e-12)
    assert abs(many.left_out.value - few.left_out.value) < 4 * many.left_out.error
    assert few.left_out.error == 0


@pytest.mark.parametrize(("bias", "scale"), [(0.0, 0.3), (2.0, 1.0), (-7.0, 3.0), (0.1, 20.0)])
def test_integrals_hold_for_weak_and_strong_weights(bias: float, scale: float) -> None:
    w = scale * np.random.default_rng(0).normal(size=8)
    exact, integral = all_orders(bias, w), Integral(bias, w)
    size = abs(bias) + np.abs(w).sum()
    assert integral.constant() == pytest.approx(exact[0], abs=1e-14 * size)
    assert np.abs(integral.fields() - exact[[1 << i for i in range(8)]]).max() < 1e-14 * max(1, size)
    for k in (2, 3, 5):
        sets = np.array(list(itertools.combinations(range(8), k)))
        assert np.abs(integral.products(sets) - exact[(1 << sets).sum(1)]).max() < 1e-14 * max(1, size)


def test_weak_weights_give_the_cumulants() -> None:
    """K_ij → W_i W_j sech² b and K_ijk → −2 tanh b sech² b W W W."""
    b, w = 0.4, 1e-3 * np.array([1.0, -2.0, 1.5])
    K = all_orders(b, w)
    sech = 1 / math.cosh(b) ** 2
    assert K[0b011] == pytest.approx(w[0] * w[1] * sech, rel=1e-4)
    assert K[0b111] == pytest.approx(-2 * math.tanh(b) * sech * w.prod(), rel=1e-3)


def test_many_spins_and_what_is_left_out() -> None:
    """ln Σ e^{−E} of a machine of 100 spins, all of which each hidden spin sees, without the list of all products."""
    random = np.random.default_rng(0)
    form = SpinForm(0.1 * random.normal(size=(100, 20)), np.zeros(100), 0.3 * random.normal(size=20), 0.0)
    found = effective_hamiltonian(form.machine(), order=2)
    s = random.choice([-1.0, 1.0], size=(4000, 100))
    exact = form.log_sum(s)
    rest = exact - found.constant + found.hamiltonian.energy(torch.from_numpy(s)).numpy()
    rms = math.sqrt((rest**2).mean())
    assert abs(rms - found.left_out.value) < 5 * math.hypot(1, 1) * found.left_out.error  # 1e-6
    assert rms < 0.6 * exact.std()
    for i, j in ((0, 1), (7, 50)):  # the mean of f s_i s_j over samples; |z| < 5
        products = (exact - exact.mean()) * s[:, i] * s[:, j]
        z = (products.mean() - found.coupling(i, j)) / (products.std() / math.sqrt(4000))
        assert abs(z) < 5


@pytest.mark.parametrize("K", [0.05, 0.7, 2.0, -0.7])
@pytest.mark.parametrize("blocks", [3, 8, 300])
def test_a_machine_that_decimates(K: float, blocks: int) -> None:
    """K' = ½ ln cosh 2K between neighbours, and nothing else, to 1e-14."""
    found = effective_hamiltonian(decimation_machine(2 * blocks, K), Layer.HIDDEN)
    expected = math.log(math.cosh(2 * K)) / 2
    pairs = [found.coupling(i, (i + 1) % blocks) for i in range(min(blocks, 8))]
    assert pairs == pytest.approx([expected] * len(pairs), abs=1e-14)
    assert {t.name for t in found.hamiltonian.terms} == {"K2"}
    assert len(found.hamiltonian.terms[0].cliques) == blocks


def test_two_blocks_share_two_bonds() -> None:
    found = effective_hamiltonian(decimation_machine(4, 0.7), Layer.HIDDEN)
    assert found.coupling(0, 1) == pytest.approx(math.log(math.cosh(1.4)), abs=1e-14)


@pytest.mark.parametrize("K", [0.3, 1.0, -0.8])
def test_the_machine_that_decimates_has_the_distribution_of_the_ring(K: float) -> None:
    """Off by e^{−2(w − 2|K|)}: seen at a stiffness of 3, not at 20."""
    ring = Canonical(ising(chain(8), K), 1.0)
    stiff = Trace(Coarsening(decimation_machine(8, K), ring))
    assert abs(stiff.divergence) < 1e-12
    assert stiff.residual < 1e-12
    soft = Trace(Coarsening(decimation_machine(8, K, stiffness=3.0), ring))
    assert 1e-12 < soft.divergence < 1e-2
    found = effective_hamiltonian(decimation_machine(8, K, stiffness=3.0), Layer.HIDDEN)
    assert found.coupling(0, 1) == pytest.approx(math.log(math.cosh(2 * K)) / 2, abs=1e-14)


def test_stiff_copies_of_every_second_spin_are_decimated() -> None:
    """Beside hidden spins that make P(v) exact: −ln of what copies weigh, by all configurations of the rest."""
    K, system = 0.6, Canonical(ising(chain(8)), 1 / 0.6)
    machine = with_copies(bond_machine(system), [0, 2, 4, 6], 20.0)
    form = spin_form(machine)
    h, v = configurations(4), configurations(8)
    rest = SpinForm(form.weights[:, 4:], form.visible, form.hidden[4:], 0.0)
    weight = h @ form.weights[:, :4].T @ v.T + rest.log_sum(v)
    logs = np.log(np.exp(weight - weight.max()).sum(1))
    assert coupling(logs, (0, 1)) == pytest.approx(math.log(math.cosh(2 * K)) / 2, abs=1e-13)
    assert coupling(logs, (0, 2)) == pytest.approx(0, abs=1e-13)
    assert coupling(logs, (0, 1, 2, 3)) == pytest.approx(0, abs=1e-13)


def test_the_hamiltonian_of_a_bond_machine_is_that_of_the_lattice() -> None:
    system = Canonical(ising(square(4), 1.0, 0.3), 2.5)
    found = learned_couplings(effective_hamiltonian(bond_machine(system)), square(4), order=4)
    values = {k.name: k.mean for k in found.kinds}
    assert values["nearest"] == pytest.approx(0.4, abs=1e-14)
    assert values["field"] == pytest.approx(0.12, abs=1e-14)
    assert abs(values["diagonal"]) + abs(values["third"]) + abs(values["plaquette"]) < 1e-14
    counts = {k.name: k.count for k in found.kinds}
    assert counts["nearest"] == 32
    assert found.kind("nearest").spread < 1e-14
    assert "nearest      +0.40000 ± 0.00000  spread 0.00000, 32 sets" in str(found)
    s = configurations(4).repeat(4, 1)
    H = found.hamiltonian.energy(torch.from_numpy(s)).numpy()
    exact = system.beta * system.hamiltonian.energy(torch.from_numpy(s)).numpy()
    assert np.abs(H - exact).max() < 1e-12


def test_mean_and_spread_are_over_translations() -> None:
    machine = bond_machine(Canonical(ising(chain(6)), 1.0))
    machine.weights.parameter.data[:, 0] = 0  # one bond is gone
    found = learned_couplings(effective_hamiltonian(machine), chain(6)).kind("nearest")
    assert found.mean == pytest.approx(5 / 6, abs=1e-14)
    assert found.spread == pytest.approx(math.sqrt(5) / 6, abs=1e-14)
    assert found.error == pytest.approx(math.sqrt(5) / 6 / math.sqrt(6), abs=1e-14)


def test_what_hidden_spins_are_called_is_their_own_choice() -> None:
    """Turning hidden spins over turns signs between them, and nothing of the visible Hamiltonian."""
    machine, turned = drawn(5, 3, 4), drawn(5, 3, 4)
    turned.weights.parameter.data[:, 1] *= -1
    turned.hidden_bias.data[1] *= -1
    visible = [effective_hamiltonian(m) for m in (machine, turned)]
    assert visible[0].coupling(0, 3) == pytest.approx(visible[1].coupling(0, 3), abs=1e-14)
    hidden = [effective_hamiltonian(m, Layer.HIDDEN) for m in (machine, turned)]
    assert hidden[0].coupling(0, 1) == pytest.approx(-hidden[1].coupling(0, 1), abs=1e-14)
    assert hidden[0].coupling(0, 2) == pytest.approx(hidden[1].coupling(0, 2), abs=1e-14)


def test_bits_are_written_as_spins() -> None:
    machine = RestrictedBoltzmannMachine(Binary(4), Binary(3), dtype=torch.float64)
    machine.initialise(seed=1, scale=1.0)
    found = effective_hamiltonian(machine)
    bits = (configurations(4) + 1) / 2
    exact = -machine.free_energy(torch.from_numpy(bits)).detach().numpy()
    H = found.hamiltonian.energy(torch.from_numpy(configurations(4))).numpy()
    assert np.abs(found.constant - H - exact).max() < 1e-13


def test_what_cannot_be_told_is_said() -> None:
    wide = SpinForm(np.ones((21, 1)), np.zeros(21), np.zeros(1), 0.0).machine()
    with pytest.raises(InputError, match=r"at most 20 spins, .* but got one that sees 21"):
        effective_hamiltonian(wide)
    with pytest.raises(InputError, match="a lattice of 21 spins"):
        effective_hamiltonian(wide, order=2, lattice=square(4))
    with pytest.raises(InputError, match="products of one spin or more"):
        effective_hamiltonian(wide, order=0)
    found = effective_hamiltonian(wide, order=2)
    with pytest.raises(InputError, match="a lattice of 21 sites, but got none"):
        learned_couplings(found)
    with pytest.raises(InputError, match="one of the kinds field, nearest"):
        learned_couplings(found, chain(21)).kind("next")
    large = SpinForm(np.ones((100, 1)), np.zeros(100), np.zeros(1), 0.0).machine()
    with pytest.raises(InputError, match="an even number of sites from 4 on, but got 5"):
        decimation_machine(5, 1.0)
    with pytest.raises(InputError, match="at most 4194304 products"):
        effective_hamiltonian(large, order=5)
    with pytest.raises(InputError, match="layers of pairs of states"):
        effective_hamiltonian(RestrictedBoltzmannMachine(Gaussian(3), Spin(2)))


def test_an_order_beyond_all_spins_is_that_of_all() -> None:
    """Units that see thirteen spins or more, for which integrals are taken."""
    machine = drawn(13, 1, 0)
    every, more = (effective_hamiltonian(machine, order=order) for order in (13, 100))
    assert more.coupling(0, 1, 2) == every.coupling(0, 1, 2) != 0
    assert more.left_out.value < 1e-10


def test_parameters_that_are_no_numbers_are_said() -> None:
    for wrong in (math.nan, math.inf):
        machine = drawn(4, 2, 0)
        machine.weights.parameter.data[1, 0] = wrong
        with pytest.raises(InputError, match="a machine of finite numbers"):
            effective_hamiltonian(machine)
    with pytest.raises(InputError, match="products of one spin or more, but got order 0"):
        learned_couplings(effective_hamiltonian(drawn(4, 2, 0)), chain(4), order=0)

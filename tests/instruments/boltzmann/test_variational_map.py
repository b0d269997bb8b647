"""The map from samples against the map from all configurations; |z| < 4, one false alarm in 16,000 for each number."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lensmaker.core import Convergence, InputError, Verdict, compare
from lensmaker.instruments.boltzmann.variational_map import VariationalMap
from lensmaker.systems.boltzmann.coarsening import Coarsening
from lensmaker.systems.boltzmann.constructed import bond_machine
from lensmaker.systems.boltzmann.likelihood import Annealing, Summation
from lensmaker.systems.boltzmann.spin_form import SpinForm
from lensmaker.systems.spins import Canonical, Samples, ising, sample, square
from lensmaker.systems.spins.sampling import HeatBath
from lensmaker.theories.variational_rg.theory import VariationalRG

SYSTEM = Canonical(ising(square(3)), 3.0)


@pytest.fixture(scope="module")
def drawn() -> Samples:
    return sample(SYSTEM, 24_000, rule=HeatBath(), seed=1)


def pair(drawn: Samples | None, scale: float) -> Coarsening:
    random = np.random.default_rng(0)
    form = SpinForm(
        scale * random.normal(size=(9, 4)), 0.1 * random.normal(size=9), 0.1 * random.normal(size=4), 0.0
    )
    return Coarsening(form.machine(), SYSTEM, drawn)


def near(drawn: Samples | None) -> Coarsening:
    """A machine that is nearly exact: its numbers are known to a percent."""
    machine = bond_machine(SYSTEM)
    machine.weights.parameter.data *= 0.8
    return Coarsening(machine, SYSTEM, drawn)


def test_a_bias_of_two_percent_is_seen(drawn: Samples) -> None:
    """The errors are below 0.67 % of Var R and of KL: |z| < 3 leaves no room for 2 %."""
    pairs, _, _ = compare(VariationalRG().predict(near(drawn)), VariationalMap().measure(near(drawn)))
    for found in pairs:
        assert abs(found.z_score) < 3, found
        assert found.measurement.error < 0.0067 * abs(found.prediction.value), found


@pytest.mark.parametrize("method", [None, Annealing(64, 150)], ids=["reweighting", "annealing"])
def test_samples_tell_what_all_configurations_do(drawn: Samples, method: Annealing | None) -> None:
    system = pair(drawn, 0.2) if method is None else near(drawn)
    pairs, unmeasured, alone = compare(
        VariationalRG().predict(system), VariationalMap(method).measure(system)
    )
    assert {p.quantity.name for p in unmeasured} == {"identity_gap", "trace_residual"}
    assert not len(alone)
    for found in pairs:
        assert found.measurement.convergence is Convergence.CONVERGED
        assert abs(found.z_score) < 4, found
        assert 0 < found.measurement.error < 0.05 * abs(found.prediction.value) + 0.05


def test_errors_are_those_of_repetition() -> None:
    """χ² of 16 runs over what each tells of itself: by chance below 3 or above 46 once in 5,000."""
    exact = {p.quantity.name: p.value for p in VariationalRG().predict(near(None))}
    z: dict[str, list[float]] = {}
    for seed in range(16):
        system = near(sample(SYSTEM, 400, rule=HeatBath(), seed=seed))
        for m in VariationalMap().measure(system):
            z.setdefault(m.quantity.name, []).append((m.value - exact[m.quantity.name]) / m.error)
    for name, values in z.items():
        assert 3 < np.square(values).sum() < 46, (name, values)


def test_an_exact_machine_is_seen_to_be_exact(drawn: Samples) -> None:
    found = {
        m.quantity.name: m for m in VariationalMap().measure(Coarsening(bond_machine(SYSTEM), SYSTEM, drawn))
    }
    assert abs(found["kl_divergence"].value) < 1e-12
    assert found["trace_violation"].value < 1e-12
    exact = -18 * (math.log(2) + 1 / 3)
    assert found["free_energy_shift"].value == pytest.approx(exact, abs=1e-11)


def test_heavy_tails_are_said(drawn: Samples) -> None:
    found = {m.quantity.name: m for m in VariationalMap().measure(pair(drawn, 2.0))}
    assert found["kl_divergence"].convergence is Convergence.UNEVEN
    assert found["trace_violation"].convergence is Convergence.CONVERGED
    compared, _, _ = compare(VariationalRG().predict(pair(drawn, 2.0)), found.values())
    verdicts = {c.quantity.name: c.verdict for c in compared}
    assert verdicts["kl_divergence"] is Verdict.NOT_CONVERGED


def test_a_few_samples_are_too_short() -> None:
    found = VariationalMap().measure(pair(sample(SYSTEM, 12, rule=HeatBath(), seed=0), 0.2))
    assert {m.convergence for m in found} <= {Convergence.SERIES_TOO_SHORT, Convergence.UNEVEN}


def test_what_is_no_measurement_is_said() -> None:
    with pytest.raises(InputError, match="a way that samples, or None, but got the sum"):
        VariationalMap(Summation())
    with pytest.raises(InputError, match="samples of the spins, but got none"):
        VariationalMap().measure(pair(None, 0.2))


def test_samples_of_another_system_are_refused(drawn: Samples) -> None:
    """By βH, not by name: twice the coupling at twice the temperature is the same."""
    machine = bond_machine(SYSTEM)
    Coarsening(machine, Canonical(ising(square(3), 2.0), 6.0), drawn)
    for other in (
        Canonical(ising(square(3)), 3.06),
        Canonical(ising(square(3), 1.0, 0.01), 3.0),
        Canonical(ising(square(3), -1.0), 3.0),
    ):
        with pytest.raises(
            InputError, match=r"samples at T = .* of the system, but got samples of .* at T = 3"
        ):
            Coarsening(machine, other, drawn)

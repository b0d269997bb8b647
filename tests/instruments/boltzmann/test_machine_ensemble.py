"""What is measured against what is summed one by one; neither theory nor instrument uses the other's code."""

from __future__ import annotations

import math

import pytest
import torch

from exact.machine_sums import sums
from lensmaker.core import Convergence, InputError, Verdict, compare
from lensmaker.instruments.boltzmann.machine_ensemble import MachineEnsemble
from lensmaker.systems.boltzmann import Exact, RestrictedBoltzmannMachine, Spin
from lensmaker.systems.boltzmann.likelihood import Annealing, Integration, Method, Path, Summation
from lensmaker.systems.boltzmann.subject import Subject
from lensmaker.theories.boltzmann.exact_sum import ExactBoltzmann


def subject() -> Subject:
    m, generator = RestrictedBoltzmannMachine(8, 4), torch.Generator().manual_seed(1)
    for parameter in m.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
    return Subject(m, m.random(30, generator))


@pytest.mark.parametrize("method", [Annealing(64, 100), Integration(9, 16, 300)], ids=lambda m: m.name)
def test_measurements_are_those_of_all_configurations(method: Method) -> None:
    """Three numbers at |z| < 4: a false alarm of 2e-4."""
    s = subject()
    numbers = [x.detach().double().numpy() for x in (s.machine.weights.parameter, s.machine.visible_bias)]
    b = s.machine.hidden_bias.detach().double().numpy()
    exact = sums(*numbers, b, (0.0, 1.0), (0.0, 1.0))
    found = {m.quantity.name: m for m in MachineEnsemble(method).measure(s)}
    for name, want in zip(("log_partition", "machine_energy", "machine_entropy"), exact, strict=True):
        assert found[name].convergence is Convergence.CONVERGED
        assert abs(found[name].value - want) < 4 * found[name].error
        assert found[name].error < 0.1
    assert found["log_likelihood"].error == found["log_partition"].error


def test_theory_and_instrument_agree_and_share_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each works where the other's code is taken away."""

    def taken(*args: object, **kwargs: object) -> None:
        raise AssertionError("this is the other's")

    s = subject()
    with monkeypatch.context() as without:
        without.setattr(Exact, "__post_init__", taken)
        measurements = MachineEnsemble(Annealing(64, 100)).measure(s)
    with monkeypatch.context() as without:
        for name in ("log_weight", "slope", "sweep", "start"):
            without.setattr(Path, name, taken)
        predictions = ExactBoltzmann().predict(s)
    pairs, alone, _ = compare(predictions, measurements)
    assert len(pairs) == 4
    assert not alone
    assert {p.verdict for p in pairs} == {Verdict.AGREES}


def test_chains_that_do_not_meet_are_said_to_disagree() -> None:
    m = RestrictedBoltzmannMachine(Spin(20), Spin(8), biased=False)
    m.weights.parameter.data.fill_(2.0)
    m.visible_bias.data[:10] = 1.0
    rows = torch.cat([-torch.ones(3, 10), torch.ones(3, 10)], 1).repeat(1, 1)
    found = MachineEnsemble(Annealing(8, 5), levels=2, columns=8, sweeps=20).measure(Subject(m, rows))
    by_name = {f.quantity.name: f for f in found}
    assert by_name["machine_entropy"].convergence is not Convergence.CONVERGED


def test_without_rows_there_is_no_likelihood() -> None:
    found = MachineEnsemble(Annealing(8, 5), columns=4, sweeps=16).measure(
        Subject(RestrictedBoltzmannMachine(3, 2))
    )
    assert {f.quantity.name for f in found} == {"log_partition", "machine_energy", "machine_entropy"}
    assert all(math.isfinite(f.value) for f in found)


def test_the_sum_is_no_measurement() -> None:
    with pytest.raises(InputError, match="a way that samples, but got the sum"):
        MachineEnsemble(Summation())
    with pytest.raises(InputError, match="4 columns and 8 sweeps"):
        MachineEnsemble(columns=2)


@pytest.mark.parametrize("dtype", [torch.float64, torch.int8, torch.bool])
def test_rows_may_be_of_any_kind_of_numbers(dtype: torch.dtype) -> None:
    machine = RestrictedBoltzmannMachine(3, 2)
    found = MachineEnsemble(Annealing(8, 4), sweeps=40).measure(Subject(machine, torch.ones(4, 3).to(dtype)))
    ell = next(m for m in found if m.quantity.name == "log_likelihood")
    assert ell.value == pytest.approx(-3 * math.log(2))
    with pytest.raises(InputError, match="a table of one row or more"):
        Subject(machine, torch.zeros(0, 3, dtype=dtype))


def test_rows_of_one_phase_do_not_hide_the_other() -> None:
    """A magnet with two phases, and rows of one: ln Z is that of both, or it is said that it is not known."""
    machine = RestrictedBoltzmannMachine(Spin(20), Spin(16), biased=False)
    machine.weights.parameter.data.fill_(0.12)
    rows = machine.gibbs(torch.ones(200, 20), 50, torch.Generator().manual_seed(0))
    found = MachineEnsemble(Annealing(64, 200)).measure(Subject(machine, rows[rows.sum(1) > 6]))
    log_z = next(m for m in found if m.quantity.name == "log_partition")
    exact = Exact(machine).log_partition
    assert log_z.convergence is not Convergence.CONVERGED or abs(log_z.value - exact) < 4 * log_z.error
    assert abs(log_z.value - exact) < 0.3
